// signal_body - a decision as the signal that goes to the door.
// SPDX-License-Identifier: MIT
#include "services/advisor/decision/signal_body.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/schema/record.h"

static void add_text_member(buffer_t *out, const char *name, const char *text) {
    if (!text) return;
    buffer_format(out, ",\"%s\":", name);
    buffer_json_string(out, text, strlen(text));
}

static void add_number_member(buffer_t *out, const char *name, bool has, int64_t e8) {
    char text[DECIMAL_TEXT];
    if (!has) return;
    decimal_print(D(e8), text);
    buffer_format(out, ",\"%s\":%s", name, text);
}

static void add_time_member(buffer_t *out, const char *name, bool has, uint64_t at) {
    char text[TIME_TEXT];
    if (!has) return;
    time_print(at, text);
    buffer_format(out, ",\"%s\":\"%s\"", name, text);
}

void signal_body_write(const LlmDecision *d, buffer_t *out) {
    bool rests = d->has_order_type && d->order_type != LLM_PROPOSAL__ORDER_TYPE__market;
    buffer_format(out, "{\"signal_id\":\"%s\"", d->decision_id);
    add_text_member(out, "symbol", d->symbol);
    add_text_member(out, "action",
                    record_enum_name(&llm_proposal__action__descriptor, (int)d->action));
    if (d->has_order_type)
        add_text_member(
            out, "order_type",
            record_enum_name(&llm_proposal__order_type__descriptor, (int)d->order_type));
    add_number_member(out, "lot_size", d->has_lot_size, d->lot_size);
    add_number_member(out, "price", d->has_price, d->price);
    add_number_member(out, "stop_loss", d->has_stop_loss, d->stop_loss);
    add_number_member(out, "take_profit", d->has_take_profit, d->take_profit);
    add_number_member(out, "close_percent", d->has_close_percent, d->close_percent);
    add_number_member(out, "confidence", d->has_confidence, d->confidence);
    add_text_member(out, "strategy", d->strategy);
    add_text_member(out, "reasoning", d->reasoning);
    add_time_member(out, "timestamp", true, d->has_decided_at ? d->decided_at : d->created_at);
    add_time_member(out, "expiration_time", d->has_expires_at && !rests, d->expires_at);
    buffer_text(out, "}");
}
