// turn - publishes what was decided for one account: a decision, its orders and commands.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/schema/record.h"
#include "services/router/desk.h"

static void numbers_fill(Decision *d, const struct decide_result *result, arena_t *arena) {
    Number *all = arena_take(arena, result->n_numbers * sizeof *all);
    d->numbers = arena_take(arena, result->n_numbers * sizeof *d->numbers);
    for (; d->n_numbers < result->n_numbers; d->n_numbers++) {
        Number *n = d->numbers[d->n_numbers] = &all[d->n_numbers];
        number__init(n);
        n->name = (char *)result->numbers[d->n_numbers].name;
        n->value = result->numbers[d->n_numbers].value.e8;
    }
}

Decision *turn_decision(const struct turn *t, arena_t *arena) {
    Decision *d = arena_take(arena, sizeof *d);
    decision__init(d);
    d->account_id = t->seat->account->account_id;
    d->reason = t->result->reason;
    if (t->result->detail[0]) d->detail = arena_text(arena, t->result->detail);
    if (t->result->n_numbers) numbers_fill(d, t->result, arena);
    return d;
}

// The number of the subscription, and for what one signal means in several ways also which of them,
// and the symbol.
static void leg_print(const struct leg_id *id, char out[static LEG_TEXT]) {
    (void)snprintf(out, LEG_TEXT, "%u%s%s%s%s", id->seat->leg, *id->leg ? "." : "", id->leg,
                   id->symbol ? "/" : "", id->symbol ? id->symbol : "");
}

void trade_id_of(const struct leg_id *id, char out[static ID_TEXT]) {
    char leg[LEG_TEXT];
    leg_print(id, leg);
    const char *const parts[] = {"trade", id->signal_id, id->seat->account->account_id, leg};
    id_derive(out, id->signal_id, 4, parts);
}

static struct leg_id get_leg_id(const struct turn *t) {
    return (struct leg_id){t->signal->signal_id, t->seat, t->result->leg.name,
                           t->everything ? t->signal->symbol : NULL};
}

#define FILL(o, field, from)                                                                       \
    ((o)->has_##field = (from).has, (o)->field = (from).has ? (from).value.e8 : 0)

// What the Signal says under the names of Terms stands there already; here is what is decided.
static void fill_entry(const struct turn *t, Terms *o) {
    if (o->order_type == SIGNAL__ORDER_TYPE__market) o->has_price = false, o->price = 0;
    if (o->order_type != SIGNAL__ORDER_TYPE__stop_limit)
        o->has_limit_price = false, o->limit_price = 0;
    o->has_close_percent = false, o->close_percent = 0;
    o->has_expiration_time = t->result->expires_at != 0;
    o->expiration_time = t->result->expires_at;
    FILL(o, stop_loss, t->result->levels.stop_loss);
    FILL(o, take_profit, t->result->levels.take_profit);
    (void)record_merge(&t->result->levels.trailing.base, &o->base);
}

static void fill_close(const struct turn *t, Terms *o, arena_t *arena) {
    const Signal *s = t->signal;
    const struct leg *leg = &t->result->leg;
    o->order_type = SIGNAL__ORDER_TYPE__market;
    o->has_close_side = leg->side != SIGNAL__DIRECTION__close;
    o->close_side = leg->side;
    o->has_close_percent = s->has_close_percent && !t->result->has_lots && !*leg->name;
    o->close_percent = o->has_close_percent ? s->close_percent : 0;
    o->has_expiration_time = s->has_expiration_time;
    o->expiration_time = s->expiration_time;
    if (!leg->whole_signal) return;
    o->close_trade_id = arena_take(arena, ID_TEXT);
    trade_id_of(&(struct leg_id){s->target_signal_id, t->seat, "", NULL}, o->close_trade_id);
}

static Terms *terms_of(const struct turn *t, arena_t *arena) {
    Terms *terms = arena_take(arena, sizeof *terms);
    terms__init(terms);
    if (t->result->leg.kind == LEG_ENTRY) (void)record_merge(&t->signal->base, &terms->base);
    terms->has_lot_size = t->result->has_lots;
    terms->lot_size = t->result->has_lots ? t->result->lots.e8 : 0;
    terms->has_requested_price = t->signal->has_price;
    terms->requested_price = t->signal->price;
    if (t->result->leg.kind == LEG_ENTRY)
        fill_entry(t, terms);
    else
        fill_close(t, terms, arena);
    return terms;
}

void turn_order(const struct turn *t, arena_t *arena, Order *o) {
    const Signal *s = t->signal;
    const struct leg_id id = get_leg_id(t);
    order__init(o);
    o->trade_id = arena_take(arena, ID_TEXT);
    trade_id_of(&id, o->trade_id);
    o->signal_id = s->signal_id;
    o->account_id = t->seat->account->account_id;
    o->broker_id = t->seat->account->broker_id;
    o->symbol = s->symbol;
    o->broker_symbol = t->seat->venue->broker_symbol;
    o->direction =
        t->result->leg.kind == LEG_ENTRY ? t->result->leg.side : SIGNAL__DIRECTION__close;
    o->terms = terms_of(t, arena);
    o->signal_at = s->created_at;
    o->ordered_at = t->now;
    o->has_valid_until = true;
    o->valid_until = t->result->valid_until;
    o->source = t->signal->source;
}

static void fill_modify(const struct turn *t, OrderCommand *c) {
    const struct levels *l = &t->result->levels;
    (void)record_merge(&t->signal->base, &c->amendment->base);
    FILL(c->amendment, stop_loss, l->stop_loss);
    FILL(c->amendment, take_profit, l->take_profit);
    *c->trailing = l->trailing;
}

void turn_command(const struct turn *t, arena_t *arena, OrderCommand *c) {
    const Signal *s = t->signal;
    const struct leg *leg = &t->result->leg;
    char text[LEG_TEXT];
    const struct leg_id id = get_leg_id(t);
    leg_print(&id, text);
    const char *const parts[] = {"command", s->signal_id, t->seat->account->account_id, text};
    order_command__init(c);
    c->command_id = arena_take(arena, ID_TEXT);
    id_derive(c->command_id, s->signal_id, 4, parts);
    c->account_id = t->seat->account->account_id;
    c->action = leg->action;
    c->symbol = s->symbol;
    c->has_side = leg->side != SIGNAL__DIRECTION__close;
    c->side = leg->side;
    c->signal_id = leg->whole_signal ? s->target_signal_id : NULL;
    c->reason = arena_format(arena, "signal %.64s", s->signal_id);
    c->created_at = t->now;
    c->amendment = arena_take(arena, sizeof *c->amendment);
    amendment__init(c->amendment);
    c->trailing = arena_take(arena, sizeof *c->trailing);
    trailing__init(c->trailing);
    if (leg->action == ORDER_COMMAND__ACTION__modify) fill_modify(t, c);
}
