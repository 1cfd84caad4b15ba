// story - how everything that is known of a signal is told.
// SPDX-License-Identifier: MIT
#include "cli/operator/story.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/text.h"
#include "cli/words.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/schema/record.h"

// One line: what happened, how long after the signal came in, and the particulars.
__attribute__((format(printf, 5, 6))) static void add_story_line(buffer_t *out, const char *what,
                                                                 uint64_t from, uint64_t at,
                                                                 const char *format, ...) {
    char after[24] = "", words[600];
    if (at && from && at >= from) {
        after[0] = '+';
        char between[24];
        text_between(at - from, between);
        snprintf(after + 1, sizeof after - 1, "%.22s", between);
    } else if (at && from) {
        snprintf(after, sizeof after, "earlier"); // another clock
    }
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    buffer_format(out, "  %-12s %11s  ", what, after);
    text_clean(out, words, strlen(words));
    buffer_text(out, "\n");
}

// A decimal in words: in one of eight rotating buffers, for use in the same expression.
static const char *print_decimal(int64_t e8) {
    static char texts[8][DECIMAL_TEXT];
    static unsigned next;
    char *text = texts[next++ % 8];
    decimal_print(D(e8), text);
    return text;
}

#define NAME(descriptor, value) record_enum_name(&descriptor, (int)(value))

static void tell_signal(const Signal *s, buffer_t *out) {
    char at[TIME_TEXT];
    time_print(s->created_at, at);
    add_story_line(out, "received", 0, 0, "%s from %s%s%s", at, s->source,
                   s->cell ? ", at the door of cell " : "", s->cell ? s->cell : "");
    buffer_format(out, "  %-12s %11s  %s %s %s", "asked", "",
                  NAME(signal__direction__descriptor, s->direction), s->symbol,
                  NAME(signal__order_type__descriptor, s->order_type));
    if (s->has_lot_size) buffer_format(out, ", %s lots", print_decimal(s->lot_size));
    if (s->has_price) buffer_format(out, " at %s", print_decimal(s->price));
    if (s->has_stop_loss) buffer_format(out, ", stop loss %s", print_decimal(s->stop_loss));
    if (s->has_take_profit) buffer_format(out, ", take profit %s", print_decimal(s->take_profit));
    if (s->strategy) {
        buffer_text(out, ", strategy ");
        text_clean(out, s->strategy, strlen(s->strategy));
    }
    buffer_text(out, "\n");
}

static void tell_duplicates(const Duplicates *d, buffer_t *out) {
    char at[TIME_TEXT];
    if (!d) return;
    time_print(d->last_at, at);
    add_story_line(out, "came again", 0, 0, "%u time%s, the last at %s: answered like the first",
                   d->count, d->count == 1 ? "" : "s", at);
}

static void tell_status(const struct story *story, uint64_t from, buffer_t *out) {
    const SignalExecutionStatus *status = story->status;
    const char *archived = !story->archive_known ? "the archive cannot be read"
                           : story->archived     ? "yes"
                                                 : "not yet";
    if (status && status->status >= SIGNAL__STATUS__processing) {
        bool skipped =
            status->has_outcome && status->outcome == SIGNAL_EXECUTION_STATUS__OUTCOME__skipped;
        const char *what = skipped ? "skipped" : NAME(signal__status__descriptor, status->status);
        const char *filled =
            status->has_fill_percentage ? print_decimal(status->fill_percentage) : "0";
        const char *price =
            status->has_execution_price ? print_decimal(status->execution_price) : "-";
        add_story_line(out, what, from, status->has_executed_at ? status->executed_at : 0,
                       "filled %s %%, average price %s, slippage %s%s%s", filled, price,
                       status->has_slippage ? print_decimal(status->slippage) : "-",
                       status->rejection_reason ? ": " : "",
                       status->rejection_reason ? status->rejection_reason : "");
    } else if (story->signal) {
        add_story_line(out, NAME(signal__status__descriptor, story->signal->status), 0, 0, "%s",
                       "");
    }
    add_story_line(out, "archived", 0, 0, "%s", archived);
}

static void tell_result(const TradeResult *r, uint64_t from, buffer_t *out) {
    const char *price = r->has_execution_price ? print_decimal(r->execution_price) : "-",
               *slippage = r->has_slippage ? print_decimal(r->slippage) : "-";
    add_story_line(out, NAME(trade_result__state__descriptor, r->state), from, r->executed_at,
                   "%s lots at %s, slippage %s%s%s%s%s", print_decimal(r->lot_size), price,
                   slippage, r->has_pnl ? ", profit " : "", r->has_pnl ? print_decimal(r->pnl) : "",
                   r->broker_order_id ? ", the broker's order " : "",
                   r->broker_order_id ? r->broker_order_id : "");
}

