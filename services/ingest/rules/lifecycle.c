// lifecycle - pending → processing → completed | failed; pending → failed; failed → completed, by
// late evidence.
// SPDX-License-Identifier: MIT
#include "services/ingest/rules/lifecycle.h"

#define S(name) SIGNAL__STATUS__##name

static const struct move {
    Signal__Status from;
    enum signal_event event;
    Signal__Status to;
} moves[] = {
    {S(pending), SIGNAL_REFUSED, S(failed)},       {S(pending), SIGNAL_ROUTED, S(processing)},
    {S(pending), SIGNAL_UNROUTED, S(failed)},      {S(processing), SIGNAL_EXECUTED, S(completed)},
    {S(processing), SIGNAL_UNEXECUTED, S(failed)}, {S(failed), SIGNAL_PROVEN, S(completed)},
};

err_t lifecycle_step(Signal__Status *status, enum signal_event event) {
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        if (moves[i].from != *status || moves[i].event != event) continue;
        *status = moves[i].to;
        return ERR_OK;
    }
    return ERR_STATE;
}

bool lifecycle_is_final(Signal__Status status) {
    return status == S(completed) || status == S(failed);
}

const char *signal_event_name(enum signal_event event) {
#define EVENT_NAME(name) #name,
    static const char *const names[] = {SIGNAL_EVENTS(EVENT_NAME)};
    return (unsigned)event < SIGNAL_EVENT_COUNT ? names[event] : "?";
}
