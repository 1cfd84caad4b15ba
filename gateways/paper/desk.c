// desk - the broker's table of orders, and what it says about them.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "gateways/paper/books.h"
#include "gateways/paper/paper.h"
#include "gateways/paper/submitted.h"

struct chance paper_chance(const paper_t *self, const struct order *o) {
    return (struct chance){self->settings->seed, o->trade_id, o->acceptances};
}

struct order *paper_live(paper_t *self, const char *trade_id) {
    struct order *o;
    HASH_FIND_STR(self->orders, trade_id, o);
    return o;
}

static void into_table(paper_t *self, struct order *o) { HASH_ADD_KEYPTR(hh, self->orders, o->trade_id, strlen(o->trade_id), o); }

struct order *paper_order(paper_t *self, const char *trade_id) {
    struct order *o = paper_live(self, trade_id);
    if (o) return o;
    o = books_order(self, trade_id);
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
        o->save = true;
        o->updated_at = self->now;
    }
    if (o->touched) return;
    o->touched = true;
    o->touched_next = self->touched_orders;
    self->touched_orders = o;
}

void paper_touch_account(paper_t *self, struct account *a) {
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
    if (at && at < self->next_time) self->next_time = at;
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

void paper_answer(paper_t *self, const ProtobufCMessage *m) {
    struct answer *a = arena_take(self->arena, sizeof *a);
    *a = (struct answer){NULL, m};
    *self->answers_end = a;
    self->answers_end = &a->next;
}

static void tell(paper_t *self, Report *r) {
    r->report = ++self->link.head;
    size_t size = report__get_packed_size(r);
    struct told *t = arena_take(self->arena, sizeof *t + size);
    report__pack(r, (uint8_t *)(t + 1));
    *t = (struct told){NULL, r->report, {t + 1, size}};
    *self->told_end = t;
    self->told_end = &t->next;
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
    r->reported_at = self->now;
    r->plan = submitted_plan(self, o);
    tell(self, r);
    if (faults_take(&self->faults.duplicate_report)) tell(self, r);
    r->broker_order_id = NULL; // it ends here
}

void paper_report(paper_t *self, struct order *o, Report__Kind kind, const char *reason, Fill *fill) {
    Report r = REPORT__INIT;
    r.kind = kind;
    r.fill = fill;
    if (fill && fill->net) r.broker_symbol = o->symbol->name;
    r.has_duplicate = r.duplicate = kind == REPORT__KIND__rejected && reason && strcmp(reason, "duplicate") == 0;
    report(self, o, &r, reason);
}

void paper_report_change(paper_t *self, struct order *o, const char *refused, const ModifyOrder *m) {
    Report r = REPORT__INIT;
    r.kind = refused ? REPORT__KIND__modify_rejected : REPORT__KIND__modified;
    r.has_wanted_at = m->has_wanted_at;
    r.wanted_at = m->wanted_at;
    report(self, o, &r, refused);
}

uint8_t *paper_add_field(buffer_t *packed, unsigned field, size_t size) {
    size_t n = size;
    uint8_t *at = buffer_reserve(packed, size + 11);
    *at++ = (uint8_t)(field << 3 | 2);
    for (; n >= 0x80; n >>= 7) *at++ = (uint8_t)(n | 0x80);
    *at++ = (uint8_t)n;
    packed->length = (size_t)(at - packed->data) + size;
    return at;
}

// The history is the packed form of the fields `fills` and `closings` of OrderStatus: appending to it appends to the list.
void paper_remember(paper_t *self, struct order *o, const Fill *fill, bool closing) {
    if (!o->history_known) books_history(self, o);
    (void)fill__pack(fill, paper_add_field(&o->history, closing ? 8 : 7, fill__get_packed_size(fill)));
}
