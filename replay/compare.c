// compare - what a service said and what it says now.
// SPDX-License-Identifier: MIT
#include "replay/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/words.h"
#include "common/base/own.h"
#include "common/delivery/envelope.h"
#include "common/schema/record.h"
#include "order.pb-c.h"

void comparing_begin(struct comparing *c) {
    *c = (struct comparing){.arena = arena_new(0)};
    sheet_start(&c->rows, "SERVICE|SIGNAL|ACCOUNT|MESSAGE|WAS|WHY|IS|WHY NOW");
}

void comparing_end(struct comparing *c) {
    sheet_destroy(&c->rows);
    arena_destroy(&c->arena);
}

// --- what a message is about

static const char *text_in(const ProtobufCMessage *m, const char *name);

static const char *text_of_field(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                                 const char *name) {
    const void *at = (const char *)m + f->offset;
    if (f->label == PROTOBUF_C_LABEL_REPEATED) return NULL;
    if (f->type == PROTOBUF_C_TYPE_STRING && strcmp(f->name, name) == 0)
        return *(const char *const *)at;
    if (f->type != PROTOBUF_C_TYPE_MESSAGE) return NULL;
    const ProtobufCMessage *inner = *(const ProtobufCMessage *const *)at;
    return inner ? text_in(inner, name) : NULL;
}

static const char *text_in(const ProtobufCMessage *m, const char *name) {
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const char *found = text_of_field(m, &m->descriptor->fields[i], name);
        if (found) return found;
    }
    return NULL;
}

static const char *subject_of(const ProtobufCMessage *m) {
    static const char *const names[] = {"command_id", "trade_id", "signal_id", "account_id",
                                        "instance_id"};
    for (size_t i = 0; m && i < sizeof names / sizeof *names; i++) {
        const char *found = text_in(m, names[i]);
        if (found) return found;
    }
    return "";
}

static const ProtobufCMessage *open_compared_message(struct comparing *c, const struct said *s) {
    struct envelope e = {.body = s->body};
    (void)snprintf(e.type, sizeof e.type, "%s", s->type);
    return envelope_open(&e, c->arena);
}

static bool same_bytes(const struct span *a, const struct span *b) {
    return a->length == b->length && (!a->length || memcmp(a->data, b->data, a->length) == 0);
}

static struct span pack_message(struct comparing *c, const ProtobufCMessage *m) {
    uint8_t *bytes = arena_take(c->arena, protobuf_c_message_get_packed_size(m) + 1);
    return (struct span){bytes, protobuf_c_message_pack(m, bytes)};
}

// To the byte, once a recording of the version before is written as today.
static bool said_same(struct comparing *c, const struct said *a, const struct said *b) {
    if (strcmp(a->type, b->type) != 0) return false;
    if (same_bytes(&a->body, &b->body)) return true;
    const ProtobufCMessage *one = open_compared_message(c, a), *other = open_compared_message(c, b);
    if (!one || !other) return false;
    const struct span today = pack_message(c, one), as_said = pack_message(c, other);
    return same_bytes(&today, &as_said);
}

// --- rows

static bool has_row_room(struct comparing *c) {
    if (c->rows.count / c->rows.columns <= COMPARE_ROWS_MOST) return true;
    c->hidden++;
    return false;
}

static void add_message_cells(struct comparing *c, const char *service, const ProtobufCMessage *m,
                              const char *account) {
    own(buffer) what = {0};
    const char *signal = text_in(m, "signal_id"), *subject = subject_of(m);
    if (!account) account = text_in(m, "account_id");
    buffer_text(&what, m->descriptor->name);
    if (*subject && (!signal || strcmp(subject, signal) != 0)) buffer_format(&what, " %s", subject);
    sheet_add(&c->rows, service);
    sheet_add(&c->rows, signal);
    sheet_add(&c->rows, account);
    sheet_add(&c->rows, buffer_string(&what));
}

static void add_decision(struct comparing *c, const Decision *d) {
    own(buffer) words = {0};
    sheet_add(&c->rows, d ? record_enum_name(&reason__code__descriptor, (int)d->reason) : NULL);
    if (d) decision_words(d, &words);
    sheet_add(&c->rows, buffer_string(&words));
}

static const Decision *decision_for(const Routing *r, const Decision *like, size_t at) {
    if (!r) return NULL;
    if (at < r->n_decisions && strcmp(r->decisions[at]->account_id, like->account_id) == 0)
        return r->decisions[at];
    for (size_t i = 0; i < r->n_decisions; i++) {
        if (strcmp(r->decisions[i]->account_id, like->account_id) == 0) return r->decisions[i];
    }
    return NULL;
}

static bool same_decision(struct comparing *c, const Decision *a, const Decision *b) {
    size_t n = decision__get_packed_size(a);
    if (n != decision__get_packed_size(b)) return false;
    uint8_t *one = arena_take(c->arena, n), *other = arena_take(c->arena, n);
    (void)decision__pack(a, one);
    (void)decision__pack(b, other);
    return memcmp(one, other, n) == 0;
}

static void add_decisions(struct comparing *c, const char *service, const Routing *was,
                          const Decision *a, const Decision *b) {
    if (!has_row_room(c)) return;
    add_message_cells(c, service, &was->base, a ? a->account_id : b->account_id);
    add_decision(c, a);
    add_decision(c, b);
}

