// filler - a broker that fills every order whole and at once: the smallest gateway on the skeleton.
// SPDX-License-Identifier: MIT
//
// For tests only: whatever the skeleton promises it must promise for this one, too. It has no
// money, no prices (an order fills at the price it names) and nothing rests; it hedges.
#include "tests/gateway/filler.h"

#include "common/base/alloc.h"
#include "common/base/hash.h"

struct order { // an order is its Submit: what happened follows from it
    UT_hash_handle hh;
    Submit *submit;
    decimal_t open; // of what it opened
    bool dirty;     // to be written
};

struct gateway_broker {
    gateway_context_t *context;
    sql_query_t *put;
    struct order *orders; // hash by trade_id, all of them
};

static void create_tables(buffer_t *out, int version) {
    (void)version;
    buffer_text(
        out,
        "CREATE TABLE orders(trade_id TEXT PRIMARY KEY, open TEXT NOT NULL, submit BLOB NOT NULL,"
        " executions INTEGER NOT NULL, orphan INTEGER NOT NULL) WITHOUT ROWID;");
}

static struct order *find_order(broker_t *self, const char *trade_id) {
    struct order *o;
    HASH_FIND_STR(self->orders, trade_id, o);
    return o;
}

static struct order *add_order(broker_t *self, struct span packed) {
    struct order *o = alloc_zeroed(1, sizeof *o);
    o->submit = alloc_checked(submit__unpack(NULL, packed.length, packed.data));
    HASH_ADD_KEYPTR(hh, self->orders, o->submit->trade_id, strlen(o->submit->trade_id), o);
    return o;
}

// --- books ---

static void close_filler(broker_t **self) {
    struct order *o, *next;
    HASH_ITER(hh, (*self)->orders, o, next) {
        HASH_DEL((*self)->orders, o);
        submit__free_unpacked(o->submit, NULL);
        free(o);
    }
    sql_query_destroy(&(*self)->put);
    free(*self);
    *self = NULL;
}

static void load_orders(broker_t *self) {
    sql_query_t *q =
        sql_prepare(books_sql(self->context->books), "SELECT submit, open FROM orders");
    bool row = true;
    while (sql_step(q, &row) == ERR_OK && row) {
        struct order *o = add_order(self, sql_bytes(q, 0));
        const char *open = sql_text(q, 1);
        (void)decimal_parse(open, strlen(open), &o->open);
    }
    sql_query_destroy(&q);
}

static broker_t *open_filler(gateway_context_t *context, char why[static 200]) {
    (void)why;
    broker_t *self = alloc_zeroed(1, sizeof *self);
    self->context = context;
    struct link_abilities *can = &context->can;
    can->duplicate_check = HELLO__DUPLICATE_CHECK__forever;
    can->can_query = can->keeps_plans = can->cannot_net = can->cannot_stop_limit = true;
    self->put =
        sql_prepare(books_sql(context->books),
                    "INSERT OR REPLACE INTO orders(trade_id, open, submit, executions, orphan)"
                    " VALUES(?,?,?,1,0)");
    load_orders(self);
    return self;
}

static struct span pack_submit(broker_t *self, const Submit *m) {
    size_t size = submit__get_packed_size(m);
    uint8_t *packed = arena_take(self->context->arena, size + 1);
    return (struct span){packed, submit__pack(m, packed)};
}

static err_t write_orders(broker_t *self) {
    err_t e = ERR_OK;
    for (struct order *o = self->orders; o && e == ERR_OK; o = o->hh.next) {
        if (!o->dirty) continue;
        sql_bind_text(self->put, 1, o->submit->trade_id);
        sql_bind_decimal(self->put, 2, o->open);
        sql_bind_bytes(self->put, 3, pack_submit(self, o->submit));
        e = sql_execute(self->put);
    }
    return e;
}

static void mark_written(broker_t *self) {
    for (struct order *o = self->orders; o; o = o->hh.next) o->dirty = false;
}

// --- what it says ---

static int64_t price_of(const Submit *m) {
    if (m->terms->has_price) return m->terms->price;
    return m->terms->has_requested_price ? m->terms->requested_price : DECIMAL_SCALE;
}

static Fill *fill_of(broker_t *self, const Submit *m, decimal_t lots) {
    Fill *fill = arena_take(self->context->arena, sizeof *fill);
    fill__init(fill);
    fill->execution_id = arena_format(self->context->arena, "%s-filled", m->trade_id);
    fill->lots = lots.e8;
    fill->price = price_of(m);
    fill->executed_at = m->sent_at;
    return fill;
}

// What closed a position: the orders that named it.
static void list_closings(broker_t *self, OrderStatus *status) {
    status->closings = arena_take(self->context->arena, HASH_COUNT(self->orders) * sizeof(Fill *));
    for (struct order *o = self->orders; o; o = o->hh.next) {
        for (size_t i = 0; i < o->submit->n_closes; i++) {
            const Closing *c = o->submit->closes[i];
            if (strcmp(c->trade_id, status->trade_id) != 0) continue;
            Fill *fill = fill_of(self, o->submit, D(c->lots));
            fill->closed_by = o->submit->trade_id;
            status->closings[status->n_closings++] = fill;
        }
    }
}