static void tell_reconciliation(const TradeReconciliation *r, uint64_t from, buffer_t *out) {
    const char *reason = r->rejection_reason ? r->rejection_reason : "";
    add_story_line(out, "reconciled", from, r->reconciled_at, "%s, discrepancy %s%s%s",
                   NAME(trade_reconciliation__status__descriptor, r->reconciliation_status),
                   r->has_discrepancy ? print_decimal(r->discrepancy) : "-", *reason ? ": " : "",
                   reason);
}

// --- orders that no signal asked for

static const char *text_or_else(const char *text, const char *stand_in) {
    return text && *text ? text : stand_in;
}

static void add_reason_word(const struct word *w, const char *reason, buffer_t *out) {
    const Command *c = w->command;
    const OrderCommand *o = w->for_account;
    const char *who = c && c->operator_ ? c->operator_ : o ? o->operator_ : NULL;
    const char *why =
        text_or_else(o ? o->reason : NULL, text_or_else(c ? c->reason : NULL, reason));
    if (who) buffer_format(out, ", by %s", who);
    if (why) buffer_format(out, ": %s", why);
}

// Why the executor has made an order itself; a trade without a cause is of a signal.
static const char *words_of_cause(const TradeState *t, const struct word *w, buffer_t *out) {
    static const char *const words[] = {
        [TRADE_STATE__CAUSE__command] = "on command",
        [TRADE_STATE__CAUSE__flatten] = "flattened on command",
        [TRADE_STATE__CAUSE__stop] = "its stop was reached, trade",
        [TRADE_STATE__CAUSE__other_side] = "the other side of trade",
    };
    bool known =
        t->has_cause && (unsigned)t->cause < sizeof words / sizeof *words && words[t->cause];
    buffer_clear(out);
    buffer_format(out, "%s %s",
                  known          ? words[t->cause]
                  : t->has_cause ? "by the executor"
                                 : "signal",
                  t->has_cause ? text_or_else(t->cause_id, "-") : t->signal_id);
    if (t->has_cause) add_reason_word(w, t->reason, out);
    return buffer_string(out);
}

static int64_t lots_closed(const TradeState *closer, const char *trade_id) {
    int64_t lots = 0;
    for (size_t i = 0; i < closer->n_closes; i++) {
        if (strcmp(closer->closes[i]->trade_id, trade_id) == 0) lots += closer->closes[i]->lots;
    }
    return lots;
}

static void tell_closers(const struct part *part, uint64_t from, buffer_t *out) {
    own(buffer) why = {0};
    for (size_t i = 0; i < part->n_closers; i++) {
        const struct closer *c = &part->closers[i];
        const TradeState *t = c->trade;
        add_story_line(out, "closing", from, t->has_executed_at ? t->executed_at : t->updated_at,
                       "%s lots by trade %s, %s; %s",
                       print_decimal(lots_closed(t, part->trade->trade_id)), t->trade_id,
                       NAME(trade_state__state__descriptor, t->state),
                       words_of_cause(t, &c->word, &why));
    }
}

static void tell_command(const struct word *w, buffer_t *out) {
    own(buffer) more = {0};
    char at[TIME_TEXT];
    const Command *c = w->command;
    const OrderCommand *o = w->for_account;
    time_print(c ? c->created_at : o->created_at, at);
    const char *action = c ? NAME(command__action__descriptor, c->action)
                           : NAME(order_command__action__descriptor, o->action);
    const char *of =
        c ? text_or_else(c->trade_id,
                         text_or_else(c->account_id, text_or_else(c->source, "everything")))
          : text_or_else(o->trade_id, o->account_id);
    add_reason_word(w, NULL, &more);
    add_story_line(out, "given", 0, 0, "%s %s%s, %s%s", at, action,
                   c && c->flatten ? " and flatten" : "", of, buffer_string(&more));
}

static void tell_trade(const struct part *part, uint64_t from, buffer_t *out) {
    const TradeState *t = part->trade;
    own(buffer) why = {0};
    if (t->has_cause)
        add_story_line(out, "made", from, t->ordered_at, "%s",
                       words_of_cause(t, &part->word, &why));
    if (t->has_submitted_at)
        add_story_line(out, "sent", from, t->submitted_at, "by %s",
                       t->instance_id ? t->instance_id : "a gateway");
    for (size_t i = 0; i < part->n_results; i++) tell_result(part->results[i], from, out);
    if (!part->n_results && t->has_executed_at) {
        add_story_line(out, "executed", from, t->executed_at, "%s lots at %s",
                       print_decimal(t->filled_lots), print_decimal(t->average_price));
    }
    const TradeReconciliation *r = part->reconciliation;
    uint64_t at = t->has_closed_at ? t->closed_at : t->updated_at;
    bool later = r && r->reconciled_at < at;
    if (later) tell_reconciliation(r, from, out);
    add_story_line(out, NAME(trade_state__state__descriptor, t->state), from, at, "%s%s%s%s",
                   t->reason ? t->reason : "",
                   t->has_held && t->held ? " (held: waits for the operator)" : "",
                   t->has_pnl ? "profit " : "", t->has_pnl ? print_decimal(t->pnl) : "");
    if (r && !later) tell_reconciliation(r, from, out);
    tell_closers(part, from, out);
}

