// entry - one entry of a topic as people and machines read it; and whether it is the one looked
// for.
// SPDX-License-Identifier: MIT
#include "cli/operator/entry.h"

#include <string.h>

#include "cli/text.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/schema/field.h"

static bool is_name_in_array(const char *name, const char *const names[]) {
    while (*names && strcmp(*names, name) != 0) names++;
    return *names != NULL;
}

// Nested messages as well: an Execution's account stands in its trade.
static bool has_value(const ProtobufCMessage *m, const char *const fields[], const char *value) {
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        bool looked_at = field_is_text(f) && is_name_in_array(f->name, fields);
        struct field_values all = field_values(m, f);
        for (size_t k = 0; k < all.n && (looked_at || field_is_message(f)); k++) {
            const void *one = field_value(all, k);
            if (looked_at ? strcmp(field_text(one), value) == 0
                          : has_value(field_message(one), fields, value))
                return true;
        }
    }
    return false;
}

bool filter_takes(const struct filter *filter, const ProtobufCMessage *m) {
    static const char *const accounts[] = {"account_id", NULL}, *const symbols[] = {"symbol",
                                                                                    "broker_symbol",
                                                                                    NULL};
    if (filter->type && strcmp(filter->type, m->descriptor->name) != 0) return false;
    if (filter->account && !has_value(m, accounts, filter->account)) return false;
    return !filter->symbol || has_value(m, symbols, filter->symbol);
}

bool filter_has_signal(const ProtobufCMessage *m, const char *signal_id) {
    static const char *const signals[] = {"signal_id", NULL};
    return has_value(m, signals, signal_id);
}

static void add_time(uint64_t at, buffer_t *out) {
    char text[TIME_TEXT];
    time_print(at, text);
    buffer_text(out, text);
}

void entry_json(const char *topic, const struct envelope *e, const ProtobufCMessage *m, uint64_t at,
                buffer_t *out) {
    char id[ENTRY_ID_TEXT];
    entry_id_print(e->id, id);
    buffer_text(out, "{\"topic\":");
    buffer_json_string(out, topic, strlen(topic));
    buffer_format(out, ",\"id\":\"%s\",\"type\":", id);
    buffer_json_string(out, e->type, strlen(e->type));
    if (at) {
        buffer_text(out, ",\"heard_at\":\"");
        add_time(at, out);
        buffer_text(out, "\"");
    }
    buffer_text(out, ",\"body\":");
    if (m)
        record_to_json(m, out);
    else
        buffer_text(out, "null");
    buffer_text(out, "}\n");
}

void entry_line(const char *topic, const struct envelope *e, const ProtobufCMessage *m, uint64_t at,
                buffer_t *out) {
    char id[ENTRY_ID_TEXT], text[TIME_TEXT];
    own(buffer) body = {0};
    entry_id_print(e->id, id);
    if (at) {
        time_print(at / NS_PER_MS * NS_PER_MS, text);
        // the time of the day is what is read here
        buffer_format(out, "%.*s  ", (int)strcspn(text + 11, "Z"), text + 11);
    }
    text_clean(out, topic, strlen(topic));
    buffer_format(out, "  %s  ", id);
    text_clean(out, e->type, strlen(e->type));
    buffer_text(out, "  ");
    if (m)
        record_to_json(m, &body);
    else
        buffer_text(&body, "(this version cannot decode it)");
    text_clean(out, (const char *)body.data, body.length);
    buffer_text(out, "\n");
}
