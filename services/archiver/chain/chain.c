// chain - every row written is hashed, every commit's rows are chained to the commit before.
// SPDX-License-Identifier: MIT
#include "services/archiver/chain/chain.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/own.h"

#define DAY_TEXT   11 // 2026-11-21
#define UUID_TEXT  36
#define ADOPT_ROWS 1000 // in one transaction

// Where the chain ends.
struct head {
    int64_t batch;
    char at[SQL_TIME_TEXT];
    unsigned char hash[CHAIN_HASH];
    int64_t first, rows; // of its day
};

struct chain {
    sql_t *db;
    sql_query_t *write, *close_day;
    struct head head, next; // committed; and with the batch that is being written
    buffer_t entries, canon, scratch;
    int64_t rows;
};

static const char tables[] =
    "CREATE TABLE IF NOT EXISTS chain (batch INTEGER PRIMARY KEY, at TEXT NOT NULL, rows INTEGER "
    "NOT NULL, hash BLOB NOT NULL,"
    " entries BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS chain_day (day TEXT NOT NULL PRIMARY KEY, first INTEGER NOT NULL, "
    "last INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, hash BLOB NOT NULL, removed_at TEXT) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS chain_start (one INTEGER PRIMARY KEY CHECK (one = 1), batch "
    "INTEGER NOT NULL, hash BLOB NOT NULL);";

err_t chain_prepare(sql_t *db) { return sql_run(db, tables); }

// The chain's end: retention never removes the last batch.
static err_t read_chain_head(chain_t *self) {
    own(sql_query) *last =
        sql_prepare(self->db, "SELECT batch, at, hash FROM chain ORDER BY batch DESC LIMIT 1");
    own(sql_query) *sum = sql_prepare(
        self->db, "SELECT min(batch), total(rows) FROM chain WHERE at >= substr(?1, 1, 10)");
    bool row = false;
    err_t e = last && sum ? sql_step(last, &row) : ERR_DISK;
    if (e || !row) return e;
    struct head *h = &self->head;
    struct span hash = sql_bytes(last, 2);
    h->batch = sql_integer(last, 0);
    snprintf(h->at, sizeof(h->at), "%s", sql_text(last, 1));
    memcpy(h->hash, hash.data, hash.length < CHAIN_HASH ? hash.length : CHAIN_HASH);
    sql_bind_text(sum, 1, h->at);
    e = sql_step(sum, &row);
    h->first = !e && row ? sql_integer(sum, 0) : 0;
    h->rows = !e && row ? sql_integer(sum, 1) : 0;
    return e;
}

chain_t *chain_new(sql_t *db) {
    chain_t *self = alloc_zeroed(1, sizeof(*self));
    self->db = db;
    self->write = sql_prepare(
        db, "INSERT INTO chain (batch, at, rows, hash, entries) VALUES (?1, ?2, ?3, ?4, ?5)");
    self->close_day = sql_prepare(db, "INSERT OR REPLACE INTO chain_day (day, first, last, rows, "
                                      "hash) VALUES (substr(?1, 1, 10), ?2, ?3, ?4, ?5)");
    if (!self->write || !self->close_day || read_chain_head(self)) chain_destroy(&self);
    return self;
}

void chain_destroy(chain_t **self) {
    if (!*self) return;
    sql_query_destroy(&(*self)->write);
    sql_query_destroy(&(*self)->close_day);
    buffer_destroy(&(*self)->entries);
    buffer_destroy(&(*self)->canon);
    buffer_destroy(&(*self)->scratch);
    free(*self);
    *self = NULL;
}

// Entries.

// A UUID in its canonical text takes 16 bytes instead of 38.
static bool pack_uuid(struct span key, unsigned char out[static 16]) {
    const char *text = key.data;
    size_t used;
    if (key.length != UUID_TEXT || text[8] != '-' || text[13] != '-' || text[18] != '-' ||
        text[23] != '-')
        return false;
    for (size_t i = 0; i < key.length; i++)
        // it could not be told from the small letters
        if (text[i] >= 'A' && text[i] <= 'F') return false;
    const char *end;
    return sodium_hex2bin(out, 16, text, key.length, "-", &used, &end) == 0 && used == 16 &&
           end == text + UUID_TEXT;
}

static void unpack_uuid(const unsigned char *bytes, char out[static 40]) {
    char hex[33];
    sodium_bin2hex(hex, sizeof(hex), bytes, 16);
    snprintf(out, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static void add_chain_entry(chain_t *self, unsigned char code, enum entry_kind kind,
                            struct span key) {
    unsigned char uuid[16];
    bool packed = pack_uuid(key, uuid);
    size_t length = packed ? CHAIN_UUID : key.length < CHAIN_UUID ? key.length : CHAIN_UUID - 1;
    const unsigned char head[] = {code, (unsigned char)kind, (unsigned char)(length >> 8),
                                  (unsigned char)length};
    buffer_add(&self->entries, head, sizeof(head));
    buffer_add(&self->entries, packed ? uuid : key.data, packed ? sizeof(uuid) : length);
    self->rows++;
}

static void add_digest(chain_t *self) {
    canon_digest(&self->canon, buffer_reserve(&self->entries, CANON_DIGEST));
    self->entries.length += CANON_DIGEST;
}

bool chain_entry_read(struct span entries, size_t *at, struct chain_entry *out) {
    const unsigned char *bytes = entries.data;
    size_t left = entries.length - *at, from = *at;
    if (left < 4) return false;
    size_t length = (size_t)bytes[from + 2] << 8 | bytes[from + 3],
           size = length == CHAIN_UUID ? 16 : length;
    out->code = bytes[from];
    out->kind = bytes[from + 1];
    if (out->kind != ENTRY_ROW && out->kind != ENTRY_GONE) return false;
    size_t digest = out->kind == ENTRY_ROW ? CANON_DIGEST : 0;
    if (left < 4 + size + digest) return false;
    out->key = (struct span){bytes + from + 4, size};
    out->digest = bytes + from + 4 + size;
    *at = from + 4 + size + digest;
    if (length != CHAIN_UUID) return true;
    unpack_uuid(out->key.data, out->uuid);
    out->key = span_of(out->uuid);
    return true;
}

void chain_hash(const unsigned char before[CHAIN_HASH], const char *head, struct span entries,
                unsigned char out[CHAIN_HASH]) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, CHAIN_HASH);
    crypto_generichash_update(&state, before, CHAIN_HASH);
    crypto_generichash_update(&state, (const unsigned char *)head, strlen(head));
    crypto_generichash_update(&state, entries.data, entries.length);
    crypto_generichash_final(&state, out, CHAIN_HASH);
}

