// server - a ClickHouse server by HTTP.
// SPDX-License-Identifier: MIT
#include "sync/clickhouse/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/own.h"
#include "common/schema/record.h"

#define COLUMN_NAME_MAX 128 // a longer one is none of ours

struct server {
    struct server_settings settings;
    web_t *web;
    struct web_answer answer;
};

server_t *server_new(const struct server_settings *settings, bool (*goes_on)(void *arg),
                     void *arg) {
    server_t *self = alloc_zeroed(1, sizeof(*self));
    self->settings = *settings;
    self->web = web_new(&(struct web_settings){.ca_file = settings->ca_file,
                                               .user = settings->user,
                                               .password = settings->password,
                                               .within_ms = (long)settings->within_ms,
                                               .goes_on = goes_on,
                                               .arg = arg});
    return self;
}

void server_destroy(server_t **self) {
    if (!*self) return;
    web_answers_clear(&(*self)->answer, 1);
    web_destroy(&(*self)->web);
    free(*self);
    *self = NULL;
}

// "Code: 60, e.displayText() = …", one line of it.
static enum reply judge_answer(server_t *self, struct span *out, char why[static 200]) {
    struct web_answer *a = &self->answer;
    const char *text = buffer_string(&a->body);
    if (out) *out = (struct span){text, a->body.length};
    if (!a->status) {
        snprintf(why, 200, "%s", a->why);
        return REPLY_NONE;
    }
    if (a->status == 200 && strncmp(text, "Code: ", 6) != 0) return REPLY_DONE;
    snprintf(why, 200, "%u: %.*s", a->status, (int)strcspn(text, "\n"), text);
    // 502, 503, 504 come from what stands before it; of its own, too many queries, out of memory,
    // read-only after a lost Keeper.
    return a->status >= 502 && a->status <= 504 ? REPLY_NONE : REPLY_NO;
}

static enum reply post_query(server_t *self, const char *query, struct span body, struct span *out,
                             char why[static 200]) {
    own(buffer) url = {0};
    buffer_text(&url, self->settings.url);
    if (!strchr(self->settings.url + 8, '/')) buffer_text(&url, "/");
    // A Distributed table answers once the shards have the rows; for others these say nothing.
    buffer_text(&url, "?wait_end_of_query=1&insert_distributed_sync=1");
    if (query) {
        buffer_text(&url, "&query=");
        web_escape(&url, query);
    }
    web_answers_clear(&self->answer, 1);
    web_post(self->web, &(struct web_request){.url = buffer_string(&url), .body = body},
             &self->answer, 1);
    return judge_answer(self, out, why);
}

enum reply server_run(server_t *self, const char *statement, struct span *out,
                      char why[static 200]) {
    return post_query(self, NULL, span_of(statement), out, why);
}

enum reply server_insert(server_t *self, const struct table_form *form, struct span block,
                         char why[static 200]) {
    own(buffer) query = {0};
    buffer_format(&query, "INSERT INTO `%s`.`%s" DDL_ROWS "` (", self->settings.database,
                  form->name);
    block_columns(form, &query);
    buffer_text(&query, ") FORMAT TabSeparated");
    return post_query(self, buffer_string(&query), block, NULL, why);
}

enum reply server_dialect(server_t *self, enum dialect *out, char why[static 200]) {
    struct span version;
    enum reply reply = server_run(self, "SELECT version()", &version, why);
    if (reply != REPLY_DONE) return reply;
    char *rest = NULL;
    unsigned long year = strtoul(version.data, &rest, 10);
    unsigned long release = *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;
    *out = year < 20 || (year == 20 && release < 1) ? DDL_OLD : DDL_SINGLE;
    if (self->settings.cluster && *self->settings.cluster) *out = DDL_CLUSTER;
    return REPLY_DONE;
}

struct ddl server_ddl(const server_t *self, enum dialect dialect) {
    return (struct ddl){
        .dialect = dialect, .database = self->settings.database, .cluster = self->settings.cluster};
}

static size_t cut_word(const char **at, const char *end, char stop, const char **word) {
    *word = *at;
    while (*at < end && **at != stop) (*at)++;
    size_t length = (size_t)(*at - *word);
    if (*at < end) (*at)++;
    return length;
}

