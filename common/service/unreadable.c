// unreadable - records that Redis holds and nobody can read: on file, alerted, and in no one's way.
// SPDX-License-Identifier: MIT
#include "common/service/unreadable.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/base/alloc.h"
#include "common/base/hash.h"
#include "common/base/id.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/base/utf8.h"
#include "common/batch/batch_commit.h"
#include "system.pb-c.h"

#define NOTED_MOST 1000 // at once; the others are counted, and looked for again at the next start
#define KEY_TEXT   96

struct noted {  // waits for a batch
    char *name; // as it is told: the key, and the field
    const char *type;
    char *reason, *content, *replace; // replace: the key to be removed, or NULL
    struct noted *next;
};

struct filed {
    char *name;
    uint64_t digest;
    char letter[ENTRY_ID_TEXT];
    bool reported; // by this process
    UT_hash_handle hh;
};

struct unreadables {
    char service[64], key[KEY_TEXT];
    struct noted *noted;
    struct filed *filed;
    size_t n_noted, left_out;
};

unreadables_t *unreadables_new(const char *service) {
    unreadables_t *self = alloc_zeroed(1, sizeof *self);
    snprintf(self->service, sizeof self->service, "%s", service);
    snprintf(self->key, sizeof self->key, "%s:unreadable", service);
    return self;
}

static void noted_clear(unreadables_t *self) {
    struct noted *n, *next;
    LL_FOREACH_SAFE(self->noted, n, next) {
        free(n->name);
        free(n->reason);
        free(n->content);
        free(n->replace);
        free(n);
    }
    self->noted = NULL;
    self->n_noted = self->left_out = 0;
}

void unreadables_destroy(unreadables_t **self) {
    if (!*self) return;
    struct filed *f, *next;
    noted_clear(*self);
    HASH_ITER(hh, (*self)->filed, f, next) {
        HASH_DEL((*self)->filed, f);
        free(f->name);
        free(f);
    }
    free(*self);
    *self = NULL;
}

// --- what is on file

static struct filed *file_under(unreadables_t *self, const char *name) {
    struct filed *f;
    HASH_FIND_STR(self->filed, name, f);
    if (f) return f;
    f = alloc_zeroed(1, sizeof *f);
    f->name = alloc_text(name);
    HASH_ADD_KEYPTR(hh, self->filed, f->name, strlen(f->name), f);
    return f;
}

static err_t load_filed(void *arg, struct span field, struct span value) {
    char *name = alloc_part(field.data, field.length), text[80];
    snprintf(text, sizeof text, "%.*s", (int)value.length, (const char *)value.data);
    struct filed *f = file_under(arg, name);
    if (sscanf(text, "%llx %47s", (unsigned long long *)&f->digest, f->letter) != 2)
        f->digest = 0; // filed anew
    free(name);
    return ERR_OK;
}

err_t unreadables_load(unreadables_t *self, store_t *store) {
    return store_pairs(store, self->key, load_filed, self);
}

// --- noting

// A field that is no text (a guard's digest) is told in hexadecimal.
static void add_filed_field(struct span field, buffer_t *out) {
    bool text = utf8_is_valid(field.data, field.length) && !memchr(field.data, 0, field.length);
    buffer_text(out, " ");
    if (text) return buffer_add(out, field.data, field.length);
    buffer_hex(out, field);
}

// The content of a key by whichever of these commands its type is for.
static void read_other_type(store_t *store, const char *key, buffer_t *out) {
    static const char *const commands[] = {"HGETALL", "SMEMBERS", "GET"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (!store_command(store, 2, (struct span[]){span_of(commands[i]), span_of(key)}, out))
            return;
    }
    buffer_clear(out);
}

static bool is_noted(const unreadables_t *self, const char *name) {
    const struct noted *n;
    LL_FOREACH(self->noted, n) {
        if (strcmp(n->name, name) == 0) return true;
    }
    return false;
}

static bool is_reported(const unreadables_t *self, const char *name, const char *content) {
    const struct filed *f;
    HASH_FIND_STR(self->filed, name, f);
    return f && f->reported && f->digest == digest_u64(content, strlen(content));
}

void unreadables_note(unreadables_t *self, store_t *store, const struct unreadable *what) {
    own(buffer) name = {0};
    own(buffer) content = {0};
    buffer_text(&name, what->key);
    if (what->field.length) add_filed_field(what->field, &name);
    if (is_noted(self, buffer_string(&name))) return;
    if (what->other_type)
        read_other_type(store, what->key, &content);
    else
        buffer_add(&content, what->content.data, what->content.length);
    if (is_reported(self, buffer_string(&name), buffer_string(&content))) return;
    if (self->n_noted == NOTED_MOST) {
        self->left_out++;
        return;
    }
    struct noted *n = alloc_zeroed(1, sizeof *n);
    n->name = alloc_text(buffer_string(&name));
    n->type = what->type ? what->type->name : "-";
    n->reason = alloc_text(what->reason);
    n->content = alloc_text(buffer_string(&content));
    n->replace = what->other_type && content.length ? alloc_text(what->key) : NULL;
    LL_APPEND(self->noted, n);
    self->n_noted++;
}

// --- reporting

static void file_unreadable(unreadables_t *self, batch_t *batch, const struct noted *n,
                            struct filed *f) {
    char value[80];
    struct span content = span_of(n->content);
    batch_bury(batch, &(struct dead){UNREADABLE_TOPIC, n->name, n->type, n->reason, content});
    batch_last_letter(batch, f->letter);
    snprintf(value, sizeof value, "%016llx %s", (unsigned long long)f->digest, f->letter);
    batch_field(batch, self->key, n->name, value);
}

static void report_one(unreadables_t *self, batch_t *batch, const struct noted *n) {
    struct filed *f = file_under(self, n->name);
    uint64_t digest = digest_u64(n->content, strlen(n->content));
    bool again = f->digest == digest && f->letter[0];
    f->digest = digest;
    f->reported = true;
    if (!again) file_unreadable(self, batch, n, f);
    if (n->replace && batch_may_write(batch, n->replace)) batch_drop(batch, n->replace);
    batch_alert(batch, ALERT__SEVERITY__critical, "unreadable_record", n->name,
                "it is left out: %.200s; its content is dead letter %s of %s", n->reason, f->letter,
                self->service);
}

void unreadables_report(unreadables_t *self, batch_t *batch) {
    const struct noted *n;
    if (!self->noted) return;
    LL_FOREACH(self->noted, n) report_one(self, batch, n);
    if (self->left_out)
        batch_alert(batch, ALERT__SEVERITY__critical, "unreadable_records", self->service,
                    "%zu more records cannot be read; the next start tries them again",
                    self->left_out);
    noted_clear(self);
}

bool unreadables_drop(unreadables_t *self, batch_t *batch, const char *id) {
    struct filed *f, *next;
    HASH_ITER(hh, self->filed, f, next) {
        if (strcmp(f->letter, id) != 0) continue;
        batch_unbury(batch, id);
        batch_field_drop(batch, self->key, f->name);
        HASH_DEL(self->filed, f);
        free(f->name);
        free(f);
        return true;
    }
    return false;
}
