// canonical - JSON of others in one form only, and within bounds: members in the order of their
// names, no white space, texts cleaned, lists cut. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/schema/json_tree.h"

struct canonical_limits {
    size_t news;  // items of a list named latest_news
    size_t items; // of any other list, and members of an object
    size_t text;  // characters of a text
    bool secrets; // members with names of secrets stay
};

extern const struct canonical_limits canonical_whole; // none: the same value in one form only

// Appends `v`. Members whose names are those of secrets (token, password, …) are left out. *cut
// becomes true when something is missing: a longer list or text, a deeper value, a number of more
// than 40 characters (which becomes null).
void canonical_write(yajl_val v, const struct canonical_limits *limits, buffer_t *out, bool *cut);
