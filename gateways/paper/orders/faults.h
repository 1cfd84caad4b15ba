// faults - what a broker does wrong on demand. Counted down as they happen; in memory only: a
// restart ends them.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

struct faults {
    int64_t lost_reply;                  // orders to come whose reports never leave
    int64_t lost_probability;            // e8: the same by chance
    int64_t late_fill, late_fill_ms;     // orders to come that are filled later, unannounced
    int64_t late_accept, late_accept_ms; // orders to come that the broker does not know until later
    int64_t duplicate_report;            // reports to come that are told twice, under two numbers
    int64_t refuse;                      // orders to come that are rejected
};

bool faults_take(int64_t *count); // one less; true if there was one
// words: "lost_reply" "3", "lost_reply" "0.01", "late_fill" "2000" "1", … False: *why says what may
// be said.
bool faults_set(struct faults *f, size_t n, char *const *words, char why[static 160]);
void faults_json(const struct faults *f, buffer_t *out);
