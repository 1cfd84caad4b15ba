// paper - a broker that exists only here.
// SPDX-License-Identifier: MIT
#include "gateways/paper/paper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/delivery/envelope.h"
#include "gateways/paper/ledger/ledger.h"
#include "proto/topics.h"

static void serve_accounts(paper_t *self) {
    size_t n = 0;
    char **ids = arena_take(self->context->arena, (HASH_COUNT(self->accounts) + 1) * sizeof *ids);
    for (struct account *a = self->accounts; a; a = a->hh.next) {
        if (a->served) ids[n++] = a->id;
    }
    gateway_serve(self->context, ids, n);
}

// --- from start to end ---

static void close_paper(paper_t **self) {
    paper_t *p = *self;
    struct order *o, *next;
    HASH_ITER(hh, p->orders, o, next) {
        HASH_DEL(p->orders, o);
        order_free(o);
    }
    account_free_all(&p->accounts);
    market_free(&p->market);
    ledger_close(&p->ledger);
    port_destroy(&p->prices);
    free(p);
    *self = NULL;
}

static void configure_market(paper_t *self, const BrokerConfig *config) {
    market_configure(&self->market, config);
}

static void declare_abilities(paper_t *self) {
    struct link_abilities *can = &self->context->can;
    const struct paper_settings *s = self->settings;
    can->duplicate_check = paper_duplicate_check(s);
    can->can_query = s->can_query;
    can->keeps_plans = true;
    if (can->duplicate_check == HELLO__DUPLICATE_CHECK__window)
        can->duplicate_window_s = (uint32_t)(s->duplicate_window / 1000);
}

static paper_t *open_paper(gateway_context_t *context, char why[static 200]) {
    paper_t *self = alloc_zeroed(1, sizeof *self);
    self->context = context;
    self->settings = (const struct paper_settings *)context->settings;
    declare_abilities(self);
    market_open(&self->market, D(self->settings->spread));
    if (context->config) configure_market(self, context->config); // first: the symbols' sizes
    self->ledger = ledger_open(self);
    err_t e = self->ledger ? ledger_load(self) : ERR_DISK;
    if (e == ERR_OK) {
        serve_accounts(self);
        return self;
    }
    const char *trouble =
        e == ERR_INPUT ? "a row makes no sense" : sql_trouble(books_sql(context->books));
    (void)snprintf(why, 200, "the books cannot be read: %.100s", trouble);
    close_paper(&self);
    return NULL;
}

// --- accounts ---

// Whether it nets changes only while nothing is open: positions kept one way cannot be read the
// other way.
static bool renet(struct account *a, bool netting) {
    if (a->netting == netting) return false;
    if (account_is_flat(a)) return a->netting = netting, true;
    log_event(LOG_LEVEL_WARNING, "netting_unchanged", "account=%s why=%s", a->id,
              log_quote("it has open positions"));
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
    bool same =
        a->leverage == leverage && strcmp(a->currency, currency) == 0 && !renet(a, c->netting);
    if (!is_new && same) return;
    a->leverage = leverage;
    (void)snprintf(a->currency, sizeof a->currency, "%s", currency);
    paper_touch_account(self, a);
}

static void welcome_accounts(paper_t *self, AccountConfig **accounts, size_t n) {
    for (struct account *a = self->accounts; a; a = a->hh.next) {
        a->in_books = a->in_books || a->served;
        a->served = false;
    }
    for (size_t i = 0; i < n; i++) open_account(self, accounts[i]);
    serve_accounts(self);
}

static void query_order(paper_t *self, const QueryOrder *m) {
    paper_status(self, m->trade_id, m->account_id);
}

// --- prices ---

static bool connect_feed(paper_t *self, char why[static 200]) {
    const struct endpoint *at = &self->settings->prices_at;
    self->prices = port_connect(PORT_SUB, at, 0);
    bool right = self->prices && port_subscribe(self->prices, FEED_PRICES);
    if (!right) (void)snprintf(why, 200, "%.100s: %.90s", at->address, port_why());
    return right;
}

static size_t wait_for_prices(const paper_t *self, struct waiter *out, size_t most) {
    (void)most;
    *out = (struct waiter){.port = self->prices, .fd = -1};
    return 1;
}

void paper_price(paper_t *self, const Price *price) {
    struct quote *q = market_price(&self->market, price);
    if (q) paper_quoted(self, q);
}

static void receive_prices(paper_t *self, size_t most) {
    struct parcel parcel;
    struct envelope e;
    for (size_t i = 0; i < most && port_receive(self->prices, &parcel); i++) {
        if (envelope_read(parcel.topic, parcel.frame, &e) != ERR_OK) continue;
        const ProtobufCMessage *m = envelope_open(&e, self->context->arena);
        if (m && m->descriptor == &price__descriptor) paper_price(self, (const Price *)m);
    }
}

// --- the end of a batch ---

// Orders that are over leave memory; of positions the history does.
static void settle_orders(paper_t *self) {
    struct order *next;
    for (struct order *o = self->touched_orders; o; o = next) {
        next = o->touched_next;
        o->touched = o->save = false;
        o->touched_next = NULL;
        if (!order_is_live(o)) {
            // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): of uthash's own pointers
            HASH_DEL(self->orders, o);
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

static void settle_batch(paper_t *self) {
    settle_orders(self);
    settle_accounts(self);
}

const struct gateway paper_gateway = {
    .kind = "paper",
    .purpose =
        "a broker that exists only here: fills from the price feed, remembers in books of its own",
    .options = paper_options,
    .settings_size = sizeof(struct paper_settings),
    .versions = LEDGER_VERSIONS,
    .schema = ledger_schema,
    .verbs = paper_verbs,
    .settle = paper_settle,
    .open = open_paper,
    .close = close_paper,
    .connect = connect_feed,
    .configure = configure_market,
    .accounts = welcome_accounts,
    .submit = paper_submit,
    .cancel = paper_cancel,
    .modify = paper_modify,
    .query = query_order,
    .snapshot = paper_snapshot,
    .waits = wait_for_prices,
    .receive = receive_prices,
    .tick = paper_time,
    .write = ledger_write,
    .committed = settle_batch,
};
