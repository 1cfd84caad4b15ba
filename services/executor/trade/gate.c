// gate - the last check before an order goes out: is trading allowed here and now?
// SPDX-License-Identifier: MIT
#include "services/executor/trade/gate.h"

#include <stddef.h>

static bool is_reducing(RiskState__Mode mode) { return mode == RISK_STATE__MODE__reduce_only; }

enum gate gate_pass(const struct gate_view *v) {
    if (v->closing)
        return v->submitting || (!v->has_positions && v->unknown) ? GATE_WAIT : GATE_OPEN;
    if (v->global == RISK_STATE__MODE__halted) return GATE_HALTED_GLOBAL;
    if (v->account == RISK_STATE__MODE__halted) return GATE_HALTED_ACCOUNT;
    if (v->source == RISK_STATE__MODE__halted) return GATE_HALTED_SOURCE;
    if (v->lock > ORDER_COMMAND__LOCK__open) return GATE_LOCKED;
    if (is_reducing(v->global) || is_reducing(v->account) || is_reducing(v->source))
        return GATE_REDUCE_ONLY;
    if (v->max_lots && v->lots > v->max_lots) return GATE_MAX_LOTS;
    return v->unknown ? GATE_WAIT : GATE_OPEN;
}

const char *gate_reason(enum gate g) {
    switch (g) {
    case GATE_OPEN:
        return NULL;
    case GATE_WAIT:
        return "quarantined";
    case GATE_HALTED_GLOBAL:
        return "halted_global";
    case GATE_HALTED_ACCOUNT:
        return "halted_account";
    case GATE_HALTED_SOURCE:
        return "halted_source";
    case GATE_LOCKED:
        return "locked";
    case GATE_REDUCE_ONLY:
        return "reduce_only";
    case GATE_MAX_LOTS:
        return "max_lots_order";
    }
    return NULL;
}
