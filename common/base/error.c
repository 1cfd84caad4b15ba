// error - the error table, looked up.
// SPDX-License-Identifier: MIT
#include "common/base/error.h"

#include <stddef.h>

static const struct row {
    enum policy policy;
    const char *name, *words;
} rows[] = {
#define ROW(name, policy, words) [name] = {policy, #name, words},
    ERRORS(ROW)
#undef ROW
};

// A value that is not in the table is our mistake; stopping is the policy that does no harm.
static const struct row *error_row_of(err_t e) {
    static const struct row strange = {POLICY_STOP, "ERR_?", "not an error of ours"};
    return (size_t)e < sizeof rows / sizeof rows[0] ? &rows[e] : &strange;
}

enum policy error_policy(err_t e) { return error_row_of(e)->policy; }
const char *error_name(err_t e) { return error_row_of(e)->name; }
const char *error_words(err_t e) { return error_row_of(e)->words; }
