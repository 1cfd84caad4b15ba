// gateway - one batch of a gateway: what is handed to its broker, what is said, the commit.
// SPDX-License-Identifier: MIT
#include "gateways/link/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/base/testing.h"

#define ACK_KEPT_AFTER NS_PER_S // an acknowledgement alone is not worth a transaction at once
#define TRIM_EVERY     NS_PER_S

// --- from start to end ---

gateway_context_t *gateway_open(const struct gateway *gateway,
                                const struct gateway_settings *settings, uint64_t utc_ns,
                                char why[static 200]) {
    gateway_context_t *self = alloc_zeroed(1, sizeof *self);
    self->gateway = gateway;
    self->settings = settings;
    self->started_at = utc_ns;
    self->arena = arena_new(0);
    self->due = UINT64_MAX;
    self->can = (struct link_abilities){
        .duplicate_check = HELLO__DUPLICATE_CHECK__none,
        .longest_acceptance_ms = (uint32_t)settings->longest_acceptance,
        .cannot_modify = !gateway->modify,
    };
    gateway_begin(self, utc_ns);
    self->books = books_open(settings->books, gateway->schema, gateway->versions, why);
    if (self->books && books_load(self->books, utc_ns, &self->link, &self->config, why)) {
        self->saved_epoch = self->link.epoch;
        self->broker = gateway->open(self, why);
    }
    if (!self->broker) gateway_close(&self);
    return self;
}

static void forget_accounts(gateway_context_t *self) {
    for (size_t i = 0; i < self->n_accounts; i++) free(self->accounts[i]);
    free(self->accounts);
}

void gateway_close(gateway_context_t **self) {
    gateway_context_t *c = *self;
    if (!c) return;
    if (c->broker) c->gateway->close(&c->broker);
    books_close(&c->books);
    if (c->config) broker_config__free_unpacked(c->config, NULL);
    arena_destroy(&c->arena);
    forget_accounts(c);
    free(c);
    *self = NULL;
}

void gateway_begin(gateway_context_t *self, uint64_t utc_ns) {
    arena_reset(self->arena);
    self->now = utc_ns;
    self->reports = NULL;
    self->reports_end = &self->reports;
    self->answers = NULL;
    self->answers_end = &self->answers;
    self->cut_ms = 0;
}

// --- what is said ---

void gateway_answer(gateway_context_t *self, const ProtobufCMessage *m) {
    struct gateway_answer *a = arena_take(self->arena, sizeof *a);
    *a = (struct gateway_answer){NULL, m};
    *self->answers_end = a;
    self->answers_end = &a->next;
}

void gateway_snapshot(gateway_context_t *self, AccountSnapshot *m) {
    link_date_snapshot(&self->link, m);
    gateway_answer(self, &m->base);
}

void gateway_report(gateway_context_t *self, Report *r) {
    r->report = ++self->link.head;
    size_t size = report__get_packed_size(r);
    struct gateway_report *kept = arena_take(self->arena, sizeof *kept + size);
    report__pack(r, (uint8_t *)(kept + 1));
    *kept = (struct gateway_report){NULL, r->report, {kept + 1, size}};
    *self->reports_end = kept;
    self->reports_end = &kept->next;
}

void gateway_serve(gateway_context_t *self, char *const *ids, size_t n) {
    forget_accounts(self);
    self->n_accounts = n;
    self->accounts = alloc_zeroed(n + 1, sizeof *self->accounts);
    for (size_t i = 0; i < n; i++) self->accounts[i] = alloc_text(ids[i]);
}

// --- what is handed to the broker ---

static buffer_t pack_config(const BrokerConfig *config) {
    buffer_t out = {0};
    uint8_t *place = buffer_reserve(&out, broker_config__get_packed_size(config));
    out.length = broker_config__pack(config, place);
    return out;
}

// It comes with every greeting: only a change is kept and passed on.
static void hear_config(gateway_context_t *self, const BrokerConfig *config) {
    own(buffer) heard = pack_config(config), kept = {0};
    if (self->config) kept = pack_config(self->config);
    bool same = self->config && heard.length == kept.length;
    if (same && memcmp(heard.data, kept.data, heard.length) == 0) return;
    if (self->config) broker_config__free_unpacked(self->config, NULL);
    self->config = alloc_checked(broker_config__unpack(NULL, heard.length, heard.data));
    self->config_changed = true;
    if (self->gateway->configure) self->gateway->configure(self->broker, self->config);
}

static void take_snapshots(gateway_context_t *self) {
    self->snapshot_at = self->now;
    self->gateway->snapshot(self->broker);
}

