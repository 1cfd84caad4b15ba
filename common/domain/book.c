// book - the configuration as every service holds it.
// SPDX-License-Identifier: MIT
#include "common/domain/book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/array.h"
#include "common/base/hash.h"
#include "common/schema/record.h"
#include "proto/config_kinds.h"

struct row {
    ProtobufCMessage *m; // NULL: removed, remembered so that an older change does not bring it back
    uint64_t version;
    UT_hash_handle hh;
    char id[];
};

struct list {
    struct subscriber *items;
    size_t count, room;
    UT_hash_handle hh;
    char source[];
};

// Made when somebody asks, not at each change: thousands of accounts may change at once.
struct fanout {
    struct list *lists;
    uint64_t version; // of the book it was made from
};

// Which instance serves an account, and where that is; likewise made when somebody asks.
struct server {
    const InstanceConfig *instance;
    unsigned shards, shard; // of so many executors; 0: not looked up yet
    struct server *next;
};
struct served {
    struct server *by;
    UT_hash_handle hh;
    char account_id[];
};
struct service_plan {
    struct served *accounts;
    struct server *servers;
    uint64_t version;
};

struct book {
    struct row *rows[CONFIG_KIND_COUNT];
    uint64_t version;
    struct fanout *fanout;
    struct service_plan *plan;
    shard_record_t *record;
};

book_t *book_new(void) {
    book_t *self = alloc_zeroed(1, sizeof *self);
    self->fanout = alloc_zeroed(1, sizeof *self->fanout);
    self->plan = alloc_zeroed(1, sizeof *self->plan);
    self->record = shard_record_new();
    return self;
}

static void fanout_clear(struct fanout *f) {
    struct list *l, *next;
    HASH_ITER(hh, f->lists, l, next) {
        HASH_DEL(f->lists, l);
        free(l->items);
        free(l);
    }
}

static void plan_clear(struct service_plan *p) {
    struct served *s, *next;
    HASH_ITER(hh, p->accounts, s, next) {
        HASH_DEL(p->accounts, s);
        free(s);
    }
    for (struct server *v = p->servers, *after; v; v = after) {
        after = v->next;
        free(v);
    }
    p->servers = NULL;
}

static void clear_rows(struct row **rows) {
    struct row *r, *next;
    HASH_ITER(hh, *rows, r, next) {
        HASH_DEL(*rows, r);
        protobuf_c_message_free_unpacked(r->m, NULL);
        free(r);
    }
}

void book_destroy(book_t **self) {
    if (!*self) return;
    for (unsigned k = 0; k < CONFIG_KIND_COUNT; k++) clear_rows(&(*self)->rows[k]);
    fanout_clear((*self)->fanout);
    free((*self)->fanout);
    plan_clear((*self)->plan);
    free((*self)->plan);
    shard_record_destroy(&(*self)->record);
    free(*self);
    *self = NULL;
}

static struct row *get_row(const book_t *self, unsigned kind, const char *id) {
    struct row *r;
    HASH_FIND_STR(self->rows[kind], id, r);
    return r;
}

static struct row *row_add(book_t *self, unsigned kind, const char *id) {
    size_t length = strlen(id);
    struct row *r = alloc_zeroed(1, sizeof *r + length + 1);
    memcpy(r->id, id, length);
    HASH_ADD_KEYPTR(hh, self->rows[kind], r->id, (unsigned)length, r);
    return r;
}

// Takes `m`, which may be NULL: the row is gone. Nothing happens when the row held is as new.
static void put_book_row(book_t *self, unsigned kind, const char *id, uint64_t version,
                         ProtobufCMessage *m) {
    struct row *r = get_row(self, kind, id);
    if (r && version <= r->version) {
        protobuf_c_message_free_unpacked(m, NULL);
        return;
    }
    if (!r) r = row_add(self, kind, id);
    protobuf_c_message_free_unpacked(r->m, NULL);
    r->m = m;
    r->version = version;
    self->version++;
}

// --- the snapshot

struct loading {
    book_t *book;
    unsigned kind;
};

// Of every row the id is the first field, and a required one.
static err_t load_row(void *arg, const ProtobufCMessage *m) {
    struct loading *l = arg;
    const ProtobufCFieldDescriptor *id = &m->descriptor->fields[0];
    const ProtobufCFieldDescriptor *version = record_field(m->descriptor, span_of("version"));
    uint64_t held =
        record_is_set(m, version) ? *(const uint64_t *)((const char *)m + version->offset) : 0;
    put_book_row(l->book, l->kind, *(char *const *)((const char *)m + id->offset), held,
                 record_copy(m, NULL));
    return ERR_OK;
}

