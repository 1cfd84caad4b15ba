// json_tree - a JSON text as yajl's tree; what the parser would take and we would not is refused.
// SPDX-License-Identifier: MIT
#pragma once

#include <yajl/yajl_tree.h>

#include "common/base/buffer.h"

#define JSON_WHY 200

// Numbers are text in it (YAJL_GET_NUMBER), texts are UTF-8 without zero characters, and it is at
// most 16 levels deep. NULL: it is no such JSON, and *why ends the sentence "it ...". Free it with
// yajl_tree_free.
yajl_val json_tree_parse(struct span json, char why[static JSON_WHY]);

// The member of an object; NULL: there is none, or `v` is no object.
yajl_val json_tree_member(yajl_val v, const char *name);
// The same, if it is a text; else NULL.
const char *json_tree_text(yajl_val v, const char *name);
