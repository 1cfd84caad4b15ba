// paper - a broker that exists only here.
// SPDX-License-Identifier: MIT
#include "gateways/paper/paper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/own.h"
#include "common/testing.h"
#include "gateways/paper/books.h"

#define ACK_KEPT_AFTER NS_PER_S // an acknowledgement alone is not worth a transaction of its own at once

static void name_accounts(paper_t *self) {
    free(self->account_ids);
    self->n_accounts = 0;
    self->account_ids = alloc_zeroed(HASH_COUNT(self->accounts) + 1, sizeof *self->account_ids);
    for (struct account *a = self->accounts; a; a = a->hh.next) {
        if (a->served) self->account_ids[self->n_accounts++] = a->id;
    }
}

paper_t *paper_new(const struct paper_settings *settings, uint64_t utc_ns, char why[static 200]) {
    paper_t *self = alloc_zeroed(1, sizeof *self);
    self->settings = settings;
    self->started_at = self->now = utc_ns;
    self->next_time = UINT64_MAX;
    market_open(&self->market, D(settings->spread));
    self->arena = arena_new(0);
    paper_begin(self, utc_ns);
    self->books = books_open(settings->books, why);
    if (!self->books || books_load(self, why) != ERR_OK) {
        paper_destroy(&self);
        return NULL;
    }
    name_accounts(self);
    return self;
}

void paper_destroy(paper_t **self) {
    paper_t *p = *self;
    if (!p) return;
    struct order *o, *next;
    HASH_ITER(hh, p->orders, o, next) {
        HASH_DEL(p->orders, o);
        order_free(o);
    }
    account_free_all(&p->accounts);
    market_free(&p->market);
    books_close(&p->books);
    arena_destroy(&p->arena);
    free(p->account_ids);
    free(p);
    *self = NULL;
}

void paper_begin(paper_t *self, uint64_t utc_ns) {
    arena_reset(self->arena);
    self->now = utc_ns;
    self->told = NULL;
    self->told_end = &self->told;
    self->answers = NULL;
    self->answers_end = &self->answers;
    self->cut_ms = 0;
}

// --- messages ---

// Whether it nets changes only while nothing is open: positions kept one way cannot be read the other way.
static bool renet(struct account *a, bool netting) {
    if (a->netting == netting) return false;
    if (account_is_flat(a)) return a->netting = netting, true;
    log_event(LOG_LEVEL_WARNING, "netting_unchanged", "account=%s why=%s", a->id, log_quote("it has open positions"));
    return false;
}

// An account's opening balance counts once: when it is opened in these books.
static void open_account(paper_t *self, const AccountConfig *c) {
    if (!c->account_id[0] || strlen(c->account_id) >= sizeof((struct account *)0)->id) return;
    struct account *a = account_find(&self->accounts, c->account_id);
    const char *currency = c->currency ? c->currency : a->currency;
    uint32_t leverage = c->leverage ? c->leverage : 1;
    bool is_new = !a->served && !a->in_books;
    if (is_new) a->balance = D(c->has_balance ? c->balance : self->settings->balance);
    a->served = true;
    bool same = a->leverage == leverage && strcmp(a->currency, currency) == 0 && !renet(a, c->netting);
    if (!is_new && same) return;
    a->leverage = leverage;
    (void)snprintf(a->currency, sizeof a->currency, "%s", currency);
    paper_touch_account(self, a);
}

static bool is_same_broker(const BrokerConfig *a, const BrokerConfig *b) {
    own(buffer) one = {0}, other = {0};
    if (!a) return false;
    one.length = broker_config__pack(a, buffer_reserve(&one, broker_config__get_packed_size(a)));
    other.length = broker_config__pack(b, buffer_reserve(&other, broker_config__get_packed_size(b)));
    return one.length == other.length && memcmp(one.data, other.data, one.length) == 0;
}

// It comes with every greeting: only what it changes is written.
static void welcome(paper_t *self, const Welcome *m) {
    if (m->broker && !is_same_broker(self->market.broker, m->broker)) {
        market_configure(&self->market, m->broker);
        self->broker_changed = true;
    }
    for (struct account *a = self->accounts; m->n_accounts && a; a = a->hh.next) {
        a->in_books = a->in_books || a->served;
        a->served = false;
    }
    for (size_t i = 0; i < m->n_accounts; i++) open_account(self, m->accounts[i]);
    name_accounts(self);
}

void paper_take(paper_t *self, const ProtobufCMessage *m) {
    const ProtobufCMessageDescriptor *d = m->descriptor;
    if (d == &submit__descriptor)
        paper_submit(self, (const Submit *)m);
    else if (d == &query_order__descriptor)
        paper_status(self, ((const QueryOrder *)m)->trade_id, ((const QueryOrder *)m)->account_id);
    else if (d == &cancel_order__descriptor)
        paper_cancel(self, (const CancelOrder *)m);
    else if (d == &modify_order__descriptor)
        paper_modify(self, (const ModifyOrder *)m);
    else if (d == &snapshot_request__descriptor)
        paper_snapshots(self);
    else if (d == &welcome__descriptor)
        welcome(self, (const Welcome *)m);
}

void paper_price(paper_t *self, const Price *price) {
    struct quote *q = market_price(&self->market, price);
    if (q) paper_quoted(self, q);
}

// --- the end of a batch ---

static bool has_orders_to_save(const paper_t *self) {
    for (const struct order *o = self->touched_orders; o; o = o->touched_next) {
        if (o->save) return true;
    }
    return false;
}

static bool has_something_to_write(const paper_t *self) {
    if (self->told || self->touched_accounts || self->broker_changed || self->link.epoch != self->saved_epoch) return true;
    if (self->link.changed && self->now >= self->saved_at + ACK_KEPT_AFTER) return true;
    return has_orders_to_save(self);
}

// Orders that are over leave memory; of positions the history does.
static void settle_orders(paper_t *self) {
    struct order *next;
    for (struct order *o = self->touched_orders; o; o = next) {
        next = o->touched_next;
        o->touched = o->save = false;
        o->touched_next = NULL;
        if (!order_is_live(o)) {
            HASH_DEL(self->orders, o); // NOLINT(clang-analyzer-core.NullDereference): of uthash's own pointers
            order_free(o);
        } else if (!o->pieces_left) {
            buffer_destroy(&o->history);
            o->history_known = false;
        }
    }
    self->touched_orders = NULL;
}

static void settle_accounts(paper_t *self) {
    struct account *next;
    for (struct account *a = self->touched_accounts; a; a = next) {
        next = a->touched_next;
        a->touched = false;
        a->touched_next = NULL;
        if (a->served) a->in_books = true;
    }
    self->touched_accounts = NULL;
}

err_t paper_commit(paper_t *self) {
    if (has_something_to_write(self)) {
        err_t e = books_write(self);
        if (e != ERR_OK) return e;
        FAILPOINT("paper.after_commit_before_report");
        self->saved_epoch = self->link.epoch;
        self->saved_at = self->now;
        self->link.changed = self->broker_changed = false;
    } else {
        books_leave(self);
    }
    settle_orders(self);
    settle_accounts(self);
    return ERR_OK;
}
