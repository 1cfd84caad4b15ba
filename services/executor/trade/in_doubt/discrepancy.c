// discrepancy - how a position that the broker's books have differs from ours, and what heals it.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/in_doubt/discrepancy.h"

static const struct {
    // when it is seen first, again, and for the DISCREPANCY_PATIENCE-th time and later
    enum remedy first, again, patient;
    const char *text;
} policies[DISCREPANCY_COUNT] = {
    [DISCREPANCY_NONE] = {REMEDY_NOTHING, REMEDY_NOTHING, REMEDY_NOTHING, "they agree"},
    // Sought once and for all: when it is asked about again, and when it is an operator's,
    // orphans.c knows.
    [DISCREPANCY_UNKNOWN] = {REMEDY_SEEK, REMEDY_SEEK, REMEDY_SEEK,
                             "the broker holds a position that nobody here knows"},
    [DISCREPANCY_FEWER] = {REMEDY_ASK, REMEDY_ASK, REMEDY_CLOSE_HERE,
                           "the broker holds less than is on record"},
    [DISCREPANCY_MORE] = {REMEDY_ASK, REMEDY_ASK, REMEDY_ALERT,
                          "the broker holds more than is on record"},
    [DISCREPANCY_FINISHED] = {REMEDY_ASK, REMEDY_ASK, REMEDY_ALERT,
                              "the broker holds a position that is over here"},
    [DISCREPANCY_UNLISTED] = {REMEDY_ASK, REMEDY_ASK, REMEDY_END_HERE,
                              "the broker does not list an order that works here"},
};

enum discrepancy discrepancy_of(const struct discrepancy_view *v) {
    if (v->here == v->there) return DISCREPANCY_NONE;
    if (!v->known) return DISCREPANCY_UNKNOWN;
    if (v->there < v->here) return DISCREPANCY_FEWER;
    return v->over ? DISCREPANCY_FINISHED : DISCREPANCY_MORE;
}

enum remedy discrepancy_remedy(enum discrepancy d, unsigned times) {
    if (times <= 1) return policies[d].first;
    return times < DISCREPANCY_PATIENCE ? policies[d].again : policies[d].patient;
}

const char *discrepancy_text(enum discrepancy d) { return policies[d].text; }
