// chain_check - whether an archive's rows are those that its chain says were written.
// SPDX-License-Identifier: MIT
//
// Once over the chain: each batch's hash, each day's. Then for each table: its entries into memory,
// the last one of a row counts; its rows against them. What is left in memory was removed.
#include "services/archiver/chain/check.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/id.h"
#include "common/base/own.h"

#define CODES 256

struct known {    // the last entry of a row
    uint64_t key; // digest of it; 0: free
    int64_t batch;
    unsigned char digest[CANON_DIGEST];
    enum entry_kind kind;
    bool seen;
};

struct index {
    struct known *slots;
    size_t size; // a power of two
};

struct check {
    sql_t *db;
    const struct chain_look *look;
    struct chain_sum *sum;
    int64_t of_code[CODES]; // entries
    struct chain_day day;
};

static void report_chain_fault(struct check *c, struct chain_fault fault) {
    c->sum->faults++;
    c->look->fault(c->look->arg, &fault);
}

// The chain itself.

static void report_chain_day(struct check *c) {
    if (c->day.day[0] && c->look->day) c->look->day(c->look->arg, &c->day);
    c->day = (struct chain_day){0};
}

// Where the chain begins when retention has removed what was before.
static err_t read_start(struct check *c, unsigned char hash[CHAIN_HASH], int64_t *last) {
    own(sql_query) *q = sql_prepare(c->db, "SELECT batch, hash FROM chain_start");
    bool row = false;
    err_t e = q ? sql_step(q, &row) : ERR_CONFIG;
    if (e || !row) return e;
    struct span bytes = sql_bytes(q, 1);
    *last = sql_integer(q, 0);
    if (bytes.length == CHAIN_HASH) memcpy(hash, bytes.data, CHAIN_HASH);
    return e;
}

// The days of which only the closing hash is left. The chain begins with the last one's, or after
// it.
static err_t removed_days(struct check *c, const unsigned char start[CHAIN_HASH], int64_t last) {
    own(sql_query) *q = sql_prepare(c->db, "SELECT day, last, rows, hash, last - first + 1 FROM "
                                           "chain_day WHERE last <= ?1 ORDER BY day");
    bool row = true;
    if (!q) return ERR_CONFIG;
    sql_bind_integer(q, 1, last);
    err_t e = ERR_OK;
    while (!e && !(e = sql_step(q, &row)) && row) {
        struct span hash = sql_bytes(q, 3);
        snprintf(c->day.day, sizeof(c->day.day), "%s", sql_text(q, 0));
        c->day.rows = sql_integer(q, 2);
        c->day.batches = sql_integer(q, 4);
        c->day.over = c->day.removed = true;
        bool fits = hash.length == CHAIN_HASH &&
                    (sql_integer(q, 1) != last || memcmp(hash.data, start, CHAIN_HASH) == 0);
        if (!fits)
            report_chain_fault(
                c, (struct chain_fault){
                       .what = "broken",
                       .at = c->day.day,
                       .text = "the chain does not begin with this day's closing hash"});
        if (hash.length == CHAIN_HASH)
            sodium_bin2hex(c->day.hash, sizeof(c->day.hash), hash.data, CHAIN_HASH);
        report_chain_day(c);
    }
    return e;
}

static void count_entries(struct check *c, int64_t batch, const char *at, struct span entries,
                          int64_t rows) {
    struct chain_entry entry;
    int64_t n = 0;
    size_t place = 0;
    for (; chain_entry_read(entries, &place, &entry); n++) c->of_code[entry.code]++;
    if (place != entries.length || n != rows)
        report_chain_fault(
            c, (struct chain_fault){
                   .what = "broken",
                   .batch = batch,
                   .at = at,
                   .text = "its entries cannot be read, or are not as many as it says"});
    c->sum->rows += n;
    c->day.rows += n;
}

// Whether the day that ends with `hash` was closed with it.
static err_t check_closing(struct check *c, const unsigned char hash[CHAIN_HASH]) {
    own(sql_query) *q = sql_prepare(c->db, "SELECT hash FROM chain_day WHERE day = ?1");
    bool row = false;
    if (!q) return ERR_CONFIG;
    sodium_bin2hex(c->day.hash, sizeof(c->day.hash), hash, CHAIN_HASH);
    sql_bind_text(q, 1, c->day.day);
    err_t e = sql_step(q, &row);
    if (e || !c->day.over) return e;
    struct span kept = row ? sql_bytes(q, 0) : (struct span){0};
    if (!row)
        report_chain_fault(c, (struct chain_fault){.what = "removed",
                                                   .at = c->day.day,
                                                   .text = "the day's closing hash is gone"});
    else if (kept.length != CHAIN_HASH || memcmp(kept.data, hash, CHAIN_HASH) != 0)
        report_chain_fault(
            c, (struct chain_fault){.what = "broken",
                                    .at = c->day.day,
                                    .text = "the day does not end with its closing hash"});
    return ERR_OK;
}