static void tell_part(const struct story *story, const struct part *part, uint64_t from,
                      buffer_t *out) {
    const Decision *d = part->decision;
    buffer_text(out, "\naccount ");
    text_clean(out, part->account_id, strlen(part->account_id));
    if (d && d->reason != REASON__CODE__ordered) {
        buffer_format(out, ": no order, %s", NAME(reason__code__descriptor, d->reason));
        if (d->detail || d->n_numbers) buffer_text(out, ": ");
        decision_words(d, out);
        buffer_text(out, "\n");
        return;
    }
    buffer_format(out, ", trade %s\n",
                  d && d->trade_id ? d->trade_id
                  : part->trade    ? part->trade->trade_id
                                   : "-");
    if (part->order) {
        const Order *o = part->order;
        const char *detail = d ? d->detail : NULL; // the numbers that led to the size, and the size
        add_story_line(out, "decided", from, o->ordered_at, "%s %s at %s, %s%s",
                       NAME(signal__direction__descriptor, o->direction), o->broker_symbol,
                       o->broker_id,
                       detail                   ? detail
                       : o->terms->has_lot_size ? print_decimal(o->terms->lot_size)
                                                : "all",
                       detail || !o->terms->has_lot_size ? "" : " lots");
    } else if (story->routing && d) {
        add_story_line(out, "decided", from, story->routing->routed_at, "%s",
                       d->detail ? d->detail : "");
    }
    if (part->trade)
        tell_trade(part, from, out);
    else
        add_story_line(out, "not sent yet", 0, 0, "%s", "the executor has no record of it");
    if (story->archive_known)
        add_story_line(out, "archived", 0, 0, "%s", part->archived ? "yes" : "not yet");
}

static void tell_vote(const Vote *v, uint64_t from, buffer_t *out) {
    add_story_line(out, v->agrees ? "agreed" : "against", from, v->created_at,
                   "%s %s, weight %s%s%s, signal %s", v->source,
                   NAME(signal__direction__descriptor, v->direction), print_decimal(v->weight),
                   v->has_confidence ? ", confidence " : "",
                   v->has_confidence ? print_decimal(v->confidence) : "", v->signal_id);
}

static void tell_consensus(const Signal *s, buffer_t *out) {
    if (!s->n_votes) return;
    add_story_line(out, "consensus", 0, 0, "%u sources, agreement %s%s%s", s->sources,
                   print_decimal(s->agreement), s->has_confidence ? ", confidence " : "",
                   s->has_confidence ? print_decimal(s->confidence) : "");
    for (size_t i = 0; i < s->n_votes; i++) tell_vote(s->votes[i], 0, out);
}

static void tell_contribution(const struct contribution *c, buffer_t *out) {
    if (c->waiting)
        add_story_line(out, "votes", 0, 0, "in %s, which lacks %s: agreement %s, %zu vote(s)",
                       c->config_id, c->waiting->waiting, print_decimal(c->waiting->agreement),
                       c->waiting->n_votes);
    else if (c->vote)
        add_story_line(out, "voted", 0, 0, "%s signal %s of %s, weight %s",
                       c->vote->agrees ? "for" : "against", c->consensus, c->config_id,
                       print_decimal(c->vote->weight));
    else
        add_story_line(out, "voted", 0, 0, "for signal %s of %s, after it was decided",
                       c->consensus, c->config_id);
}

static void tell_routing(const struct story *story, uint64_t from, buffer_t *out) {
    const Routing *r = story->routing;
    if (r)
        add_story_line(out, "routed", from, r->routed_at, "%u order(s) for %zu account(s)%s%s",
                       r->orders, story->n_parts, r->refused ? ": " : "",
                       r->refused ? r->refused : "");
    else if (!story->rejection)
        add_story_line(out, "not routed", 0, 0, "%s",
                       "the router has not decided, or its decision is not kept any more");
}

