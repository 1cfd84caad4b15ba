// sync-clickhouse - copies the archive's tables to ClickHouse, in blocks, from a watermark per
// table.
// SPDX-License-Identifier: MIT
//
// Read on in block.c (what is sent), server.c (to whom), ddl.c (where it lands).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/base/testing.h"
#include "common/http/url.h"
#include "sync/clickhouse/server.h"
#include "sync/copy/copy.h"

#define BACKOFF_FIRST_MS 250
#define BACKOFF_MOST_MS  30000

struct clickhouse_settings {
    struct server_settings server;
    struct block_limits block;
    bool plain;
};

#define AT(field) offsetof(struct clickhouse_settings, field)
static const struct option options[] = {
    {"url", OPTION_TEXT, AT(server.url), "http://127.0.0.1:8123", "The server's HTTP interface", 0,
     0, NULL},
    {"database", OPTION_TEXT, AT(server.database), "tradecast", "The database", 0, 0, NULL},
    {"user", OPTION_TEXT, AT(server.user), "default", "The user", 0, 0, NULL},
    {"password_file", OPTION_FILE, AT(server.password), NULL, "File that holds the user's password",
     0, 0, NULL},
    {"ca_file", OPTION_TEXT, AT(server.ca_file), NULL,
     "Certificates to trust instead of the system's (PEM)", 0, 0, NULL},
    {"plain", OPTION_FLAG, AT(plain), "false", "A password may travel over http to another host", 0,
     0, NULL},
    {"cluster", OPTION_TEXT, AT(server.cluster), NULL,
     "The cluster's name, where the tables are spread over one", 0, 0, NULL},
    {"within", OPTION_DURATION, AT(server.within_ms), "60s", "How long one request may take", 100,
     3600000, NULL},
    {"block_rows", OPTION_INTEGER, AT(block.rows), "50000", "Most rows in one block", 1, 1000000,
     NULL},
    {"block_bytes", OPTION_SIZE, AT(block.bytes), "16m", "Most bytes in one block, or one row more",
     1024, 64 << 20, NULL},
    {0},
};

// How far the server is: the highest number of which, and of all below, it has the row.
static const char *const steps[] = {
    "CREATE TABLE watermark (table_name TEXT NOT NULL PRIMARY KEY, changed INTEGER NOT NULL) "
    "WITHOUT ROWID;",
};

struct table {
    struct block_form form;
    uint64_t watermark;
    uint64_t oldest;   // `changed` of the first row that the server does not have; 0: none
    bool known;        // what the server has of it was looked at since it last failed
    unsigned refused;  // times in a row
    uint64_t again_at; // monotonic ns: not before, when it was refused
};

struct clickhouse {
    struct copy *copy;
    const struct clickhouse_settings *settings;
    server_t *server;
    sql_query_t *read, *write;
    struct table tables[TABLE_COUNT];
    struct block block;
};

static bool check_clickhouse_settings(const void *settings, char wrong[static 256]) {
    const struct clickhouse_settings *s = settings;
    const char *name = s->server.database;
    if (s->server.password && !s->plain && !url_is_private(s->server.url)) {
        snprintf(wrong, 256,
                 "TRADECAST_CLICKHOUSE_URL is \"%.100s\": a password travels over https, unless "
                 "TRADECAST_CLICKHOUSE_PLAIN is true",
                 s->server.url);
        return false;
    }
    if (name[0] &&
        name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == 0)
        return true;
    snprintf(wrong, 256,
             "TRADECAST_CLICKHOUSE_DATABASE is \"%.80s\"; it must be letters, digits and _", name);
    return false;
}

// The watermarks.

static err_t read_watermark(struct clickhouse *self, size_t t) {
    bool row = false;
    sql_bind_text(self->read, 1, table_forms[t].name);
    err_t e = sql_step(self->read, &row);
    self->tables[t].watermark = !e && row ? (uint64_t)sql_integer(self->read, 0) : 0;
    sql_reset(self->read);
    return e;
}

static err_t move_watermark(struct clickhouse *self, size_t t, uint64_t changed) {
    sql_bind_text(self->write, 1, table_forms[t].name);
    sql_bind_integer(self->write, 2, (int64_t)changed);
    err_t e = sql_execute(self->write);
    if (!e) self->tables[t].watermark = changed;
    if (e)
        copy_trouble(self->copy, "%s: %s", self->copy->settings.state,
                     sql_trouble(self->copy->state));
    return e;
}

// Looking at what the server has, at the start and whenever it was away.