err_t book_load(book_t *self, store_t *store) {
    for (unsigned k = 0; k < CONFIG_KIND_COUNT; k++) {
        const struct config_kind *kind = &config_kinds[k];
        struct loading l = {self, k};
        err_t e = store_records(store, kind->index, kind->prefix, kind->type, load_row, &l);
        if (e) return e;
    }
    self->version++;
    return shard_record_load(self->record, store);
}

// --- changes

err_t book_apply(book_t *self, const ConfigChange *change) {
    const struct config_kind *kind = config_kind_of(change->kind);
    const ProtobufCMessage *m = config_change_row(change);
    bool removed = change->has_removed && change->removed;
    if (!kind || !m == !removed) return ERR_INPUT;
    put_book_row(self, (unsigned)(kind - config_kinds), change->id, change->version,
                 removed ? NULL : record_copy(m, NULL));
    return ERR_OK;
}

uint64_t book_version(const book_t *self) { return self->version; }

// --- looking things up

static const void *held_row(const book_t *self, unsigned kind, const char *id) {
    const struct row *r = get_row(self, kind, id);
    return r ? r->m : NULL;
}

const AccountConfig *book_account(const book_t *self, const char *account_id) {
    return held_row(self, CONFIG_KIND_account_config, account_id);
}
const BrokerConfig *book_broker(const book_t *self, const char *broker_id) {
    return held_row(self, CONFIG_KIND_broker_config, broker_id);
}
const InstanceConfig *book_instance(const book_t *self, const char *id) {
    return held_row(self, CONFIG_KIND_instance_config, id);
}
const SignalConfig *book_source(const book_t *self, const char *config_id) {
    return held_row(self, CONFIG_KIND_signal_config, config_id);
}
const RiskConfig *book_preset(const book_t *self, const char *preset_id) {
    return held_row(self, CONFIG_KIND_risk_config, preset_id);
}

const SymbolConfig *book_symbol(const BrokerConfig *broker, const char *symbol) {
    for (size_t i = 0; i < broker->n_symbols; i++) {
        if (strcmp(broker->symbols[i]->symbol, symbol) == 0) return broker->symbols[i];
    }
    return NULL;
}

static bool name_at_broker(const BrokerConfig *broker, const SymbolConfig *s, char out[static 64]) {
    const char *prefix = broker->symbol_prefix ? broker->symbol_prefix : "",
               *suffix = broker->symbol_suffix ? broker->symbol_suffix : "";
    int n = s->broker_symbol ? snprintf(out, 64, "%s", s->broker_symbol)
                             : snprintf(out, 64, "%s%s%s", prefix, s->symbol, suffix);
    return n > 0 && n < 64;
}

const SymbolConfig *book_symbol_of_broker(const BrokerConfig *broker, const char *broker_symbol) {
    char name[64];
    for (size_t i = 0; i < broker->n_symbols; i++) {
        if (name_at_broker(broker, broker->symbols[i], name) && strcmp(name, broker_symbol) == 0)
            return broker->symbols[i];
    }
    return NULL;
}

bool book_broker_symbol(const BrokerConfig *broker, const char *symbol, char out[static 64]) {
    const SymbolConfig *s = book_symbol(broker, symbol);
    return s && name_at_broker(broker, s, out);
}

// --- who takes a source's signals

static struct list *list_of_source(struct fanout *f, const char *source) {
    struct list *l;
    HASH_FIND_STR(f->lists, source, l);
    if (l) return l;
    size_t length = strlen(source);
    l = alloc_zeroed(1, sizeof *l + length + 1);
    memcpy(l->source, source, length);
    HASH_ADD_KEYPTR(hh, f->lists, l->source, (unsigned)length, l);
    return l;
}

static void list_add(struct list *l, struct subscriber s) {
    array_reserve(l->items, l->count, l->room);
    l->items[l->count++] = s;
}

static int by_account_id(const void *a, const void *b) {
    const AccountConfig *const *left = a, *const *right = b;
    return strcmp((*left)->account_id, (*right)->account_id);
}

