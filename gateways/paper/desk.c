// desk - the broker's table of orders, and what it says about them.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "gateways/paper/ledger/ledger.h"
#include "gateways/paper/paper.h"

struct chance paper_chance(const paper_t *self, const struct order *o) {
    return (struct chance){self->settings->seed, o->trade_id, o->acceptances};
}

struct evidence_names paper_names(const struct order *o) {
    const char *symbol = o->symbol ? o->symbol->name : NULL;
    return (struct evidence_names){o->trade_id, o->account->id, symbol};
}

struct order *paper_live(paper_t *self, const char *trade_id) {
    struct order *o;
    HASH_FIND_STR(self->orders, trade_id, o);
    return o;
}

static void into_table(paper_t *self, struct order *o) {
    HASH_ADD_KEYPTR(hh, self->orders, o->trade_id, strlen(o->trade_id), o);
}

struct order *paper_order(paper_t *self, const char *trade_id) {
    struct order *o = paper_live(self, trade_id);
    if (o) return o;
    o = ledger_order(self, trade_id);
    if (!o) return NULL;
    into_table(self, o);
    paper_touch(self, o, false); // leaves again with the batch, unless it comes to life
    return o;
}

struct order *paper_order_add(paper_t *self, const char *trade_id) {
    struct order *o = order_new(trade_id);
    o->history_known = true;
    struct chance first = paper_chance(self, o);
    o->ticket = chance_number(&first, ASK_TICKET, 0);
    into_table(self, o);
    paper_touch(self, o, true);
    return o;
}

void paper_touch(paper_t *self, struct order *o, bool save) {
    if (save) {
        o->save = self->context->changed = true;
        o->updated_at = self->context->now;
    }
    if (o->touched) return;
    o->touched = true;
    o->touched_next = self->touched_orders;
    self->touched_orders = o;
}

void paper_touch_account(paper_t *self, struct account *a) {
    self->context->changed = true;
    if (a->touched) return;
    a->touched = true;
    a->touched_next = self->touched_accounts;
    self->touched_accounts = a;
}

static uint64_t time_of(const struct order *o) {
    if (!o->pieces_left) return 0;
    return o->due_at ? o->due_at : o->expires_at;
}

void paper_link_order(paper_t *self, struct order *o) {
    uint64_t at = time_of(o);
    if (at && at < self->context->due) self->context->due = at;
    if (at && !o->timed) DL_APPEND2(self->timed, o, timed_prev, timed_next);
    if (!at && o->timed) DL_DELETE2(self->timed, o, timed_prev, timed_next);
    o->timed = at != 0;
    bool live = order_is_live(o);
    if (live && !o->linked) DL_APPEND(o->account->orders, o);
    if (!live && o->linked) DL_DELETE(o->account->orders, o);
    o->linked = live;
    if (o->symbol) order_watch(o);
}

void paper_at(paper_t *self, struct order *o, uint64_t utc_ns) {
    o->due_at = utc_ns;
    paper_link_order(self, o);
}

static void mark_unheard(paper_t *self, struct order *o) {
    o->unheard = true;
    paper_touch(self, o, true);
}

// Nobody hears of it (a fault), neither of what it closed.
static void swallow(paper_t *self, struct order *o, const Fill *fill) {
    mark_unheard(self, o);
    for (size_t i = 0; fill && i < fill->n_closed; i++) {
        struct order *position = paper_live(self, fill->closed[i]->trade_id);
        if (position) mark_unheard(self, position);
    }
}

static void report(paper_t *self, struct order *o, Report *r, const char *reason) {
    char ticket[24];
    if (o->silent) {
        swallow(self, o, r->fill);
        return;
    }
    (void)snprintf(ticket, sizeof ticket, "%016llx", (unsigned long long)o->ticket);
    r->trade_id = (char *)(uintptr_t)o->trade_id;
    r->account_id = o->account->id;
    r->broker_order_id = ticket;
    r->reason = (char *)(uintptr_t)reason;
    r->reported_at = self->context->now;
    r->plan = evidence_plan(&o->submit, self->context->arena);
    gateway_report(self->context, r);
    if (faults_take(&self->faults.duplicate_report)) gateway_report(self->context, r);
    r->broker_order_id = NULL; // it ends here
}

void paper_report(paper_t *self, struct order *o, Report__Kind kind, const char *reason,
                  Fill *fill) {
    Report r = REPORT__INIT;
    r.kind = kind;
    r.fill = fill;
    if (fill && fill->net) r.broker_symbol = o->symbol->name;
    r.has_duplicate = r.duplicate =
        kind == REPORT__KIND__rejected && reason && strcmp(reason, "duplicate") == 0;
    report(self, o, &r, reason);
}

void paper_report_change(paper_t *self, struct order *o, const char *refused,
                         const ModifyOrder *m) {
    Report r = REPORT__INIT;
    r.kind = refused ? REPORT__KIND__modify_rejected : REPORT__KIND__modified;
    r.has_wanted_at = m->has_wanted_at;
    r.wanted_at = m->wanted_at;
    report(self, o, &r, refused);
}

void paper_remember(paper_t *self, struct order *o, const Fill *fill, bool closing) {
    if (!o->history_known) ledger_history(self, o);
    evidence_add_fill(&o->history, fill, closing);
}