// "Int64" or "Nullable(Int64)".
static bool is_integer_type(const char *type, size_t length) {
    static const char *const types[] = {"Int64", "Nullable(Int64)"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (length == strlen(types[i]) && memcmp(type, types[i], length) == 0) return true;
    return false;
}

enum reply server_look(server_t *self, const struct table_form *form, struct block_form *out,
                       const char **missing, char why[static 200]) {
    own(buffer) text = {0};
    struct span found;
    bool has[BLOCK_COLUMNS_MAX] = {0};
    const struct record_columns *columns = record_columns(form->type);
    *out = (struct block_form){.form = form};
    buffer_format(
        &text,
        "SELECT name, type FROM system.columns WHERE database = '%s' AND table = '%s" DDL_ROWS
        "' FORMAT TabSeparated",
        self->settings.database, form->name);
    enum reply reply = server_run(self, buffer_string(&text), &found, why);
    if (reply != REPLY_DONE) return reply;
    const char *at = found.data, *end = at + found.length, *name, *type;
    while (at < end) {
        struct span word = {NULL, cut_word(&at, end, '\t', &name)};
        word.data = name;
        size_t length = cut_word(&at, end, '\n', &type);
        const ProtobufCFieldDescriptor *f = record_field(form->type, word);
        if (!f) continue;
        unsigned i = 0;
        while (columns->fields[i] != f) i++;
        has[i] = true;
        out->micros[i] = column_kind_of(f) == COLUMN_TIME && is_integer_type(type, length);
    }
    *missing = NULL;
    for (unsigned i = 0; i < columns->n && !*missing; i++)
        if (!has[i]) *missing = columns->fields[i]->name;
    return REPLY_DONE;
}

// `listing`: a line for each column, its name and whether it is of the sorting key.
static bool has_listed_key(const struct table_form *form, struct span listing) {
    const char *at = listing.data, *end = at + listing.length, *word;
    unsigned found = 0, wanted = 1;
    for (const char *comma = form->key; (comma = strchr(comma, ',')); comma++) wanted++;
    while (at < end) {
        char name[COLUMN_NAME_MAX];
        size_t length = cut_word(&at, end, '\t', &word);
        snprintf(name, sizeof(name), "%.*s", (int)length, word);
        bool sorts = cut_word(&at, end, '\n', &word) == 1 && *word == '1';
        if (sorts != column_is_key(form, name)) return false;
        found += sorts;
    }
    return found == wanted;
}

// Which columns sort, not how the server spells its key: ClickHouse 26 says "(trade_id)" where
// 18.16 says "trade_id", and a table taken for one with another key is not copied to.
enum reply server_has_key(server_t *self, const struct table_form *form, bool *out,
                          char why[static 200]) {
    own(buffer) text = {0};
    struct span found;
    bool cluster = self->settings.cluster && *self->settings.cluster;
    buffer_format(&text,
                  "SELECT name, is_in_sorting_key FROM system.columns"
                  " WHERE database = '%s' AND table = '%s%s' FORMAT TabSeparated",
                  self->settings.database, form->name, cluster ? DDL_PART : DDL_ROWS);
    enum reply reply = server_run(self, buffer_string(&text), &found, why);
    if (reply == REPLY_DONE) *out = !found.length || has_listed_key(form, found);
    return reply;
}

enum reply server_has_table(server_t *self, const struct table_form *form, bool *out,
                            char why[static 200]) {
    own(buffer) text = {0};
    struct span found;
    buffer_format(
        &text, "SELECT name FROM system.tables WHERE database = '%s' AND name = '%s" DDL_ROWS "'",
        self->settings.database, form->name);
    enum reply reply = server_run(self, buffer_string(&text), &found, why);
    if (reply == REPLY_DONE) *out = found.length != 0;
    return reply;
}

enum reply server_has_rows(server_t *self, const struct table_form *form, bool *out,
                           char why[static 200]) {
    own(buffer) text = {0};
    struct span found;
    buffer_format(&text, "SELECT 1 FROM `%s`.`%s" DDL_ROWS "` LIMIT 1", self->settings.database,
                  form->name);
    enum reply reply = server_run(self, buffer_string(&text), &found, why);
    if (reply == REPLY_DONE) *out = found.length != 0;
    return reply;
}

enum reply server_last(server_t *self, const struct table_form *form, uint64_t *last,
                       char why[static 200]) {
    own(buffer) text = {0};
    struct span found;
    buffer_format(&text, "SELECT max(`" CHANGED "`) FROM `%s`.`%s" DDL_ROWS "`",
                  self->settings.database, form->name);
    enum reply reply = server_run(self, buffer_string(&text), &found, why);
    *last = reply == REPLY_DONE ? strtoull(found.data, NULL, 10) : 0;
    return reply;
}