static void tell_about_signal(const struct story *story, uint64_t from, buffer_t *out) {
    if (story->signal) tell_signal(story->signal, out);
    tell_duplicates(story->duplicates, out);
    if (story->signal) tell_consensus(story->signal, out);
    for (size_t i = 0; i < story->n_contributions; i++)
        tell_contribution(&story->contributions[i], out);
    if (story->rejection) {
        const SignalRejection *r = story->rejection;
        add_story_line(out, "rejected", from, r->rejected_at, "%s%s%s", r->field ? r->field : "",
                       r->field ? ": " : "", r->rejection_reason);
    }
    tell_routing(story, from, out);
    tell_status(story, from, out);
}

static void tell_about_command(const struct story *story, buffer_t *out) {
    if (story->word.command || story->word.for_account) tell_command(&story->word, out);
    if (!story->n_parts)
        add_story_line(out, "no order", 0, 0, "%s",
                       "nothing was closed by it, or the archive does not have it yet");
}

bool story_is_signal(const struct story *story) {
    return story->signal || story->rejection || story->routing;
}

static const char *story_kind(const struct story *story) {
    if (story_is_signal(story)) return "signal";
    return story->word.command || story->word.for_account ? "command" : "trade";
}

static uint64_t story_beginning(const struct story *story) {
    if (story->signal) return story->signal->created_at;
    if (story->routing) return story->routing->signal_at;
    if (story->word.command) return story->word.command->created_at;
    return story->word.for_account ? story->word.for_account->created_at : 0;
}

void story_tell(const struct story *story, buffer_t *out) {
    uint64_t from = story_beginning(story);
    buffer_format(out, "%s ", story_kind(story));
    text_clean(out, story->signal_id, strlen(story->signal_id));
    buffer_text(out, "\n");
    if (story_is_signal(story))
        tell_about_signal(story, from, out);
    else
        tell_about_command(story, out);
    for (size_t i = 0; i < story->n_parts; i++) tell_part(story, &story->parts[i], from, out);
}

// For machines.

static void add_member(buffer_t *out, const char *name, const void *message) {
    buffer_format(out, ",\"%s\":", name);
    if (message)
        record_to_json(message, out);
    else
        buffer_text(out, "null");
}

static void json_word(const struct word *w, buffer_t *out) {
    add_member(out, "command", w->command);
    add_member(out, "order_command", w->for_account);
}

static void json_part(const struct story *story, const struct part *part, buffer_t *out) {
    buffer_text(out, "{\"account_id\":");
    buffer_json_string(out, part->account_id, strlen(part->account_id));
    add_member(out, "decision", part->decision);
    add_member(out, "order", part->order);
    add_member(out, "trade", part->trade);
    buffer_text(out, ",\"results\":[");
    for (size_t i = 0; i < part->n_results; i++) {
        if (i) buffer_text(out, ",");
        record_to_json(&part->results[i]->base, out);
    }
    buffer_text(out, "]");
    add_member(out, "reconciliation", part->reconciliation);
    json_word(&part->word, out);
    buffer_text(out, ",\"closed_by\":[");
    for (size_t i = 0; i < part->n_closers; i++) {
        buffer_text(out, i ? ",{\"trade\":" : "{\"trade\":");
        record_to_json(&part->closers[i].trade->base, out);
        json_word(&part->closers[i].word, out);
        buffer_text(out, "}");
    }
    buffer_text(out, "]");
    buffer_format(out, ",\"archived\":%s}",
                  !story->archive_known ? "null"
                  : part->archived      ? "true"
                                        : "false");
}

void story_json(const struct story *story, buffer_t *out) {
    buffer_text(out, "{\"signal_id\":");
    buffer_json_string(out, story->signal_id, strlen(story->signal_id));
    add_member(out, "signal", story->signal);
    add_member(out, "rejection", story->rejection);
    add_member(out, "duplicates", story->duplicates);
    add_member(out, "routing", story->routing);
    add_member(out, "status", story->status);
    json_word(&story->word, out);
    buffer_format(out, ",\"archived\":%s,\"accounts\":[",
                  !story->archive_known ? "null"
                  : story->archived     ? "true"
                                        : "false");
    for (size_t i = 0; i < story->n_parts; i++) {
        if (i) buffer_text(out, ",");
        json_part(story, &story->parts[i], out);
    }
    buffer_text(out, "],\"contributions\":[");
    for (size_t i = 0; i < story->n_contributions; i++) {
        const struct contribution *c = &story->contributions[i];
        // letters, digits, _.-
        buffer_format(out, "%s{\"config_id\":\"%s\",\"consensus\":", i ? "," : "", c->config_id);
        buffer_json_string(out, c->consensus ? c->consensus : "",
                           c->consensus ? strlen(c->consensus) : 0);
        add_member(out, "vote", c->vote);
        add_member(out, "waiting", c->waiting);
        buffer_text(out, "}");
    }
    buffer_text(out, "]}\n");
}