static err_t switch_checked_day(struct check *c, const char *at,
                                const unsigned char hash[CHAIN_HASH]) {
    err_t e = ERR_OK;
    if (at && strncmp(c->day.day, at, 10) == 0) return e;
    c->day.over = at != NULL; // the last one is still open
    if (c->day.day[0]) e = check_closing(c, hash);
    report_chain_day(c);
    if (at) snprintf(c->day.day, sizeof(c->day.day), "%.10s", at);
    return e;
}

static void check_batch(struct check *c, sql_query_t *q, unsigned char hash[CHAIN_HASH],
                        int64_t expected) {
    unsigned char right[CHAIN_HASH];
    char head[64];
    int64_t batch = sql_integer(q, 0);
    const char *at = sql_text(q, 1) ? sql_text(q, 1) : "";
    struct span kept = sql_bytes(q, 3), entries;
    bool whole = kept.length == CHAIN_HASH;
    if (whole) memcpy(right, kept.data, CHAIN_HASH);
    entries = sql_bytes(q, 4);
    if (batch != expected)
        report_chain_fault(c, (struct chain_fault){.what = "removed",
                                                   .batch = expected,
                                                   .at = at,
                                                   .text = "batches before this one are gone"});
    snprintf(head, sizeof(head), "%lld %.31s\n", (long long)batch, at);
    chain_hash(hash, head, entries, hash);
    if (batch == expected && (!whole || memcmp(hash, right, CHAIN_HASH) != 0))
        report_chain_fault(
            c, (struct chain_fault){
                   .what = "broken",
                   .batch = batch,
                   .at = at,
                   .text = "its hash is not that of what it holds and of the batch before"});
    if (whole) memcpy(hash, right, CHAIN_HASH); // one fault is told once
    count_entries(c, batch, at, entries, sql_integer(q, 2));
    c->sum->batches++;
    c->day.batches++;
}

static err_t check_batches(struct check *c) {
    unsigned char hash[CHAIN_HASH] = {0};
    int64_t last = 0;
    err_t e = read_start(c, hash, &last);
    if (!e) e = removed_days(c, hash, last);
    own(sql_query) *q =
        sql_prepare(c->db, "SELECT batch, at, rows, hash, entries FROM chain ORDER BY batch");
    bool row = true;
    if (!q) return ERR_CONFIG;
    while (!e && !(e = sql_step(q, &row)) && row) {
        e = switch_checked_day(c, sql_text(q, 1) ? sql_text(q, 1) : "", hash);
        check_batch(c, q, hash, last + 1);
        last = sql_integer(q, 0);
    }
    return e ? e : switch_checked_day(c, NULL, hash);
}

// The rows of one table.

static struct known *find_indexed_key(struct index *index, const char *key, size_t length) {
    uint64_t id = digest_u64(key, length);
    if (!id) id = 1;
    size_t at = (size_t)id & (index->size - 1);
    while (index->slots[at].key && index->slots[at].key != id) at = (at + 1) & (index->size - 1);
    struct known *k = &index->slots[at];
    if (!k->key) k->key = id;
    return k;
}

typedef void entry_fn(void *arg, int64_t batch, const char *at, const struct chain_entry *entry);

static err_t each_entry(struct check *c, unsigned char code, entry_fn *each, void *arg) {
    own(sql_query) *q = sql_prepare(c->db, "SELECT batch, at, entries FROM chain ORDER BY batch");
    bool row = true;
    err_t e = q ? ERR_OK : ERR_CONFIG;
    while (!e && !(e = sql_step(q, &row)) && row) {
        int64_t batch = sql_integer(q, 0);
        const char *at = sql_text(q, 1);
        struct span entries = sql_bytes(q, 2);
        struct chain_entry entry;
        for (size_t place = 0; chain_entry_read(entries, &place, &entry);)
            if (entry.code == code) each(arg, batch, at, &entry);
    }
    return e;
}

