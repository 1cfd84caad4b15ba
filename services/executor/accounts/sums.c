// sums - with several executors, the views that are over all accounts: executor 0 writes them, from
// what all of them have. Each other one keeps its sums in Redis, where executor 0 finds them when
// it starts, and tells them as they change.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/bus/endpoint.h"
#include "common/delivery/envelope.h"
#include "common/delivery/topology.h"
#include "common/schema/record.h"
#include "services/executor/executor.h"
#include "services/executor/slice.h"

#define TELL_EVERY NS_PER_S       // whatever has happened
#define TELL_MOST  (NS_PER_S / 4) // when something has
#define QUEUE      1000
#define TAKE_MOST  64

// --- told, by every executor but executor 0

static void list_brokers(const struct executor *self, batch_t *batch, ExecutorSums *m) {
    size_t n = 0;
    for (const struct broker *b = self->brokers; b; b = b->next) n++;
    m->brokers = arena_take(batch_arena(batch), (n + 1) * sizeof *m->brokers);
    for (struct broker *b = self->brokers; b; b = b->next) m->brokers[m->n_brokers++] = &b->state;
}

void sums_tell(struct executor *self, batch_t *batch) {
    uint64_t mono = batch_mono(batch), since = mono - self->sums_told_at;
    if (!self->context->shard || self->context->shards <= 1) return;
    if (self->sums_told_at &&
        since < (positions_sums_moved(self->positions) ? TELL_MOST : TELL_EVERY))
        return;
    self->sums_told_at = mono;
    ExecutorSums m = EXECUTOR_SUMS__INIT;
    m.shard = self->context->shard;
    m.epoch = self->context->epoch;
    positions_sums(self->positions, batch_arena(batch), &m);
    list_brokers(self, batch, &m);
    batch_publish(batch, FEED_SUMS, &m.base);
}

// --- heard, by executor 0

void sums_take(struct executor *self, const ExecutorSums *m) {
    if (!m->shard || m->shard >= self->context->shards || m->epoch < self->sums_epoch[m->shard])
        return;
    self->sums_epoch[m->shard] = m->epoch;
    positions_others(self->positions, m->shard, m->symbols, m->n_symbols);
    for (size_t i = 0; i < m->n_brokers; i++) state_other_broker(self, m->shard, m->brokers[i]);
}

static void receive_sums(struct executor *self, batch_t *batch, port_t *port) {
    struct parcel p;
    struct envelope e;
    for (unsigned n = 0; n < TAKE_MOST && port_receive(port, &p); n++) {
        if (strcmp(p.topic, FEED_SUMS) != 0 || envelope_read(p.topic, p.frame, &e) ||
            strcmp(e.type, executor_sums__descriptor.name) != 0)
            continue;
        const ProtobufCMessage *m = envelope_open(&e, batch_arena(batch));
        if (m) sums_take(self, (const ExecutorSums *)m);
    }
}

// One by one: the whole of what an executor has.
struct loading {
    struct executor *executor;
    arena_t *arena;
    SymbolSum **sums;
    size_t n, room;
};

static err_t load_symbol_sum(void *arg, struct span symbol, struct span value) {
    struct loading *l = arg;
    (void)symbol;
    SymbolSum *sum = symbol_sum__unpack(NULL, value.length, value.data);
    if (!sum) return ERR_OK; // it is told in a second
    if (l->n == l->room) {
        SymbolSum **more =
            arena_take(l->arena, (l->room = l->room ? 2 * l->room : 64) * sizeof *more);
        if (l->n) memcpy(more, l->sums, l->n * sizeof *more);
        l->sums = more;
    }
    l->sums[l->n++] = (SymbolSum *)(uintptr_t)record_copy(&sum->base, l->arena);
    symbol_sum__free_unpacked(sum, NULL);
    return ERR_OK;
}

err_t sums_load(struct executor *self, store_t *store) {
    err_t e = ERR_OK;
    for (unsigned k = 1; !e && !self->context->shard && k < self->context->shards; k++) {
        own(arena) *arena = arena_new(0);
        struct loading l = {.executor = self, .arena = arena};
        e = slice_load_sums(store, k, load_symbol_sum, &l);
        if (!e) positions_others(self->positions, k, l.sums, l.n);
    }
    return e;
}

static err_t sums_ready(void *arg, batch_t *batch) {
    struct executor *self = arg;
    engine_begin(self, batch);
    for (unsigned k = 1; k < self->context->shards; k++) receive_sums(self, batch, self->sums[k]);
    return ERR_OK;
}

err_t sums_open(struct executor *self, reactor_t *reactor) {
    char name[NAME_TEXT];
    for (unsigned k = 1; !self->context->shard && k < self->context->shards; k++) {
        instance_name(EXECUTOR, k, name);
        struct endpoint at = endpoint_of(self->context->run_dir, name, "events");
        self->sums[k] = transport_connect(self->context->transport, PORT_SUB, &at, QUEUE);
        if (!self->sums[k] || !port_subscribe(self->sums[k], FEED_SUMS)) {
            log_event(LOG_LEVEL_ERROR, "cannot_connect", "endpoint=%s why=%s", at.address,
                      log_quote(port_why()));
            return ERR_SYSTEM;
        }
        reactor_add_port(reactor, self->sums[k], sums_ready, INTAKE_DRAIN);
    }
    return ERR_OK;
}

void sums_close(struct executor *self) {
    for (unsigned k = 0; k < SHARDS_MOST; k++) port_destroy(&self->sums[k]);
}
