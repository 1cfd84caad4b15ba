// rules - what risk rules hold for an account.
// SPDX-License-Identifier: MIT
#include "common/domain/rules.h"

#include <string.h>

#include "common/domain/zone.h"
#include "common/schema/record_value.h"

// Whether it is set, or how many there are: what stands beside a field.
static size_t size_of_count(const ProtobufCFieldDescriptor *f) {
    if (f->label == PROTOBUF_C_LABEL_REPEATED) return sizeof(size_t);
    // texts and messages are set when they are not NULL
    return f->quantifier_offset ? sizeof(protobuf_c_boolean) : 0;
}

// Shallow: what is set in `from` and not in `to`.
static void fill_missing_rules(RiskRules *to, const RiskRules *from) {
    for (unsigned i = 0; i < from->base.descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &from->base.descriptor->fields[i];
        if (record_is_set(&to->base, f) || !record_is_set(&from->base, f)) continue;
        memcpy((char *)to + f->offset, (const char *)from + f->offset,
               f->label == PROTOBUF_C_LABEL_REPEATED ? sizeof(void *) : record_item_size(f));
        size_t count = size_of_count(f);
        if (count)
            memcpy((char *)to + f->quantifier_offset, (const char *)from + f->quantifier_offset,
                   count);
    }
}

static void add_layer(struct rules *out, const RiskRules *layer) {
    if (!layer) return;
    out->layers[out->n_layers++] = layer;
    fill_missing_rules(&out->r, layer);
}

void rules_of(const book_t *book, const AccountConfig *account, struct rules *out) {
    *out = (struct rules){.r = RISK_RULES__INIT};
    const char *name = account->risk ? account->risk->preset : NULL;
    const RiskConfig *preset = name ? book_preset(book, name) : NULL,
                     *global = book_preset(book, RULES_GLOBAL);
    add_layer(out, account->risk);
    if (preset) add_layer(out, preset->rules);
    if (global && global != preset) add_layer(out, global->rules);
    out->zone = out->r.time_zone ? out->r.time_zone : account->time_zone;
    if (!zone_minutes(out->r.reset_at ? out->r.reset_at : account->day_starts_at, &out->day_starts))
        out->day_starts = 0;
}
