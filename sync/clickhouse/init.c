// init - creates the tables on a server, and adds the columns that a newer program knows.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/base/own.h"
#include "common/schema/record.h"
#include "sync/clickhouse/server.h"

struct init {
    server_t *server;
    struct ddl ddl;
    unsigned tables, columns, anew;
    char why[500];
};

static bool goes_on(void *arg) {
    (void)arg;
    return true;
}

static enum reply run_statement(struct init *self, buffer_t *statement) {
    enum reply reply = server_run(self->server, buffer_string(statement), NULL, self->why);
    buffer_clear(statement);
    return reply;
}

static enum reply create_rows(struct init *self, const struct table_form *form) {
    buffer_t statements[DDL_STATEMENTS_MAX] = {0};
    enum reply reply = REPLY_DONE;
    size_t n = ddl_rows(&self->ddl, form, statements);
    for (size_t i = 0; i < n; i++) {
        if (reply == REPLY_DONE) reply = run_statement(self, &statements[i]);
        buffer_destroy(&statements[i]);
    }
    return reply;
}

static enum reply add_missing_column(struct init *self, const struct table_form *form,
                                     const char *name) {
    own(buffer) text = {0};
    enum reply reply = REPLY_DONE;
    const ProtobufCFieldDescriptor *f = record_field(form->type, span_of(name));
    for (size_t table = 0;
         f && reply == REPLY_DONE && ddl_add_column(&self->ddl, form, table, f, &text); table++)
        reply = run_statement(self, &text);
    self->columns++;
    return reply;
}

// A view knows the columns that there were when it was made: after a table was put away, its own.
static enum reply create_view(struct init *self, const struct table_form *form, bool anew) {
    own(buffer) text = {0};
    enum reply reply = REPLY_DONE;
    if (anew) {
        ddl_drop_view(&self->ddl, form, &text);
        reply = run_statement(self, &text);
    }
    if (reply != REPLY_DONE) return reply;
    ddl_view(&self->ddl, form, &text);
    return run_statement(self, &text);
}

static void explain_other_key(struct init *self, const struct table_form *form) {
    const char *database = self->ddl.database, *name = form->name;
    own(buffer) how = {0};
    if (self->ddl.dialect == DDL_CLUSTER)
        buffer_format(&how, "copy it into a table of another name, drop it and %s" DDL_PART, name);
    else
        buffer_format(&how, "RENAME TABLE %s.%s" DDL_ROWS " TO %s.%s" DDL_ROWS "_before", database,
                      name, database, name);
    snprintf(self->why, sizeof self->why,
             "%s.%s" DDL_ROWS " is not kept by (%s), and has rows that may be nowhere else "
             "(retention); it was not changed. Put it away: %s; then init again: what the archive "
             "has is copied again",
             database, name, form->key, buffer_string(&how));
}

// A table whose rows are told apart by less than the archive's key: an empty one is made anew. One
// that has rows may have what the archive has forgotten, and is left to its owner.
static enum reply drop_other_key(struct init *self, const struct table_form *form) {
    own(buffer) text = {0};
    bool same = true, filled = false;
    enum reply reply = server_has_key(self->server, form, &same, self->why);
    if (reply != REPLY_DONE || same) return reply;
    reply = server_has_rows(self->server, form, &filled, self->why);
    if (reply == REPLY_DONE && filled) {
        explain_other_key(self, form);
        return REPLY_NO;
    }
    for (size_t i = 0; reply == REPLY_DONE && ddl_drop_rows(&self->ddl, form, i, &text); i++)
        reply = run_statement(self, &text);
    self->anew++;
    return reply;
}

static enum reply init_table(struct init *self, const struct table_form *form) {
    struct block_form has;
    const char *missing = NULL;
    unsigned before = self->columns;
    bool is_there = false;
    enum reply reply = drop_other_key(self, form);
    if (reply == REPLY_DONE) reply = server_has_table(self->server, form, &is_there, self->why);
    if (reply == REPLY_DONE) reply = create_rows(self, form);
    for (bool more = true; reply == REPLY_DONE && more;) {
        reply = server_look(self->server, form, &has, &missing, self->why);
        more = reply == REPLY_DONE && missing;
        if (more &&
            self->columns - before ==
                record_columns(form->type)->n) { // each was added, and one is still not there
            snprintf(self->why, sizeof(self->why), "%s: column %s does not appear", form->name,
                     missing);
            return REPLY_NO;
        }
        if (more) reply = add_missing_column(self, form, missing);
    }
    self->tables++;
    if (reply != REPLY_DONE) return reply;
    return create_view(self, form, !is_there || self->columns != before);
}

static enum reply init_all(struct init *self) {
    own(buffer) text = {0};
    enum dialect dialect;
    enum reply reply = server_dialect(self->server, &dialect, self->why);
    if (reply != REPLY_DONE) return reply;
    self->ddl = server_ddl(self->server, dialect);
    ddl_database(&self->ddl, &text);
    reply = run_statement(self, &text);
    for (size_t i = 0; reply == REPLY_DONE && i < TABLE_COUNT; i++)
        if (table_forms[i].copying == COPIED) reply = init_table(self, &table_forms[i]);
    return reply;
}

int server_init(const struct server_settings *settings) {
    struct init self = {.server = server_new(settings, goes_on, NULL)};
    enum reply reply = init_all(&self);
    if (reply == REPLY_DONE)
        printf("%s: %u tables are there; %u columns were added\n", settings->database, self.tables,
               self.columns);
    if (reply == REPLY_DONE && self.anew)
        printf("%s: %u tables were made anew, with another key; they had no rows\n",
               settings->database, self.anew);
    if (reply != REPLY_DONE) fprintf(stderr, "%s: %s\n", settings->url, self.why);
    server_destroy(&self.server);
    return reply == REPLY_DONE ? 0 : reply == REPLY_NO ? 1 : 3;
}
