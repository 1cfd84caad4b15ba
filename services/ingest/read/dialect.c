// dialect - what the dialects share, and our own format under other names.
// SPDX-License-Identifier: MIT
#include "services/ingest/read/dialect.h"

#include <string.h>
#include <strings.h>

#include "common/base/decimal.h"
#include "common/schema/record.h"

void translation_start(struct translation *t, const SignalConfig *source, arena_t *arena) {
    t->source = source;
    t->arena = arena;
    t->complaints.n = 0;
    t->secrets = 0;
    t->ours = t->sent = (struct fields){0};
}

void translation_refuse(struct translation *t, const char *name, const char *code,
                        const char *rule) {
    complaint_add(&t->complaints, name, code, rule);
}

static void add_translated_field(struct translation *t, struct fields *to, struct field f) {
    if (!to->items) to->items = arena_take(t->arena, FIELDS_MAX * sizeof *to->items);
    if (to->n == FIELDS_MAX)
        return translation_refuse(t, f.name, "too_many", "is one field too many");
    to->items[to->n++] = f;
}

void translation_put(struct translation *t, const char *name, const char *as,
                     const struct field *value) {
    struct field f = *value;
    f.name = name;
    f.name_length = (uint32_t)strlen(name);
    f.as = as;
    // it is trimmed in place, and stands in `sent` as well
    if (f.kind == FIELD_TEXT) f.text = arena_text(t->arena, f.text);
    add_translated_field(t, &t->ours, f);
}

void translation_put_text(struct translation *t, const char *name, const char *as,
                          const char *text) {
    translation_put(t, name, as,
                    &(struct field){.text = (char *)(uintptr_t)text,
                                    .length = (uint32_t)strlen(text),
                                    .kind = FIELD_TEXT});
}

void translation_put_times(struct translation *t, const char *name, const char *as,
                           const struct field *value, uint32_t factor) {
    decimal_t d, product;
    char text[DECIMAL_TEXT];
    bool scalar = value->kind == FIELD_TEXT || value->kind == FIELD_NUMBER;
    if (!scalar || decimal_read(value->text, value->length, &d))
        return translation_refuse(t, name, "not_a_number", "must be a number");
    if (!decimal_mul(d, DECIMAL_INT((int64_t)factor), ROUND_HALF_EVEN, &product))
        return translation_refuse(t, name, "out_of_range", "is too large");
    decimal_print(product, text);
    translation_put_text(t, name, as, arena_text(t->arena, text));
}

void translation_keep(struct translation *t, const struct field *f) {
    translation_put(t, f->name, "", f);
}

void translation_sent(struct translation *t, const struct field *f) {
    add_translated_field(t, &t->sent, *f);
}

// Our field that the sender calls so; NULL: by the names that all may use.
static const char *ours_for(const FieldNames *names, const char *name) {
    const ProtobufCMessageDescriptor *d = names->base.descriptor;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const char *theirs = *(char *const *)((const char *)names + d->fields[i].offset);
        if (theirs && strcasecmp(theirs, name) == 0) return d->fields[i].name;
    }
    return NULL;
}

void dialect_tradecast(struct translation *t, const struct fields *body) {
    t->ours = t->sent = *body;
    for (size_t i = 0; t->source->names && i < body->n; i++)
        body->items[i].as = ours_for(t->source->names, body->items[i].name);
}
