// json_tree - a JSON text as yajl's tree.
// SPDX-License-Identifier: MIT
#include "common/schema/json_tree.h"

#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/utf8.h"

#define DEPTH_MAX 16 // of nested objects and arrays; ours need four

// What the parser would take and we would not: NULL when there is nothing.
static const char *not_for_us(const char *text, size_t length) {
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == 0) return "is not JSON: a zero byte";
        if (quoted && c == '\\') {
            if (length - i > 5 && memcmp(text + i + 1, "u0000", 5) == 0)
                return "holds a zero character";
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '{' || c == '[') && ++depth > DEPTH_MAX) {
            return "is nested too deeply";
        } else if (!quoted && (c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return utf8_escapes_are_whole(text, length) ? NULL : "holds an escape of half a character";
}

yajl_val json_tree_parse(struct span json, char why[static JSON_WHY]) {
    const char *wrong = not_for_us(json.data, json.length);
    if (wrong) {
        snprintf(why, JSON_WHY, "%s", wrong);
        return NULL;
    }
    char *text = alloc_zeroed(1, json.length + 1);
    if (json.length) memcpy(text, json.data, json.length);
    char trouble[160] = "";
    yajl_val v = yajl_tree_parse(text, trouble, sizeof trouble);
    free(text);
    if (v) return v;
    trouble[strcspn(trouble, "\n")] = 0; // the parser goes on with a drawing
    snprintf(why, JSON_WHY, "is not JSON%s%s", trouble[0] ? ": " : "", trouble);
    return NULL;
}

yajl_val json_tree_member(yajl_val v, const char *name) {
    for (size_t i = 0; YAJL_IS_OBJECT(v) && i < v->u.object.len; i++) {
        if (strcmp(v->u.object.keys[i], name) == 0) return v->u.object.values[i];
    }
    return NULL;
}

const char *json_tree_text(yajl_val v, const char *name) {
    return YAJL_GET_STRING(json_tree_member(v, name));
}
