// gate - the last look before an order goes out: is trading allowed here and now?
// SPDX-License-Identifier: MIT
#include "services/executor/gate.h"

#include <stddef.h>

enum gate gate_pass(const struct gate_view *v) {
    if (v->closing) return v->submitting || (!v->has_positions && v->unknown) ? GATE_WAIT : GATE_OPEN;
    if (v->global == RISK_STATE__MODE__halted) return GATE_HALTED_GLOBAL;
    if (v->account == RISK_STATE__MODE__halted) return GATE_HALTED_ACCOUNT;
    if (v->global == RISK_STATE__MODE__reduce_only || v->account == RISK_STATE__MODE__reduce_only) return GATE_REDUCE_ONLY;
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
    case GATE_REDUCE_ONLY:
        return "reduce_only";
    }
    return NULL;
}
