// settings - what a paper broker is told before it starts; the table is in settings.c.
// SPDX-License-Identifier: MIT
#pragma once

#include "gateways/link/gateway.h"

// Decimals are e8 (common/base/decimal.h), probabilities from 0 to 1, times in ms.
struct paper_settings {
    struct gateway_settings common;
    const char *prices;
    int64_t seed;
    int64_t spread, slippage;         // in price
    int64_t latency_min, latency_max; // from order to first fill
    int64_t reject_probability, requote_probability;
    int64_t partial_probability, partial_count, partial_gap; // pieces at most; time between them
    int64_t commission, fee;                                 // per lot; per fill
    int64_t balance; // opening balance of an account whose configuration names none
    bool check_margin;
    const char *duplicate_check_name, *duplicate_answer;
    int64_t duplicate_window;
    bool can_query;
    struct endpoint prices_at;
};

extern const struct option paper_options[];
bool paper_settle(struct gateway_settings *settings, char wrong[static 256]);
// The option's word as the protocol has it.
Hello__DuplicateCheck paper_duplicate_check(const struct paper_settings *s);