void gateway_handle(gateway_context_t *self, const ProtobufCMessage *m) {
    const struct gateway *g = self->gateway;
    const ProtobufCMessageDescriptor *d = m->descriptor;
    const Welcome *welcome = d == &welcome__descriptor ? (const Welcome *)m : NULL;
    if (d == &submit__descriptor) g->submit(self->broker, (const Submit *)m);
    if (d == &query_order__descriptor) g->query(self->broker, (const QueryOrder *)m);
    if (d == &cancel_order__descriptor) g->cancel(self->broker, (const CancelOrder *)m);
    if (d == &modify_order__descriptor && g->modify)
        g->modify(self->broker, (const ModifyOrder *)m);
    if (d == &snapshot_request__descriptor) take_snapshots(self);
    if (welcome && welcome->broker) hear_config(self, welcome->broker);
    if (welcome && welcome->n_accounts && g->accounts)
        g->accounts(self->broker, welcome->accounts, welcome->n_accounts);
}

void gateway_tick(gateway_context_t *self) {
    if (self->gateway->tick) self->gateway->tick(self->broker);
    uint64_t every = (uint64_t)self->settings->snapshot * NS_PER_MS;
    if (every && self->now >= self->snapshot_at + every) take_snapshots(self);
}

static bool say_that_it_runs(const gateway_context_t *self, size_t n, buffer_t *answer) {
    if (n) return buffer_text(answer, "say: ping"), false;
    buffer_format(answer, "{\"service\":\"%s\",\"stalled\":false}", self->settings->instance_id);
    return true;
}

bool gateway_control(gateway_context_t *self, const ControlRequest *request, buffer_t *answer) {
    static const struct gateway_verb none[] = {{0}};
    const struct gateway_verb *verbs = self->gateway->verbs ? self->gateway->verbs : none;
    if (strcmp(request->verb, "ping") == 0) return say_that_it_runs(self, request->n_args, answer);
    for (const struct gateway_verb *v = verbs; v->name; v++) {
        if (strcmp(request->verb, v->name) == 0)
            return v->run(self->broker, request->n_args, request->args, answer);
    }
    buffer_text(answer, "say one of: ping");
    for (const struct gateway_verb *v = verbs; v->name; v++)
        buffer_format(answer, "; %s", v->words);
    return false;
}

// --- the end of a batch ---

static bool has_something_to_write(const gateway_context_t *self) {
    bool link_is_due = self->link.changed && self->now >= self->saved_at + ACK_KEPT_AFTER;
    return self->reports || self->changed || self->config_changed || link_is_due ||
           self->link.epoch != self->saved_epoch;
}

static err_t write_reports(gateway_context_t *self) {
    err_t e = ERR_OK;
    for (struct gateway_report *r = self->reports; r && e == ERR_OK; r = r->next)
        e = books_write_report(self->books, r->number, self->now, r->report);
    if (self->reports && !self->link.first) self->link.first = self->reports->number;
    return e;
}

static err_t write_config(gateway_context_t *self) {
    if (!self->config_changed) return ERR_OK;
    own(buffer) packed = pack_config(self->config);
    return books_write_config(self->books, buffer_span(&packed));
}

static err_t trim_reports(gateway_context_t *self) {
    uint64_t keep = (uint64_t)self->settings->report_keep * NS_PER_MS;
    if (self->now < self->trimmed_at + TRIM_EVERY || self->now < keep) return ERR_OK;
    self->trimmed_at = self->now;
    return books_trim(self->books, self->now - keep, &self->link);
}

static err_t write_books(gateway_context_t *self) {
    err_t e = books_begin(self->books);
    if (e == ERR_OK) e = self->gateway->write(self->broker);
    if (e == ERR_OK) e = write_reports(self);
    if (e == ERR_OK) e = books_write_link(self->books, &self->link);
    if (e == ERR_OK) e = write_config(self);
    if (e == ERR_OK) e = trim_reports(self);
    FAILPOINT("gateway.before_commit");
    if (e == ERR_OK) e = books_commit(self->books);
    if (e == ERR_OK) return ERR_OK;
    log_event(LOG_LEVEL_ERROR, "books_refused", "why=%s",
              log_quote(sql_trouble(books_sql(self->books))));
    books_leave(self->books);
    return e;
}

err_t gateway_commit(gateway_context_t *self) {
    if (has_something_to_write(self)) {
        err_t e = write_books(self);
        if (e != ERR_OK) return e;
        FAILPOINT("gateway.after_commit_before_report");
        self->saved_epoch = self->link.epoch;
        self->saved_at = self->now;
        self->link.changed = self->changed = self->config_changed = false;
    } else {
        books_leave(self->books);
    }
    if (self->gateway->committed) self->gateway->committed(self->broker);
    return ERR_OK;
}
