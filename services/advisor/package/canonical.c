// canonical - JSON of others in one form only, and within bounds.
// SPDX-License-Identifier: MIT
#include "services/advisor/package/canonical.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/alloc.h"
#include "common/base/own.h"
#include "services/advisor/package/clean.h"

#define DEPTH_MAX  8
#define NUMBER_MAX 40
#define MEMBER_MAX 64 // characters of a member's name

const struct canonical_limits canonical_whole = {SIZE_MAX, SIZE_MAX, SIZE_MAX, true};

struct writing {
    const struct canonical_limits *limits;
    buffer_t *out;
    bool *cut;
};

static void write_value(const struct writing *w, const char *name, yajl_val v, unsigned depth);

static bool is_secret(const char *name) {
    static const char *const secrets[] = {"token",   "password", "secret",        "api_key",
                                          "apikey",  "license",  "authorization", "private_key",
                                          "login",   "account",  "account_id",    "access_token",
                                          "session", "cookie"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        if (strcasecmp(name, secrets[i]) == 0) return true;
    }
    return false;
}

static void write_clean_text(const struct writing *w, const char *text, size_t most) {
    own(buffer) clean = {0};
    *w->cut |= clean_text(span_of(text), most, &clean);
    buffer_json_string(w->out, buffer_string(&clean), clean.length);
}

static void write_number(const struct writing *w, const char *text) {
    bool long_one = strlen(text) > NUMBER_MAX;
    *w->cut |= long_one;
    buffer_text(w->out, long_one ? "null" : text);
}

static void write_canonical_list(const struct writing *w, const char *name, yajl_val v,
                                 unsigned depth) {
    bool news = name && strcmp(name, "latest_news") == 0;
    size_t most = news ? w->limits->news : w->limits->items, n = v->u.array.len;
    *w->cut |= n > most;
    buffer_text(w->out, "[");
    for (size_t i = 0; i < n && i < most; i++) {
        if (i) buffer_text(w->out, ",");
        write_value(w, NULL, v->u.array.values[i], depth + 1);
    }
    buffer_text(w->out, "]");
}

struct member {
    const char *name;
    yajl_val value;
};

static int compare_members(const void *a, const void *b) {
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static size_t sort_members(yajl_val v, bool secrets, struct member *out) {
    size_t n = 0;
    for (size_t i = 0; i < v->u.object.len; i++) {
        const char *name = v->u.object.keys[i];
        if (secrets || !is_secret(name)) out[n++] = (struct member){name, v->u.object.values[i]};
    }
    qsort(out, n, sizeof *out, compare_members);
    return n;
}

static void write_object(const struct writing *w, yajl_val v, unsigned depth) {
    struct member *members = alloc_zeroed(v->u.object.len + 1, sizeof *members);
    size_t n = sort_members(v, w->limits->secrets, members), written = 0;
    buffer_text(w->out, "{");
    for (size_t i = 0; i < n; i++) {
        if (i && strcmp(members[i].name, members[i - 1].name) == 0) continue; // given twice
        if (written == w->limits->items) {
            *w->cut = true;
            break;
        }
        if (written++) buffer_text(w->out, ",");
        write_clean_text(w, members[i].name, MEMBER_MAX);
        buffer_text(w->out, ":");
        write_value(w, members[i].name, members[i].value, depth + 1);
    }
    buffer_text(w->out, "}");
    free(members);
}

static void write_value(const struct writing *w, const char *name, yajl_val v, unsigned depth) {
    if (depth > DEPTH_MAX) {
        *w->cut = true;
        buffer_text(w->out, "null");
    } else if (YAJL_IS_OBJECT(v)) {
        write_object(w, v, depth);
    } else if (YAJL_IS_ARRAY(v)) {
        write_canonical_list(w, name, v, depth);
    } else if (YAJL_IS_STRING(v)) {
        write_clean_text(w, YAJL_GET_STRING(v), w->limits->text);
    } else if (YAJL_IS_NUMBER(v)) {
        write_number(w, YAJL_GET_NUMBER(v));
    } else {
        buffer_text(w->out, YAJL_IS_TRUE(v) ? "true" : YAJL_IS_FALSE(v) ? "false" : "null");
    }
}

void canonical_write(yajl_val v, const struct canonical_limits *limits, buffer_t *out, bool *cut) {
    write_value(&(struct writing){limits, out, cut}, NULL, v, 0);
}
