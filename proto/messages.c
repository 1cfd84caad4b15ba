// messages - the registry of all message types that travel in envelopes.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "cell.pb-c.h"
#include "common/delivery/envelope.h"
#include "config.pb-c.h"
#include "execution.pb-c.h"
#include "gateway.pb-c.h"
#include "llm.pb-c.h"
#include "market.pb-c.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "price.pb-c.h"
#include "signal.pb-c.h"
#include "sync.pb-c.h"
#include "system.pb-c.h"
#include "trace.pb-c.h"

// By name, sorted (a test holds it so): the search is binary.
static const ProtobufCMessageDescriptor *const types[] = {
    &account_snapshot__descriptor,
    &account_state__descriptor,
    &alert__descriptor,
    &bar__descriptor,
    &broker_snapshot__descriptor,
    &cancel_order__descriptor,
    &candidates__descriptor,
    &command__descriptor,
    &config_change__descriptor,
    &control_answer__descriptor,
    &control_request__descriptor,
    &elsewhere__descriptor,
    &execution__descriptor,
    &executor_sums__descriptor,
    &gateway_heartbeat__descriptor,
    &handover__descriptor,
    &handover_answer__descriptor,
    &heartbeat__descriptor,
    &hello__descriptor,
    &indicators__descriptor,
    &instance_state__descriptor,
    &kept_key__descriptor,
    &llm_decision__descriptor,
    &market_context__descriptor,
    &modify_order__descriptor,
    &order__descriptor,
    &order_command__descriptor,
    &order_status__descriptor,
    &outcome__descriptor,
    &performance_sample__descriptor,
    &price__descriptor,
    &query_order__descriptor,
    &report__descriptor,
    &report_ack__descriptor,
    &routing__descriptor,
    &sentiment__descriptor,
    &signal__descriptor,
    &signal_rejection__descriptor,
    &snapshot_request__descriptor,
    &status_query__descriptor,
    &submit__descriptor,
    &sync_state__descriptor,
    &system_event__descriptor,
    &trace__descriptor,
    &trade_state__descriptor,
    &trade_unknown__descriptor,
    &watchlist__descriptor,
    &welcome__descriptor,
};

#define TYPES (sizeof(types) / sizeof(types[0]))

const ProtobufCMessageDescriptor *message_type_at(size_t i) { return i < TYPES ? types[i] : NULL; }

const ProtobufCMessageDescriptor *message_type(const char *name) {
    size_t low = 0, high = TYPES;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(types[middle]->name, name);
        if (order == 0) return types[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
