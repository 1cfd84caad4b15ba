// parts - what a package is made of, as data.
// SPDX-License-Identifier: MIT
#include "services/advisor/package/parts.h"

#define PART_FORM(name, key, shape, of_symbol, time, freshness, absence, rank)                     \
    [PART_##name] = {#name, key, shape, of_symbol, time, freshness, absence, rank},
const struct part_form part_forms[PART_COUNT] = {PARTS(PART_FORM)};
#undef PART_FORM
