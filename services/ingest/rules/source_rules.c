// source_rules - what a source asks of its signals.
// SPDX-License-Identifier: MIT
#include "services/ingest/rules/source_rules.h"

#include "common/base/clock.h"

// Against somebody who sends again what he has heard: the sender's own time says how old it is.
static void check_age(struct reading *r, const SignalConfig *source, uint64_t now) {
    const Signal *s = &r->signal;
    uint64_t window = source->replay_window_s * NS_PER_S;
    const char *name = r->sent_as[SF_timestamp] ? r->sent_as[SF_timestamp] : "timestamp";
    if (!source->has_replay_window_s || r->unreadable[SF_timestamp]) return;
    if (!s->has_timestamp)
        complaint_add(&r->complaints, name, "required", "is required by this source");
    else if (s->timestamp + window < now)
        complaint_add(&r->complaints, name, "too_old",
                      "is further in the past than this source allows");
    else if (s->timestamp > now + window)
        complaint_add(&r->complaints, name, "in_the_future",
                      "is further in the future than this source allows");
}

static bool says_how_much(const Signal *s) {
    return s->has_lot_size || s->has_close_percent || s->has_risk_percent || s->has_risk_amount ||
           s->has_margin_percent;
}

void rules_of_source(struct reading *r, const SignalConfig *source, uint64_t now) {
    Signal *s = &r->signal;
    check_age(r, source, now);
    bool entry = s->direction == SIGNAL__DIRECTION__buy ||
                 s->direction == SIGNAL__DIRECTION__sell ||
                 s->direction == SIGNAL__DIRECTION__reverse;
    if (!source->has_default_lots || !entry || says_how_much(s) || r->unreadable[SF_lot_size])
        return;
    s->lot_size = source->default_lots;
    s->has_lot_size = true;
}