// A routing differs in the decisions for accounts. False: it does not.
static bool add_routings(struct comparing *c, const char *service, const Routing *was,
                         const Routing *is) {
    const Routing *any = was ? was : is;
    unsigned long before = c->rows.count + c->hidden;
    for (size_t i = 0; was && i < was->n_decisions; i++) {
        const Decision *now = decision_for(is, was->decisions[i], i);
        if (!now || !same_decision(c, was->decisions[i], now))
            add_decisions(c, service, any, was->decisions[i], now);
    }
    for (size_t i = 0; is && i < is->n_decisions; i++) {
        if (!decision_for(was, is->decisions[i], i))
            add_decisions(c, service, any, NULL, is->decisions[i]);
    }
    return c->rows.count + c->hidden > before;
}

static void field_words(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                        buffer_t *out) {
    buffer_clear(out);
    if (m) (void)record_field_text(m, f, out);
}

// The fields that are not the same; of nested messages (an execution's trade) theirs.
static void add_fields(const ProtobufCMessage *was, const ProtobufCMessage *is, buffer_t *a,
                       buffer_t *b) {
    const ProtobufCMessage *any = was ? was : is;
    const struct record_columns *columns = any ? record_columns(any->descriptor) : NULL;
    for (unsigned i = 0; any && i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        own(buffer) one = {0}, other = {0};
        if (f->type == PROTOBUF_C_TYPE_MESSAGE && f->label != PROTOBUF_C_LABEL_REPEATED) {
            add_fields(was ? *(const ProtobufCMessage *const *)record_place(was, f) : NULL,
                       is ? *(const ProtobufCMessage *const *)record_place(is, f) : NULL, a, b);
            continue;
        }
        field_words(was, f, &one);
        field_words(is, f, &other);
        if (one.length == other.length &&
            (!one.length || memcmp(one.data, other.data, one.length) == 0))
            continue;
        if (was) buffer_format(a, "%s%s=%s", a->length ? " " : "", f->name, buffer_string(&one));
        if (is) buffer_format(b, "%s%s=%s", b->length ? " " : "", f->name, buffer_string(&other));
    }
}

static void add_difference_row(struct comparing *c, const char *service,
                               const ProtobufCMessage *was, const ProtobufCMessage *is,
                               struct tally_of_messages *tally) {
    own(buffer) a = {0}, b = {0};
    const ProtobufCMessage *any = was ? was : is;
    if (!any) return;
    add_fields(was, is, &a, &b);
    if (was && is && !a.length && !b.length) {
        tally->rounded++;
        return;
    }
    tally->different++;
    if (any->descriptor == &routing__descriptor &&
        add_routings(c, service, (const Routing *)was, (const Routing *)is))
        return;
    if (!has_row_room(c)) return;
    add_message_cells(c, service, any, NULL);
    sheet_add(&c->rows, was ? buffer_string(&a) : NULL);
    sheet_add(&c->rows, NULL);
    sheet_add(&c->rows, is ? buffer_string(&b) : NULL);
    sheet_add(&c->rows, NULL);
}

// --- bringing together

// The next message of the same type about the same thing that has none beside it yet. NULL: it is
// not said any more.
static const ProtobufCMessage *find_counterpart(const ProtobufCMessage *was,
                                                const ProtobufCMessage **rest, size_t n) {
    for (size_t i = 0; was && i < n; i++) {
        const ProtobufCMessage *m = rest[i];
        if (!m || m->descriptor != was->descriptor || strcmp(subject_of(m), subject_of(was)) != 0)
            continue;
        rest[i] = NULL;
        return m;
    }
    return NULL;
}

static void add_different(struct comparing *c, const struct both *both,
                          struct tally_of_messages *tally) {
    const ProtobufCMessage **rest =
        arena_take(c->arena, (both->n_is + 1) * sizeof(const ProtobufCMessage *));
    bool *taken = arena_zero(c->arena, both->n_is + 1),
         *found = arena_zero(c->arena, both->n_was + 1);
    // what is the same stands beside itself, wherever it is
    for (size_t i = 0; i < both->n_was; i++) {
        for (size_t k = 0; k < both->n_is && !found[i]; k++) {
            if (!taken[k] && said_same(c, &both->was[i], &both->is[k])) found[i] = taken[k] = true;
        }
        tally->same += found[i];
    }
    for (size_t k = 0; k < both->n_is; k++)
        rest[k] = taken[k] ? NULL : open_compared_message(c, &both->is[k]);
    for (size_t i = 0; i < both->n_was; i++) {
        if (found[i]) continue;
        const ProtobufCMessage *was = open_compared_message(c, &both->was[i]);
        add_difference_row(c, both->service, was, find_counterpart(was, rest, both->n_is), tally);
    }
    for (size_t k = 0; k < both->n_is; k++) {
        if (rest[k]) add_difference_row(c, both->service, NULL, rest[k], tally);
    }
}

void compare_messages(struct comparing *c, const struct both *both,
                      struct tally_of_messages *tally) {
    size_t alike = 0;
    arena_reset(c->arena);
    while (alike < both->n_was && alike < both->n_is &&
           said_same(c, &both->was[alike], &both->is[alike]))
        alike++;
    tally->same += alike;
    if (alike == both->n_was && alike == both->n_is) return;
    add_different(c,
                  &(struct both){both->service, both->was + alike, both->is + alike,
                                 both->n_was - alike, both->n_is - alike},
                  tally);
}
