// body - what is posted of a signal, and the key under which the backend recognises it when it
// comes again.
// SPDX-License-Identifier: MIT
#include "sync/backend/body.h"

#include <sodium.h>
#include <string.h>

#include "common/schema/record.h"
#include "common/sql/column.h"

static bool is_listed_name(const char *name, const char *const *names) {
    while (*names && strcmp(*names, name) != 0) names++;
    return *names != NULL;
}

static const char *const later[] = {"status",          "outcome",  "exit_price",
                                    "profit_loss_pct", "order_id", NULL};
static const char *const of_outcome[] = {"signal_id",       "outcome",  "exit_price",
                                         "profit_loss_pct", "order_id", NULL};

static void write_field(const ProtobufCFieldDescriptor *f, const SignalRow *row, buffer_t *out) {
    buffer_t text = {0};
    enum column_kind kind = column_kind_of(f);
    if (kind == COLUMN_TIME && record_is_set(&row->base, f)) {
        buffer_format(out, ",\"%s\":", f->name);
        column_field_json(&row->base, f, out);
    } else if (record_field_text(&row->base, f, &text)) {
        buffer_format(out, ",\"%s\":", f->name);
        if (kind == COLUMN_TEXT || kind == COLUMN_BYTES)
            buffer_json_string(out, (const char *)text.data, text.length);
        else
            buffer_add(out, text.data, text.length);
    }
    buffer_destroy(&text);
}

void body_write(const SignalRow *row, enum event event, buffer_t *out) {
    const ProtobufCMessageDescriptor *d = row->base.descriptor;
    buffer_text(out, event == EVENT_SIGNAL ? "{\"event\":\"signal\"" : "{\"event\":\"outcome\"");
    for (unsigned i = 0; i < d->n_fields; i++) {
        const char *name = d->fields[i].name;
        if (event == EVENT_SIGNAL ? !is_listed_name(name, later) : is_listed_name(name, of_outcome))
            write_field(&d->fields[i], row, out);
    }
    buffer_text(out, "}");
}

void body_key(const SignalRow *row, enum event event, char out[static BODY_KEY]) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    buffer_t text = {0};
    buffer_text(&text, event == EVENT_SIGNAL ? "signal\n" : "outcome\n");
    buffer_text(&text, row->signal_id);
    if (event == EVENT_OUTCOME)
        buffer_format(&text, "\n%s\n%d %lld\n%d %lld", row->outcome ? row->outcome : "",
                      row->has_exit_price, (long long)row->exit_price, row->has_profit_loss_pct,
                      (long long)row->profit_loss_pct);
    crypto_hash_sha256(digest, text.data, text.length);
    sodium_bin2hex(out, BODY_KEY, digest, (BODY_KEY - 1) / 2);
    buffer_destroy(&text);
}
