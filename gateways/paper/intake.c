// intake - orders as they come: known, refused, resting or filled at once.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/base/clock.h"
#include "gateways/paper/ledger/netting.h"
#include "gateways/paper/paper.h"

// Whether this broker knows a second order under a known id for what it is.
static bool recognises(const paper_t *self, const struct order *o) {
    if (o->forgotten) return false;
    switch (paper_duplicate_check(self->settings)) {
    case HELLO__DUPLICATE_CHECK__none:
        return false;
    case HELLO__DUPLICATE_CHECK__open_orders:
        return o->pieces_left != 0;
    case HELLO__DUPLICATE_CHECK__window:
        return self->context->now <
               o->received_at + (uint64_t)self->settings->duplicate_window * NS_PER_MS;
    case HELLO__DUPLICATE_CHECK__session:
        return o->received_at >= self->context->started_at;
    case HELLO__DUPLICATE_CHECK__forever:
        return true;
    case _HELLO__DUPLICATE_CHECK_IS_INT_SIZE:
        break;
    }
    return true;
}

static void refuse_again(paper_t *self, struct order *o, const Submit *m) {
    if (strcmp(self->settings->duplicate_answer, "refuse") == 0)
        paper_report(self, o, REPORT__KIND__rejected, "duplicate", NULL);
    else
        paper_status(self, m->trade_id, m->account_id);
}

// What is live keeps its account and symbol: a second order under its id adds to it.
static void write_down(paper_t *self, struct order *o, const Submit *m) {
    if (!order_is_live(o)) {
        o->account = account_find(&self->accounts, m->account_id);
        o->symbol = market_symbol(&self->market, m->broker_symbol);
        o->side = m->side;
    }
    evidence_keep_submit(&o->submit, m, o->acceptances != 0, paper_names(o), self->context->arena);
    o->type = m->terms->order_type;
    o->lots = D((o->acceptances ? o->lots.e8 : 0) + m->lots);
    o->price = D(m->terms->has_price ? m->terms->price : 0);
    o->limit = D(m->terms->has_limit_price ? m->terms->limit_price : 0);
    o->triggered = false;
    o->expected = D(m->terms->has_requested_price ? m->terms->requested_price : 0);
    o->stop_loss = D(m->terms->has_stop_loss ? m->terms->stop_loss : 0);
    o->take_profit = D(m->terms->has_take_profit ? m->terms->take_profit : 0);
    o->expires_at = m->terms->has_expiration_time ? m->terms->expiration_time : 0;
    o->received_at = self->context->now;
    netting_reorder(o);
    o->forgotten = false;
    o->state = TRADE_STATE__STATE__working;
    if (!o->pieces_left) order_drop_closes(o); // of one that is over
    for (size_t i = 0; i < m->n_closes; i++)
        order_add_close(o, m->closes[i]->trade_id, strlen(m->closes[i]->trade_id),
                        D(m->closes[i]->lots));
}

static bool lots_are_wrong(const struct symbol *s, const Submit *m) {
    if (m->lots <= 0 || m->lots > INT64_MAX / 4) return true;
    if (m->n_closes) return false; // what is open may be closed, whatever the steps are now
    return m->lots % s->lot_step.e8 || m->lots < s->min_lot.e8 ||
           (s->max_lot.e8 && m->lots > s->max_lot.e8);
}

static const char *form_is_wrong(const struct order *o, const Submit *m) {
    if (!o->account->served) return "unknown_account";
    if (!o->symbol || !o->symbol->listed) return "unknown_symbol";
    if (lots_are_wrong(o->symbol, m)) return "invalid_volume";
    if (o->side != SIGNAL__DIRECTION__buy && o->side != SIGNAL__DIRECTION__sell)
        return "invalid_side";
    if (o->price.e8 < 0 || o->limit.e8 < 0 || o->expected.e8 < 0 || o->stop_loss.e8 < 0 ||
        o->take_profit.e8 < 0)
        return "invalid_price";
    if (o->type != SIGNAL__ORDER_TYPE__market && !o->price.e8) return "invalid_price";
    if (o->type == SIGNAL__ORDER_TYPE__stop_limit && !o->limit.e8) return "invalid_price";
    return NULL;
}