static void index_chain_entry(void *arg, int64_t batch, const char *at,
                              const struct chain_entry *entry) {
    (void)at;
    struct known *k = find_indexed_key(arg, entry->key.data, entry->key.length);
    k->batch = batch;
    k->kind = entry->kind;
    if (entry->kind == ENTRY_ROW) memcpy(k->digest, entry->digest, CANON_DIGEST);
}

struct missing {
    struct check *check;
    struct index *index;
    const char *table;
};

static void tell_missing(void *arg, int64_t batch, const char *at,
                         const struct chain_entry *entry) {
    struct missing *m = arg;
    char key[200];
    struct known *k = find_indexed_key(m->index, entry->key.data, entry->key.length);
    if (k->seen || k->kind != ENTRY_ROW || k->batch != batch) return;
    k->seen = true;
    snprintf(key, sizeof(key), "%.*s", (int)entry->key.length, (const char *)entry->key.data);
    report_chain_fault(m->check, (struct chain_fault){"removed", m->table, key, batch, at,
                                                      "the row was written and is not there"});
}

static void check_indexed_row(struct check *c, struct index *index, enum table_name table,
                              sql_query_t *q) {
    __attribute__((cleanup(buffer_destroy))) buffer_t key = {0}, canon = {0};
    unsigned char digest[CANON_DIGEST];
    const char *name = table_forms[table].name;
    canon_key_of_columns(table, q, &key);
    canon_of_columns(table, q, &canon);
    canon_digest(&canon, digest);
    struct known *k = find_indexed_key(index, buffer_string(&key), key.length);
    struct chain_fault fault = {"inserted", name, buffer_string(&key),
                                0,          NULL, "no batch has written this row"};
    if (k->kind == ENTRY_ROW && memcmp(k->digest, digest, CANON_DIGEST) != 0)
        fault = (struct chain_fault){"changed", name, buffer_string(&key),
                                     k->batch,  NULL, "the row is not as this batch wrote it"};
    else if (k->kind == ENTRY_ROW)
        fault.what = NULL;
    if (fault.what) report_chain_fault(c, fault);
    k->seen = true;
}

static err_t check_rows(struct check *c, struct index *index, enum table_name table) {
    own(buffer) text = {0};
    canon_select(c->db, table, &text);
    own(sql_query) *q = sql_prepare(c->db, buffer_string(&text));
    bool row = true;
    err_t e = q ? ERR_OK : ERR_CONFIG;
    while (!e && !(e = sql_step(q, &row)) && row) check_indexed_row(c, index, table, q);
    return e;
}

static err_t count_table_rows(struct check *c, enum table_name table, size_t *rows) {
    char text[120];
    snprintf(text, sizeof(text), "SELECT count(*) FROM \"%s\"", table_forms[table].name);
    own(sql_query) *q = sql_prepare(c->db, text);
    bool row = false;
    err_t e = q ? sql_step(q, &row) : ERR_CONFIG;
    *rows = !e && row ? (size_t)sql_integer(q, 0) : 0;
    return e;
}

static err_t check_table(struct check *c, enum table_name table) {
    unsigned char code = canon_cover[table].code;
    size_t rows, wanted, size = 64;
    bool there = false;
    err_t e = sql_has_column(c->db, table_forms[table].name, CHANGED, &there);
    // a table that the older program did not have
    if (!e && !there && !c->of_code[code]) return ERR_OK;
    if (!e) e = count_table_rows(c, table, &rows);
    if (e) return e;
    for (wanted = (rows + (size_t)c->of_code[code]) * 4 / 3 + 1; size < wanted;) size *= 2;
    struct index index = {calloc(size, sizeof(struct known)), size};
    if (!index.slots) return ERR_MEMORY;
    e = each_entry(c, code, index_chain_entry, &index);
    if (!e) e = check_rows(c, &index, table);
    bool all = true;
    for (size_t i = 0; i < size && all; i++)
        all = index.slots[i].seen || index.slots[i].kind != ENTRY_ROW;
    struct missing missing = {c, &index, table_forms[table].name};
    if (!e && !all) e = each_entry(c, code, tell_missing, &missing);
    free(index.slots);
    return e;
}

err_t chain_check(sql_t *db, const struct chain_look *look, struct chain_sum *sum) {
    struct check c = {.db = db, .look = look, .sum = sum};
    *sum = (struct chain_sum){0};
    err_t e = sql_run(db, "BEGIN");
    if (e) return e;
    e = check_batches(&c);
    for (size_t i = 0; !e && i < TABLE_COUNT; i++)
        if (canon_cover[i].code) e = check_table(&c, (enum table_name)i);
    sql_rollback(db);
    return e;
}
