// signals - what a signal, a failed trade or a refused signal becomes as a row.
// SPDX-License-Identifier: MIT
#include "services/archiver/rows/signals.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "common/base/id.h"
#include "common/domain/trade.h"
#include "common/schema/record.h"
#include "common/sql/sql.h"

static const char *action_of(Signal__Direction direction) {
    switch (direction) {
    case SIGNAL__DIRECTION__buy:
        return "BUY";
    case SIGNAL__DIRECTION__sell:
        return "SELL";
    case SIGNAL__DIRECTION__close:
        return "CLOSE";
    case SIGNAL__DIRECTION__close_long:
        return "CLOSE_LONG";
    case SIGNAL__DIRECTION__close_short:
        return "CLOSE_SHORT";
    case SIGNAL__DIRECTION__reverse:
        return "REVERSE";
    case SIGNAL__DIRECTION__flat:
        return "FLAT";
    case SIGNAL__DIRECTION__modify:
        return "MODIFY";
    case SIGNAL__DIRECTION__cancel:
        return "CANCEL";
    case SIGNAL__DIRECTION__target:
        return "TARGET";
    case _SIGNAL__DIRECTION_IS_INT_SIZE:
        break;
    }
    return "?"; // from a newer sender
}

// A column that may not be NULL has its stand-in when the sender gave nothing.
static char *text_or(char *text, const char *stand_in) {
    return text && text[0] ? text : (char *)(uintptr_t)stand_in;
}

static void take_required(SignalRow *row, const Signal *s) {
    row->signal_id = s->signal_id;
    row->symbol = s->symbol;
    row->action = text_or(NULL, action_of(s->direction));
    row->entry_price = s->has_price ? s->price : 0;
    row->target_price = s->has_take_profit ? s->take_profit : 0;
    row->stop_price = s->has_stop_loss ? s->stop_loss : 0;
    row->confidence = s->has_confidence ? s->confidence : 0;
    row->strategy = text_or(s->strategy, "");
    row->asset_type = text_or(s->asset_type, "unknown");
    row->data_source = text_or(s->data_source, s->source);
    row->timestamp = s->has_timestamp ? s->timestamp : s->created_at;
    row->created_at = s->created_at;
    row->status = s->status;
    row->source = s->source;
    row->order_type = s->order_type;
    row->content = s->content;
}

static void take_optional(SignalRow *row, const Signal *s) {
    row->has_lot_size = s->has_lot_size;
    row->lot_size = s->lot_size;
    row->has_expiration_time = s->has_expiration_time;
    row->expiration_time = s->expiration_time;
    row->regime = s->regime;
    row->reasoning = s->reasoning;
    row->has_sources = s->has_sources;
    row->sources = s->sources;
    row->has_agreement = s->has_agreement;
    row->agreement = s->agreement;
    row->extra = s->extra;
    row->n_parts = s->n_parts;
    row->parts = s->parts;
    row->n_votes = s->n_votes;
    row->votes = s->votes;
    row->cell = s->cell;
}

SignalRow *signal_row(const Signal *s, arena_t *arena) {
    SignalRow *row = arena_take(arena, sizeof(*row));
    signal_row__init(row);
    take_required(row, s);
    take_optional(row, s);
    row->sha256 = arena_take(arena, SHA256_TEXT);
    signal_sha256(row, row->sha256);
    return row;
}

// The archive writes an action as in the specs: the direction's name in capitals.
static Signal__Direction direction_of(const char *action) {
    const ProtobufCEnumDescriptor *d = &signal__direction__descriptor;
    for (unsigned i = 0; i < d->n_values; i++) {
        if (strcasecmp(d->values[i].name, action) == 0)
            return (Signal__Direction)d->values[i].value;
    }
    return SIGNAL__DIRECTION__close;
}

Signal *signal_of_row(const SignalRow *row, arena_t *arena) {
    Signal *signal = arena_take(arena, sizeof *signal);
    signal__init(signal);
    signal->signal_id = row->signal_id;
    signal->source = row->source;
    signal->symbol = row->symbol;
    signal->order_type = row->order_type;
    signal->direction = direction_of(row->action);
    signal->has_lot_size = row->has_lot_size;
    signal->lot_size = row->lot_size;
    signal->has_price = row->entry_price != 0;
    signal->price = row->entry_price;
    signal->has_stop_loss = row->stop_price != 0;
    signal->stop_loss = row->stop_price;
    signal->has_take_profit = row->target_price != 0;
    signal->take_profit = row->target_price;
    signal->strategy = *row->strategy ? row->strategy : NULL;
    signal->status = row->status;
    signal->created_at = row->created_at;
    signal->content = row->content;
    signal->has_confidence = row->confidence != 0;
    signal->confidence = row->confidence;
    signal->has_sources = row->has_sources;
    signal->sources = row->sources;
    signal->has_agreement = row->has_agreement;
    signal->agreement = row->agreement;
    signal->n_parts = row->n_parts;
    signal->parts = row->parts;
    signal->n_votes = row->n_votes;
    signal->votes = row->votes;
    signal->cell = row->cell;
    return signal;
}