static const char *broker_will_not(paper_t *self, struct order *o) {
    struct chance c = paper_chance(self, o);
    c.acceptance++;
    if (faults_take(&self->faults.refuse)) return "refused";
    if (chance_happens(&c, ASK_REJECT, self->settings->reject_probability)) return "rejected";
    if (chance_happens(&c, ASK_REQUOTE, self->settings->requote_probability)) return "requote";
    return NULL;
}

static bool loses_reply(paper_t *self, struct order *o) {
    struct chance c = paper_chance(self, o);
    c.acceptance++;
    return faults_take(&self->faults.lost_reply) ||
           chance_happens(&c, ASK_LOST, self->faults.lost_probability);
}

void paper_submit(paper_t *self, const Submit *m) {
    struct order *o = paper_order(self, m->trade_id);
    bool known = o != NULL;
    if (!known) o = paper_order_add(self, m->trade_id);
    o->submissions++;
    paper_touch(self, o, true);
    if (known && recognises(self, o)) {
        refuse_again(self, o, m);
        return;
    }
    if (o->latent) paper_accept(self, o); // the one on its way arrives as well: both count
    write_down(self, o, m);
    o->silent = loses_reply(self, o);
    const char *why = form_is_wrong(o, m);
    if (!why) why = broker_will_not(self, o);
    if (why) {
        paper_end(self, o, REPORT__KIND__rejected, why);
    } else if (o->expires_at && o->expires_at <= self->context->now) {
        paper_end(self, o, REPORT__KIND__expired, "expired");
    } else if (faults_take(&self->faults.late_accept)) {
        o->latent = true;
        o->pieces_left = 1;
        paper_at(self, o, self->context->now + (uint64_t)self->faults.late_accept_ms * NS_PER_MS);
    } else {
        paper_accept(self, o);
    }
}

static uint32_t pieces_of(const paper_t *self, const struct chance *c) {
    if (self->settings->partial_count < 2 ||
        !chance_happens(c, ASK_PARTIAL, self->settings->partial_probability))
        return 1;
    return 2 +
           (uint32_t)chance_up_to(c, ASK_PIECES, 0, (uint64_t)self->settings->partial_count - 2);
}

static uint64_t latency_ns(const paper_t *self, const struct chance *c) {
    uint64_t least = (uint64_t)self->settings->latency_min,
             most = (uint64_t)self->settings->latency_max;
    return (least + (most > least ? chance_up_to(c, ASK_LATENCY, 0, most - least) : 0)) * NS_PER_MS;
}

static void rest(paper_t *self, struct order *o) {
    decimal_t level;
    const char *reason;
    paper_report(self, o, REPORT__KIND__accepted, NULL, NULL);
    paper_link_order(self, o);
    if (order_triggers(o, &level, &reason) && !reason) paper_reached(self, o);
}

void paper_accept(paper_t *self, struct order *o) {
    o->latent = false;
    o->due_at = 0;
    o->acceptances++;
    paper_touch(self, o, true);
    struct chance c = paper_chance(self, o);
    o->pieces_left = pieces_of(self, &c);
    if (o->type != SIGNAL__ORDER_TYPE__market) {
        rest(self, o);
        return;
    }
    uint64_t wait = latency_ns(self, &c);
    bool unannounced = faults_take(&self->faults.late_fill);
    if (unannounced) wait = (uint64_t)self->faults.late_fill_ms * NS_PER_MS;
    const char *why = wait ? NULL : paper_hindrance(self, o);
    if (why) {
        paper_end(self, o, REPORT__KIND__rejected, why);
        return;
    }
    if (!unannounced && (wait || o->pieces_left > 1))
        paper_report(self, o, REPORT__KIND__accepted, NULL, NULL);
    if (wait)
        paper_at(self, o, self->context->now + wait);
    else
        paper_fill(self, o);
}
