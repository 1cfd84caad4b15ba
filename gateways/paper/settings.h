// settings - what a paper broker is told before it starts; the table is in settings.c.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/endpoint.h"
#include "common/options.h"
#include "gateway.pb-c.h"

// Decimals are e8 (common/decimal.h), probabilities from 0 to 1, times in ms.
struct paper_settings {
    const char *run_dir, *instance_id, *broker_id, *executor, *prices, *books, *log_level, *keys_dir;
    int64_t seed;
    int64_t spread, slippage;         // in price
    int64_t latency_min, latency_max; // from order to first fill
    int64_t reject_probability, requote_probability;
    int64_t partial_probability, partial_count, partial_gap; // pieces at most; time between them
    int64_t commission, fee;                                 // per lot; per fill
    int64_t balance;                                         // opening balance of an account whose configuration names none
    bool check_margin;
    const char *duplicate_check_name, *duplicate_answer;
    int64_t duplicate_window;
    bool can_query;
    int64_t longest_acceptance;
    int64_t snapshot; // 0: only when asked
    int64_t shard;    // the executor that it asks first
    int64_t shards;   // how many it knows of
    struct endpoint executor_at, prices_at, control_at;
    char books_preset[1024]; // settings are not to be copied
    int64_t heartbeat, silent, resend, batch_max, report_keep;
};

#define PAPER_SERVICE "paper" // TRADECAST_PAPER_<NAME>, else TRADECAST_<NAME>
extern const struct option settings_table[];

// From the environment; what depends on other options is filled in. ERR_CONFIG: *wrong.
err_t settings_read(struct paper_settings *s, char wrong[static 256]);
// The option's word as the protocol has it.
Hello__DuplicateCheck settings_duplicate_check(const struct paper_settings *s);