static enum reply check_table_key(struct clickhouse *self, const struct table_form *form,
                                  char why[static 200]) {
    bool same = true;
    enum reply reply = server_has_key(self->server, form, &same, why);
    if (reply != REPLY_DONE || same) return reply;
    snprintf(why, 200, "the server's table is not kept by %s: run tradecast clickhouse init",
             form->key);
    return REPLY_NO;
}

static enum reply look_at_table(struct clickhouse *self, size_t t, char why[static 200]) {
    const struct table_form *form = &table_forms[t];
    struct table *table = &self->tables[t];
    const char *missing = NULL;
    uint64_t last = 0;
    enum reply reply = server_look(self->server, form, &table->form, &missing, why);
    if (reply == REPLY_DONE && missing) {
        snprintf(why, 200, "the server's table has no column %s: run tradecast clickhouse init",
                 missing);
        return REPLY_NO;
    }
    if (reply == REPLY_DONE) reply = check_table_key(self, form, why);
    if (reply == REPLY_DONE) reply = server_last(self->server, form, &last, why);
    if (reply != REPLY_DONE || last >= table->watermark) return reply;
    log_event(LOG_LEVEL_WARNING, "server_behind", "table=%s had=%llu has=%llu", form->name,
              (unsigned long long)table->watermark, (unsigned long long)last);
    return move_watermark(self, t, last) ? REPLY_NONE : REPLY_DONE;
}

// Sending.

static enum reply send_block(struct clickhouse *self, size_t t, char why[static 200]) {
    struct block *b = &self->block;
    FAILPOINT("clickhouse.before_send");
    enum reply reply = server_insert(self->server, &table_forms[t], buffer_span(&b->text), why);
    if (reply != REPLY_DONE) return reply;
    FAILPOINT("clickhouse.after_send");
    self->copy->delivered += (uint64_t)b->rows;
    return move_watermark(self, t, b->last) ? REPLY_NONE : REPLY_DONE;
}

// One block of one table. *more: there may be another.
static enum reply copy_block(struct clickhouse *self, sql_t *archive, size_t t, bool *more,
                             char why[static 200]) {
    struct table *table = &self->tables[t];
    err_t e =
        block_fill(&self->block, archive, &table->form, table->watermark, &self->settings->block);
    if (e) {
        snprintf(why, 200, "the archive: %.150s", sql_trouble(archive));
        return REPLY_NO;
    }
    table->oldest = self->block.first;
    if (self->block.rows == 0) return REPLY_DONE;
    enum reply reply = send_block(self, t, why);
    if (reply != REPLY_DONE) {
        self->copy->failed++;
        return reply;
    }
    table->oldest = self->block.more ? self->block.last : 0;
    *more = *more || self->block.more;
    return reply;
}

// The first change that the server does not have; 0: there is none, or it cannot be told now.
static uint64_t first_missing(sql_t *archive, size_t t, uint64_t watermark) {
    char text[160];
    bool row = false;
    snprintf(text, sizeof(text), "SELECT min(" CHANGED ") FROM \"%s\" WHERE " CHANGED " > ?1",
             table_forms[t].name);
    own(sql_query) *q = sql_prepare(archive, text);
    if (!q) return 0;
    sql_bind_integer(q, 1, (int64_t)watermark);
    return !sql_step(q, &row) && row ? (uint64_t)sql_integer(q, 0) : 0;
}

// What the server refuses holds up its own table only.
static enum reply copy_table(struct clickhouse *self, sql_t *archive, size_t t, bool *more) {
    char why[200] = "";
    struct table *table = &self->tables[t];
    enum reply reply = REPLY_DONE;
    if (table->refused && clock_mono_ns() < table->again_at) return REPLY_NO;
    if (!table->known) reply = look_at_table(self, t, why);
    if (reply == REPLY_DONE) reply = copy_block(self, archive, t, more, why);
    table->known = reply == REPLY_DONE;
    if (reply != REPLY_DONE && why[0])
        copy_trouble(self->copy, "%s: %.180s", table_forms[t].name, why);
    table->refused = reply == REPLY_NO ? table->refused + 1 : 0;
    if (reply == REPLY_NO) {
        table->oldest = first_missing(archive, t, table->watermark);
        int64_t ms =
            copy_backoff_ms(table->refused, BACKOFF_FIRST_MS, BACKOFF_MOST_MS, copy_chance());
        table->again_at = clock_mono_ns() + (uint64_t)ms * NS_PER_MS;
    }
    return reply;
}