static void fanout_make(const book_t *self) {
    size_t n = 0;
    const struct row *rows = self->rows[CONFIG_KIND_account_config];
    const AccountConfig **accounts = alloc_zeroed(HASH_COUNT(rows) + 1, sizeof *accounts);
    for (const struct row *r = rows; r; r = r->hh.next) {
        if (r->m) accounts[n++] = (const AccountConfig *)r->m;
    }
    qsort(accounts, n, sizeof accounts[0], by_account_id);
    fanout_clear(self->fanout);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < accounts[i]->n_subscriptions; k++) {
            const Subscription *s = accounts[i]->subscriptions[k];
            list_add(list_of_source(self->fanout, s->source), (struct subscriber){accounts[i], s});
        }
    }
    free(accounts);
    self->fanout->version = self->version;
}

size_t book_subscribers(const book_t *self, const char *source, const struct subscriber **out) {
    if (self->fanout->version != self->version) fanout_make(self);
    struct list *l;
    HASH_FIND_STR(self->fanout->lists, source, l);
    *out = l ? l->items : NULL;
    return l ? l->count : 0;
}

// --- which executor has whom

static void add_server(struct service_plan *p, struct server *by, const char *account_id) {
    size_t length = strlen(account_id);
    struct served *s;
    HASH_FIND(hh, p->accounts, account_id, (unsigned)length, s);
    if (s) return;
    s = alloc_zeroed(1, sizeof *s + length + 1);
    memcpy(s->account_id, account_id, length);
    s->by = by;
    HASH_ADD_KEYPTR(hh, p->accounts, s->account_id, (unsigned)length, s);
}

static void plan_make(const book_t *self) {
    plan_clear(self->plan);
    for (const struct row *r = self->rows[CONFIG_KIND_instance_config]; r; r = r->hh.next) {
        if (!r->m) continue;
        struct server *by = alloc_zeroed(1, sizeof *by);
        by->instance = (const InstanceConfig *)r->m;
        by->next = self->plan->servers;
        self->plan->servers = by;
        for (size_t i = 0; i < by->instance->n_accounts; i++)
            add_server(self->plan, by, by->instance->accounts[i]);
    }
    self->plan->version = self->version;
}

static struct server *server_of(const book_t *self, const char *account_id) {
    struct served *s;
    if (self->plan->version != self->version) plan_make(self);
    HASH_FIND_STR(self->plan->accounts, account_id, s);
    return s ? s->by : NULL;
}

const InstanceConfig *book_server(const book_t *self, const char *account_id) {
    const struct server *by = server_of(self, account_id);
    return by ? by->instance : NULL;
}

static const AccountConfig *account_of_row(const void *arg, const char *account_id) {
    return book_account(arg, account_id);
}

unsigned book_shard(const book_t *self, const AccountConfig *account, unsigned shards) {
    const struct shard_map map = {shards, self->record, account_of_row, self};
    struct server *by = shards > 1 ? server_of(self, account->account_id) : NULL;
    if (!by || shard_record_find(self->record, account->account_id))
        return shard_of_account(&map, account, by ? by->instance : NULL);
    if (by->shards != shards)
        *by =
            (struct server){by->instance, shards, shard_of_instance(&map, by->instance), by->next};
    return by->shard;
}

unsigned book_instance_shard(const book_t *self, const InstanceConfig *instance, unsigned shards) {
    const struct shard_map map = {shards, self->record, account_of_row, self};
    return shard_of_instance(&map, instance);
}

void book_each_account(const book_t *self, book_account_fn *visit, void *arg) {
    for (const struct row *r = self->rows[CONFIG_KIND_account_config]; r; r = r->hh.next) {
        if (r->m) visit(arg, (const AccountConfig *)r->m);
    }
}

void book_each_broker(const book_t *self, book_broker_fn *visit, void *arg) {
    for (const struct row *r = self->rows[CONFIG_KIND_broker_config]; r; r = r->hh.next) {
        if (r->m) visit(arg, (const BrokerConfig *)r->m);
    }
}

void book_each_instance(const book_t *self, book_instance_fn *visit, void *arg) {
    for (const struct row *r = self->rows[CONFIG_KIND_instance_config]; r; r = r->hh.next) {
        if (r->m) visit(arg, (const InstanceConfig *)r->m);
    }
}

void book_each_source(const book_t *self, book_source_fn *visit, void *arg) {
    for (const struct row *r = self->rows[CONFIG_KIND_signal_config]; r; r = r->hh.next) {
        if (r->m) visit(arg, (const SignalConfig *)r->m);
    }
}