// A batch.

void chain_begin(chain_t *self) {
    buffer_clear(&self->entries);
    self->rows = 0;
    self->next = self->head;
}

void chain_add(chain_t *self, enum table_name table, const ProtobufCMessage *m) {
    unsigned char code = canon_cover[table].code;
    if (!code) return;
    buffer_clear(&self->canon);
    canon_key_of_message(table, m, &self->scratch, &self->canon);
    add_chain_entry(self, code, ENTRY_ROW, (struct span){self->canon.data, self->canon.length});
    buffer_clear(&self->canon);
    canon_of_message(table, m, &self->scratch, &self->canon);
    add_digest(self);
}

void chain_add_columns(chain_t *self, enum table_name table, sql_query_t *q) {
    buffer_clear(&self->canon);
    canon_key_of_columns(table, q, &self->canon);
    add_chain_entry(self, canon_cover[table].code, ENTRY_ROW,
                    (struct span){self->canon.data, self->canon.length});
    buffer_clear(&self->canon);
    canon_of_columns(table, q, &self->canon);
    add_digest(self);
}

void chain_gone(chain_t *self, enum table_name table, const char *key) {
    if (canon_cover[table].code)
        add_chain_entry(self, canon_cover[table].code, ENTRY_GONE, span_of(key));
}

// The first batch of a day closes the day before.
static err_t close_chain_day(chain_t *self, const char *at) {
    struct head *h = &self->next;
    bool begun = h->batch > 0, same = begun && strncmp(h->at, at, DAY_TEXT - 1) == 0;
    err_t e = ERR_OK;
    if (same) return e;
    if (begun && h->rows) {
        sql_bind_text(self->close_day, 1, h->at);
        sql_bind_integer(self->close_day, 2, h->first);
        sql_bind_integer(self->close_day, 3, h->batch);
        sql_bind_integer(self->close_day, 4, h->rows);
        sql_bind_bytes(self->close_day, 5, (struct span){h->hash, CHAIN_HASH});
        e = sql_execute(self->close_day);
    }
    h->first = h->batch + 1;
    h->rows = 0;
    return e;
}

err_t chain_write(chain_t *self, uint64_t now) {
    char at[SQL_TIME_TEXT], head[64];
    struct head *h = &self->next;
    if (!self->rows) return ERR_OK;
    sql_time_print(now, at);
    if (strcmp(at, h->at) < 0) memcpy(at, h->at, sizeof(at)); // the clock was set back
    err_t e = close_chain_day(self, at);
    if (e) return e;
    struct span entries = {self->entries.data, self->entries.length};
    h->batch++;
    h->rows += self->rows;
    memcpy(h->at, at, sizeof(at));
    snprintf(head, sizeof(head), "%lld %s\n", (long long)h->batch, h->at);
    chain_hash(h->hash, head, entries, h->hash);
    sql_bind_integer(self->write, 1, h->batch);
    sql_bind_text(self->write, 2, h->at);
    sql_bind_integer(self->write, 3, self->rows);
    sql_bind_bytes(self->write, 4, (struct span){h->hash, CHAIN_HASH});
    sql_bind_bytes(self->write, 5, entries);
    return sql_execute(self->write);
}

void chain_committed(chain_t *self) {
    self->head = self->next;
    buffer_clear(&self->entries);
    self->rows = 0;
}

// Rows from before the chain.

static err_t adopt_some(chain_t *self) {
    err_t e = sql_begin(self->db);
    if (!e) e = chain_write(self, clock_utc_ns());
    if (!e) e = sql_commit(self->db);
    if (e) sql_rollback(self->db);
    if (!e) chain_committed(self);
    chain_begin(self);
    return e;
}

static err_t adopt_table(chain_t *self, enum table_name table) {
    own(buffer) text = {0};
    canon_select(self->db, table, &text);
    own(sql_query) *q = sql_prepare(self->db, buffer_string(&text));
    bool row = true;
    err_t e = q ? ERR_OK : ERR_CONFIG;
    while (!e && !(e = sql_step(q, &row)) && row) {
        chain_add_columns(self, table, q);
        if (self->rows >= ADOPT_ROWS) e = adopt_some(self);
    }
    return e;
}

err_t chain_adopt(chain_t *self) {
    err_t e = ERR_OK;
    if (self->head.batch) return e;
    chain_begin(self);
    for (size_t i = 0; !e && i < TABLE_COUNT; i++)
        if (canon_cover[i].code) e = adopt_table(self, (enum table_name)i);
    return e ? e : adopt_some(self);
}