static void find_oldest(struct clickhouse *self) {
    self->copy->oldest = 0;
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        uint64_t oldest = self->tables[t].oldest;
        if (oldest && (!self->copy->oldest || oldest < self->copy->oldest))
            self->copy->oldest = oldest;
    }
}

// Each table in turn. REPLY_NONE: the server does not answer; when it does again it may be another
// one, or have lost its last blocks.
static enum reply copy_tables(struct clickhouse *self, sql_t *archive, bool *more) {
    enum reply worst = REPLY_DONE;
    for (size_t t = 0; t < TABLE_COUNT && worst != REPLY_NONE && copy_goes_on(self->copy); t++) {
        if (table_forms[t].copying != COPIED) continue;
        enum reply reply = copy_table(self, archive, t, more);
        if (reply != REPLY_DONE) worst = reply;
    }
    for (size_t t = 0; t < TABLE_COUNT && worst == REPLY_NONE; t++) {
        self->tables[t].known = false;
        if (table_forms[t].copying == COPIED)
            self->tables[t].oldest = first_missing(archive, t, self->tables[t].watermark);
    }
    find_oldest(self);
    return worst;
}

static int64_t clickhouse_round(void *arg) {
    struct clickhouse *self = arg;
    bool more = false;
    own(sql) *archive = copy_archive(self->copy);
    enum reply reply = archive && copy_is_indexed(self->copy, archive)
                           ? copy_tables(self, archive, &more)
                           : REPLY_NONE;
    if (reply == REPLY_NONE)
        return copy_backoff_ms(++self->copy->in_vain, BACKOFF_FIRST_MS, BACKOFF_MOST_MS,
                               copy_chance());
    self->copy->in_vain = 0;
    if (reply == REPLY_DONE) copy_no_trouble(self->copy);
    return more ? 0 : self->copy->settings.look_ms;
}

static void clickhouse_destroy(void **arg) {
    struct clickhouse *self = *arg;
    if (!self) return;
    server_destroy(&self->server);
    sql_query_destroy(&self->read);
    sql_query_destroy(&self->write);
    buffer_destroy(&self->block.text);
    free(self);
    *arg = NULL;
}

static void *clickhouse_new(struct copy *copy, const void *settings) {
    struct clickhouse *self = alloc_zeroed(1, sizeof(*self));
    self->copy = copy;
    self->settings = settings;
    self->server = server_new(&self->settings->server, copy_goes_on, copy);
    self->read = sql_prepare(copy->state, "SELECT changed FROM watermark WHERE table_name = ?1");
    self->write = sql_prepare(
        copy->state,
        "INSERT INTO watermark VALUES (?1, ?2) ON CONFLICT(table_name) DO UPDATE SET changed = ?2");
    bool good = self->read && self->write;
    for (size_t t = 0; good && t < TABLE_COUNT; t++) good = read_watermark(self, t) == ERR_OK;
    if (!good) clickhouse_destroy((void **)&self);
    return self;
}

static int print_ddl(enum dialect dialect) {
    own(buffer) out = {0};
    ddl_file(&(struct ddl){.dialect = dialect, .database = "tradecast", .cluster = "{cluster}"},
             &out);
    (void)fwrite(out.data, 1, out.length, stdout);
    return 0;
}

static int run_other_verb(const char *argument, const void *settings) {
    const struct clickhouse_settings *s = settings;
    if (strcmp(argument, "--init") == 0) return server_init(&s->server);
    if (strcmp(argument, "--ddl=single") == 0) return print_ddl(DDL_SINGLE);
    if (strcmp(argument, "--ddl=old") == 0) return print_ddl(DDL_OLD);
    if (strcmp(argument, "--ddl=cluster") == 0) return print_ddl(DDL_CLUSTER);
    fprintf(stderr, "unknown argument %.60s; --help says what there is\n", argument);
    return 2;
}

static const struct copy_program program = {
    .name = "sync-clickhouse",
    .section = "clickhouse",
    .purpose = "Copies the archive's tables to ClickHouse.",
    .usage = " | --init | --ddl=single|old|cluster",
    .state_preset = "var/data/sync-clickhouse.db",
    .options = options,
    .settings_size = sizeof(struct clickhouse_settings),
    .steps = steps,
    .n_steps = sizeof(steps) / sizeof(steps[0]),
    .check = check_clickhouse_settings,
    .new = clickhouse_new,
    .destroy = clickhouse_destroy,
    .round = clickhouse_round,
    .other = run_other_verb,
};

int main(int argc, char **argv) { return copy_main(&program, argc, argv); }