static void add_span(buffer_t *canon, struct span text) {
    buffer_add(canon, canon->length ? "," : "[", 1);
    buffer_json_string(canon, text.data, text.length);
}

static void add_canon_text(buffer_t *canon, const char *text) { add_span(canon, span_of(text)); }

static void add_canon_decimal(buffer_t *canon, int64_t e8) {
    char text[DECIMAL_TEXT];
    add_span(canon, (struct span){text, decimal_print(D(e8), text)});
}

void signal_sha256(const SignalRow *row, char out[static SHA256_TEXT]) {
    uint8_t digest[crypto_hash_sha256_BYTES];
    char time[SQL_TIME_TEXT];
    buffer_t canon = {0};
    add_canon_text(&canon, row->signal_id);
    add_canon_text(&canon, row->symbol);
    add_canon_text(&canon, row->action);
    add_canon_decimal(&canon, row->entry_price);
    add_canon_decimal(&canon, row->target_price);
    add_canon_decimal(&canon, row->stop_price);
    add_canon_decimal(&canon, row->confidence);
    add_canon_text(&canon, row->strategy);
    add_span(&canon, (struct span){time, sql_time_print(row->timestamp, time)});
    buffer_add(&canon, "]", 1);
    crypto_hash_sha256(digest, canon.data, canon.length);
    sodium_bin2hex(out, SHA256_TEXT, digest, sizeof(digest));
    buffer_destroy(&canon);
}

bool trade_has_failed(const TradeState *t) {
    return t->state == TRADE_STATE__STATE__rejected || t->state == TRADE_STATE__STATE__cancelled ||
           t->state == TRADE_STATE__STATE__expired;
}

// The executor's own reasons are codes already; a broker's are its words.
static const char *failure_code(const TradeState *t) {
    if (t->state == TRADE_STATE__STATE__cancelled) return "cancelled";
    if (t->state == TRADE_STATE__STATE__expired) return "expired";
    if (t->has_submitted_at || !t->reason || !*t->reason) return "broker_reject";
    bool is_code = strspn(t->reason, "abcdefghijklmnopqrstuvwxyz_") == strlen(t->reason);
    return is_code ? t->reason : "executor_reject";
}

TradeFailure failure_of_trade(const TradeState *t) {
    TradeFailure f = TRADE_FAILURE__INIT;
    f.failure_id = f.trade_id = t->trade_id;
    f.signal_id = t->signal_id;
    f.account_id = t->account_id;
    f.broker_id = t->broker_id;
    f.symbol = t->symbol;
    f.state = (char *)(uintptr_t)record_enum_name(&trade_state__state__descriptor, (int)t->state);
    f.reason = t->reason;
    f.code = (char *)(uintptr_t)failure_code(t);
    f.failed_at = t->updated_at;
    return f;
}

// The same routing gives the same ids, however often it is archived.
static TradeFailure *failure_of_reason(const Routing *r, const char *account_id,
                                       Reason__Code reason, const char *state, arena_t *arena) {
    TradeFailure *f = arena_take(arena, sizeof(*f));
    const char *code = record_enum_name(&reason__code__descriptor, (int)reason);
    const char *const parts[] = {"failure", r->signal_id, account_id, code};
    trade_failure__init(f);
    f->failure_id = arena_take(arena, ID_TEXT);
    id_derive(f->failure_id, r->signal_id, 4, parts);
    f->signal_id = r->signal_id;
    f->account_id = *account_id ? (char *)(uintptr_t)account_id : NULL;
    f->state = (char *)(uintptr_t)state;
    f->code = (char *)(uintptr_t)code;
    f->failed_at = r->routed_at;
    return f;
}

size_t failures_of_routing(const Routing *r, arena_t *arena, TradeFailure ***out) {
    size_t n = 0;
    TradeFailure **all = *out = arena_take(arena, (r->n_decisions + 1) * sizeof(TradeFailure *));
    bool whole = r->has_reason && !r->elsewhere && !routed_as_vote(r);
    if (whole) {
        all[n] = failure_of_reason(r, "", r->reason, "skipped", arena);
        all[n++]->reason = r->refused;
    }
    for (size_t i = 0; i < r->n_decisions; i++) {
        const Decision *d = r->decisions[i];
        if (!decision_is_failure(d->reason)) continue;
        all[n] = failure_of_reason(r, d->account_id, d->reason, "refused", arena);
        all[n]->reason = d->detail ? d->detail : all[n]->code;
        n++;
    }
    return n;
}

TradeFailure *failure_of_refusal(const SignalRejection *r, arena_t *arena) {
    TradeFailure *f = arena_take(arena, sizeof(*f));
    trade_failure__init(f);
    f->failure_id = f->signal_id = r->signal_id;
    f->state = text_or(NULL, "refused");
    f->reason = r->rejection_reason;
    f->failed_at = r->rejected_at;
    f->field = r->field;
    f->extra = r->extra;
    f->code = text_or(NULL, "refused_at_door");
    return f;
}
