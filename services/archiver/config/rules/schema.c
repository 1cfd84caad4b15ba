// config_schema - the JSON Schema of a configuration.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/rules/schema.h"

#include <stdio.h>
#include <string.h>

#include "common/base/decimal.h"
#include "common/schema/field.h"
#include "services/archiver/config/rules/fields.h"

#define TYPES_MAX 64

// Every message that a document may hold, each once.
struct types {
    const ProtobufCMessageDescriptor *items[TYPES_MAX];
    size_t n;
};

static void gather_nested_types(struct types *types, const ProtobufCMessageDescriptor *d) {
    for (size_t i = 0; i < types->n; i++)
        if (types->items[i] == d) return;
    if (types->n == TYPES_MAX) return;
    types->items[types->n++] = d;
    for (unsigned i = 0; i < d->n_fields; i++)
        if (field_is_message(&d->fields[i])) gather_nested_types(types, d->fields[i].descriptor);
}

// A source in a document is a row of signal_config: what is said of the row's field holds for it.
static const ProtobufCMessageDescriptor *get_described_type(const ProtobufCMessageDescriptor *d) {
    return d == &config_document__source__descriptor ? &signal_config__descriptor : d;
}

static const struct field_rule *find_schema_rule(const ProtobufCMessageDescriptor *d,
                                                 const char *field) {
    const struct field_rule *own = config_field_rule(d, field);
    return own ? own : config_field_rule(get_described_type(d), field);
}

static void write_schema_text(buffer_t *out, const char *text) {
    buffer_json_string(out, text, strlen(text));
}

static void put_enum(const ProtobufCEnumDescriptor *e, buffer_t *out) {
    buffer_text(out, "\"enum\":[");
    for (unsigned i = 0; i < e->n_values; i++)
        buffer_format(out, "%s\"%s\"", i ? "," : "", e->values[i].name);
    buffer_text(out, "]");
}

static void put_text_rule(const struct field_rule *rule, buffer_t *out) {
    const struct text_form *form = rule->text;
    bool one_of = form->pattern && form->pattern[0] == '[';
    buffer_format(out, ",\"minLength\":%lld,\"maxLength\":%lld", (long long)rule->least,
                  (long long)rule->most);
    if (form->pattern) {
        char pattern[160];
        snprintf(pattern, sizeof pattern, "^%s%s$", form->pattern, one_of ? "*" : "");
        buffer_text(out, ",\"pattern\":");
        write_schema_text(out, pattern);
    }
}

static void put_bound(const char *name, bool decimal, int64_t bound, buffer_t *out) {
    char text[DECIMAL_TEXT];
    if (decimal)
        decimal_print(D(bound), text);
    else
        snprintf(text, sizeof text, "%lld", (long long)bound);
    buffer_format(out, ",\"%s\":%s", name, text);
}

// Of a number that is written as text only the form is told.
static void put_number_rule(const struct field_rule *rule, bool decimal, buffer_t *out) {
    put_bound(rule->above ? "exclusiveMinimum" : "minimum", decimal, rule->least, out);
    if (rule->most != INT64_MAX) put_bound("maximum", decimal, rule->most, out);
}

static void put_type(const ProtobufCFieldDescriptor *f, const struct field_rule *rule,
                     buffer_t *out) {
    bool decimal = f->type == PROTOBUF_C_TYPE_SFIXED64;
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return buffer_format(out, "\"$ref\":\"#/$defs/%s\"",
                             ((const ProtobufCMessageDescriptor *)f->descriptor)->short_name);
    case PROTOBUF_C_TYPE_ENUM:
        return put_enum(f->descriptor, out);
    case PROTOBUF_C_TYPE_BOOL:
        return buffer_text(out, "\"type\":\"boolean\"");
    case PROTOBUF_C_TYPE_STRING:
        buffer_text(out, "\"type\":\"string\"");
        if (rule && rule->text) put_text_rule(rule, out);
        return;
    case PROTOBUF_C_TYPE_FIXED64:
        return buffer_text(out, "\"type\":[\"string\",\"integer\"],\"format\":\"date-time\"");
    default:
        if (decimal)
            buffer_text(
                out, "\"type\":[\"number\",\"string\"],\"pattern\":\"^-?[0-9]+(\\\\.[0-9]+)?$\"");
        else
            buffer_text(out, "\"type\":[\"integer\",\"string\"],\"pattern\":\"^[0-9]+$\"");
        if (rule && !rule->text) put_number_rule(rule, decimal, out);
    }
}

static void put_default(const ProtobufCFieldDescriptor *f, buffer_t *out) {
    if (!f->default_value || f->label != PROTOBUF_C_LABEL_OPTIONAL) return;
    buffer_text(out, ",\"default\":");
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        return write_schema_text(out, f->default_value);
    case PROTOBUF_C_TYPE_BOOL:
        return buffer_text(out, *(const protobuf_c_boolean *)f->default_value ? "true" : "false");
    case PROTOBUF_C_TYPE_ENUM:
        return buffer_format(out, "\"%s\"",
                             record_enum_name(f->descriptor, *(const int *)f->default_value));
    default:
        return buffer_format(out, "%u", *(const uint32_t *)f->default_value);
    }
}

static void put_field(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f,
                      buffer_t *out) {
    const struct field_rule *rule = find_schema_rule(d, f->name);
    const ProtobufCFieldDescriptor *row = record_field(get_described_type(d), span_of(f->name));
    char words[200];
    buffer_format(out, "\"%s\":{", f->name);
    if (field_is_list(f)) buffer_text(out, "\"type\":\"array\",\"items\":{");
    put_type(f, rule, out);
    if (field_is_list(f)) buffer_text(out, "}");
    put_default(row ? row : f, out);
    if (rule) {
        config_field_rule_words(rule, words);
        buffer_text(out, ",\"$comment\":");
        write_schema_text(out, words);
    }
    buffer_text(out, "}");
}

static void put_message(const ProtobufCMessageDescriptor *d, buffer_t *out) {
    size_t required = 0;
    buffer_format(out,
                  "\"%s\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{",
                  d->short_name);
    for (unsigned i = 0; i < d->n_fields; i++) {
        if (i) buffer_text(out, ",");
        put_field(d, &d->fields[i], out);
    }
    buffer_text(out, "}");
    for (unsigned i = 0; i < d->n_fields; i++)
        if (d->fields[i].label == PROTOBUF_C_LABEL_REQUIRED)
            buffer_format(out, "%s\"%s\"", required++ ? "," : ",\"required\":[", d->fields[i].name);
    buffer_text(out, required ? "]}" : "}");
}

void config_schema(buffer_t *out) {
    struct types types = {0};
    gather_nested_types(&types, &config_document__descriptor);
    buffer_text(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/"
                     "schema\",\"title\":\"tradecast configuration\","
                     "\"$ref\":\"#/$defs/ConfigDocument\",\"$defs\":{");
    for (size_t i = 0; i < types.n; i++) {
        if (i) buffer_text(out, ",");
        put_message(types.items[i], out);
    }
    buffer_text(out, "}}\n");
}