static void answer_order(broker_t *self, const char *trade_id, const char *account_id) {
    arena_t *arena = self->context->arena;
    OrderStatus *m = arena_take(arena, sizeof *m);
    order_status__init(m);
    m->trade_id = arena_text(arena, trade_id);
    m->account_id = arena_text(arena, account_id);
    struct order *o = find_order(self, trade_id);
    m->found = o != NULL;
    m->has_never_submitted = m->never_submitted = !o;
    if (o) {
        m->has_state = true;
        m->state = o->submit->n_closes || o->open.e8 ? TRADE_STATE__STATE__filled
                                                     : TRADE_STATE__STATE__closed;
        m->submitted = o->submit;
        m->fills = arena_take(arena, sizeof *m->fills);
        m->fills[m->n_fills++] = fill_of(self, o->submit, D(o->submit->lots));
        list_closings(self, m);
    }
    gateway_answer(self->context, &m->base);
}

static void query_order(broker_t *self, const QueryOrder *m) {
    answer_order(self, m->trade_id, m->account_id);
}

static void report_order(broker_t *self, Report *r, char *trade_id, char *account_id) {
    r->trade_id = trade_id;
    r->account_id = account_id;
    r->reported_at = self->context->now;
    gateway_report(self->context, r);
}

// --- what it does ---

static void close_positions(broker_t *self, const Submit *m) {
    for (size_t i = 0; i < m->n_closes; i++) {
        struct order *position = find_order(self, m->closes[i]->trade_id);
        if (!position) continue;
        position->open = D(position->open.e8 - m->closes[i]->lots);
        position->dirty = true;
    }
}

static void fill_order(broker_t *self, const Submit *m) {
    if (find_order(self, m->trade_id)) {
        answer_order(self, m->trade_id, m->account_id);
        return;
    }
    struct order *o = add_order(self, pack_submit(self, m));
    o->open = D(m->n_closes ? 0 : m->lots);
    o->dirty = self->context->changed = true;
    close_positions(self, m);
    Plan plan = PLAN__INIT;
    plan.side = m->side, plan.lots = m->lots;
    plan.closes = m->closes, plan.n_closes = m->n_closes;
    Report r = REPORT__INIT;
    r.kind = REPORT__KIND__filled;
    r.fill = fill_of(self, m, D(m->lots));
    r.fill->closed = m->closes, r.fill->n_closed = m->n_closes;
    r.plan = &plan;
    report_order(self, &r, m->trade_id, m->account_id);
}

static void refuse_cancel(broker_t *self, const CancelOrder *m) {
    Report r = REPORT__INIT;
    r.kind = REPORT__KIND__cancel_rejected;
    r.reason = (char *)(uintptr_t)(find_order(self, m->trade_id) ? "not_open" : "unknown_order");
    report_order(self, &r, m->trade_id, m->account_id);
}

// --- accounts ---

static void serve_accounts(broker_t *self, AccountConfig **accounts, size_t n) {
    char **ids = arena_take(self->context->arena, (n + 1) * sizeof *ids);
    for (size_t i = 0; i < n; i++) ids[i] = accounts[i]->account_id;
    gateway_serve(self->context, ids, n);
}

static void list_position(broker_t *self, const struct order *o, AccountSnapshot *m) {
    Holding *h = arena_take(self->context->arena, sizeof *h);
    holding__init(h);
    h->kind = HOLDING__KIND__position;
    h->trade_id = o->submit->trade_id;
    h->broker_symbol = o->submit->broker_symbol;
    h->side = o->submit->side;
    h->lots = o->open.e8;
    h->has_price = true;
    h->price = price_of(o->submit);
    m->holdings[m->n_holdings++] = h;
}

static void snapshot_account(broker_t *self, char *account_id) {
    arena_t *arena = self->context->arena;
    AccountSnapshot *m = arena_take(arena, sizeof *m);
    account_snapshot__init(m);
    m->account_id = account_id;
    m->currency = arena_text(arena, "USD");
    m->leverage = 1;
    m->taken_at = self->context->now;
    m->holdings = arena_take(arena, (HASH_COUNT(self->orders) + 1) * sizeof *m->holdings);
    for (const struct order *o = self->orders; o; o = o->hh.next) {
        if (o->open.e8 && strcmp(o->submit->account_id, account_id) == 0) list_position(self, o, m);
    }
    gateway_snapshot(self->context, m);
}

static void snapshot_accounts(broker_t *self) {
    for (size_t i = 0; i < self->context->n_accounts; i++)
        snapshot_account(self, self->context->accounts[i]);
}

const struct gateway filler_gateway = {
    .kind = "filler",
    .purpose = "a broker that fills every order whole and at once, for tests",
    .settings_size = sizeof(struct gateway_settings),
    .versions = 1,
    .schema = create_tables,
    .open = open_filler,
    .close = close_filler,
    .accounts = serve_accounts,
    .submit = fill_order,
    .cancel = refuse_cancel,
    .query = query_order,
    .snapshot = snapshot_accounts,
    .write = write_orders,
    .committed = mark_written,
};
