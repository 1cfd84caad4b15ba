// ddl - the archive's tables as ClickHouse has them.
// SPDX-License-Identifier: MIT
#include "sync/clickhouse/ddl.h"
#include "common/schema/record.h"

static void on_cluster(const struct ddl *ddl, buffer_t *out) {
    if (ddl->dialect == DDL_CLUSTER) buffer_format(out, " ON CLUSTER '%s'", ddl->cluster);
}

void ddl_database(const struct ddl *ddl, buffer_t *out) {
    buffer_format(out, "CREATE DATABASE IF NOT EXISTS `%s`", ddl->database);
    on_cluster(ddl, out);
}

void ddl_type(const struct ddl *ddl, const struct table_form *form,
              const ProtobufCFieldDescriptor *f, buffer_t *out) {
    static const char *const types[] = {
        [COLUMN_TEXT] = "String",
        [COLUMN_DECIMAL] = "Decimal(38, 8)",
        [COLUMN_TIME] = "DateTime64(6, 'UTC')",
        [COLUMN_INTEGER] = "Int64",
        [COLUMN_UNSIGNED] = "UInt64",
        [COLUMN_FLAG] = "UInt8",
        [COLUMN_BYTES] = "String",
    };
    enum column_kind kind = column_kind_of(f);
    const char *type = kind == COLUMN_TIME && ddl->dialect == DDL_OLD ? "Int64" : types[kind];
    buffer_format(out, column_is_optional(form, f) ? "Nullable(%s)" : "%s", type);
}

// Table 0 takes the rows, or in a cluster is the part of them that each shard has; table 1 is a
// cluster's own, the Distributed one over the parts. False: there is no such table.
static bool is_rows_table(const struct ddl *ddl, size_t table) {
    return table == 0 || (table == 1 && ddl->dialect == DDL_CLUSTER);
}

static void rows_name(const struct ddl *ddl, const struct table_form *form, size_t table,
                      buffer_t *out) {
    bool is_part = table == 0 && ddl->dialect == DDL_CLUSTER;
    buffer_format(out, "`%s`.`%s%s`", ddl->database, form->name, is_part ? DDL_PART : DDL_ROWS);
}

static void print_engine(const struct ddl *ddl, const struct table_form *form, buffer_t *out) {
    if (ddl->dialect == DDL_CLUSTER)
        buffer_format(out,
                      "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/%s/%s', "
                      "'{replica}', `" CHANGED "`)",
                      ddl->database, form->name);
    else
        buffer_text(out, "ReplacingMergeTree(`" CHANGED "`)");
    buffer_format(out, " ORDER BY (%s)", form->key);
}

static void print_columns(const struct ddl *ddl, const struct table_form *form, buffer_t *out) {
    const struct record_columns *all = record_columns(form->type);
    for (unsigned i = 0; i < all->n; i++) {
        buffer_format(out, "    `%s` ", all->fields[i]->name);
        ddl_type(ddl, form, all->fields[i], out);
        buffer_text(out, ",\n");
    }
    buffer_text(out, "    `" CHANGED "` UInt64,\n    `removed` UInt8\n");
}

size_t ddl_rows(const struct ddl *ddl, const struct table_form *form,
                buffer_t out[static DDL_STATEMENTS_MAX]) {
    buffer_text(&out[0], "CREATE TABLE IF NOT EXISTS ");
    rows_name(ddl, form, 0, &out[0]);
    on_cluster(ddl, &out[0]);
    buffer_text(&out[0], " (\n");
    print_columns(ddl, form, &out[0]);
    buffer_text(&out[0], ") ENGINE = ");
    print_engine(ddl, form, &out[0]);
    if (ddl->dialect != DDL_CLUSTER) return 1;
    // All versions of a row on one shard: only there can the latest win.
    buffer_text(&out[1], "CREATE TABLE IF NOT EXISTS ");
    rows_name(ddl, form, 1, &out[1]);
    on_cluster(ddl, &out[1]);
    buffer_text(&out[1], " AS ");
    rows_name(ddl, form, 0, &out[1]);
    buffer_format(&out[1], " ENGINE = Distributed('%s', '%s', '%s" DDL_PART "', cityHash64(`%s`))",
                  ddl->cluster, ddl->database, form->name, column_first_key(form)->name);
    return 2;
}

void ddl_view(const struct ddl *ddl, const struct table_form *form, buffer_t *out) {
    buffer_format(out, "CREATE VIEW IF NOT EXISTS `%s`.`%s`", ddl->database, form->name);
    on_cluster(ddl, out);
    buffer_text(out, " AS SELECT ");
    column_list(form, '`', out);
    buffer_format(out, ", `" CHANGED "` FROM `%s`.`%s" DDL_ROWS "` FINAL WHERE `removed` = 0",
                  ddl->database, form->name);
}

// In a cluster at once (SYNC): the new one stands where the old one stood in ZooKeeper.
bool ddl_drop_rows(const struct ddl *ddl, const struct table_form *form, size_t table,
                   buffer_t *out) {
    if (!is_rows_table(ddl, table)) return false;
    buffer_text(out, "DROP TABLE IF EXISTS ");
    rows_name(ddl, form, table, out);
    on_cluster(ddl, out);
    if (ddl->dialect == DDL_CLUSTER) buffer_text(out, " SYNC");
    return true;
}

void ddl_drop_view(const struct ddl *ddl, const struct table_form *form, buffer_t *out) {
    // DROP TABLE drops views on servers of every age
    buffer_format(out, "DROP TABLE IF EXISTS `%s`.`%s`", ddl->database, form->name);
    on_cluster(ddl, out);
}

bool ddl_add_column(const struct ddl *ddl, const struct table_form *form, size_t table,
                    const ProtobufCFieldDescriptor *f, buffer_t *out) {
    if (!is_rows_table(ddl, table)) return false;
    buffer_text(out, "ALTER TABLE ");
    rows_name(ddl, form, table, out);
    on_cluster(ddl, out);
    buffer_format(out, " ADD COLUMN `%s` ", f->name);
    ddl_type(ddl, form, f, out);
    return true;
}

static void add_statement(buffer_t *statement, buffer_t *out) {
    buffer_add(out, statement->data, statement->length);
    buffer_text(out, ";\n\n");
    buffer_destroy(statement);
}

static void add_table(const struct ddl *ddl, const struct table_form *form, buffer_t *out) {
    buffer_t statements[DDL_STATEMENTS_MAX] = {0}, view = {0};
    size_t n = ddl_rows(ddl, form, statements);
    for (size_t i = 0; i < n; i++) add_statement(&statements[i], out);
    ddl_view(ddl, form, &view);
    add_statement(&view, out);
}

void ddl_file(const struct ddl *ddl, buffer_t *out) {
    static const char *const words[] = {
        [DDL_SINGLE] = "one server, 20.1 or later",
        [DDL_OLD] = "one server before 20.1 (times are microseconds since 1970)",
        [DDL_CLUSTER] = "a cluster: the servers' macros {cluster}, {shard} and {replica} must be "
                        "set, and the clusters' internal_replication",
    };
    buffer_t database = {0};
    buffer_format(out,
                  "-- The archive's tables in ClickHouse: %s.\n"
                  "-- `tradecast clickhouse ddl` prints this; `tradecast clickhouse init` runs "
                  "it.\n\n",
                  words[ddl->dialect]);
    ddl_database(ddl, &database);
    add_statement(&database, out);
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (table_forms[i].copying == COPIED) add_table(ddl, &table_forms[i], out);
    while (out->length > 1 && out->data[out->length - 2] == '\n') out->length--;
}
