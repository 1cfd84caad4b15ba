// proposal_schema - what a decision may be, as JSON Schema.
// SPDX-License-Identifier: MIT
#include "services/advisor/decision/proposal_schema.h"

#include <string.h>

#include "llm.pb-c.h"
#include "services/advisor/decision/proposal.h"

enum schema_kind { SCHEMA_TEXT, SCHEMA_HASH, SCHEMA_POSITIVE, SCHEMA_PERCENT, SCHEMA_CHOICE };

static const struct {
    const char *name;
    enum schema_kind kind;
    unsigned most; // SCHEMA_TEXT: characters
    const ProtobufCEnumDescriptor *choices;
    const char *words;
} fields[] = {
    {"package_id", SCHEMA_HASH, 0, NULL, "package_id of the package that the decision rests on"},
    {"symbol", SCHEMA_TEXT, 32, NULL, "the package's symbol"},
    {"action", SCHEMA_CHOICE, 0, &llm_proposal__action__descriptor,
     "what to do; hold: nothing, which is recorded as well"},
    {"reasoning", SCHEMA_TEXT, REASONING_MOST, NULL, "why, in words; kept for the audit"},
    {"order_type", SCHEMA_CHOICE, 0, &llm_proposal__order_type__descriptor, "absent: market"},
    {"lot_size", SCHEMA_POSITIVE, 0, NULL, "lots; absent: what each account's subscription says"},
    {"price", SCHEMA_POSITIVE, 0, NULL, "limit, stop: the order's price; market: the expected one"},
    {"stop_loss", SCHEMA_POSITIVE, 0, NULL, "price at which the loss is taken"},
    {"take_profit", SCHEMA_POSITIVE, 0, NULL, "price at which the profit is taken"},
    {"close_percent", SCHEMA_PERCENT, 0, NULL, "closes: so much of what is open"},
    {"confidence", SCHEMA_PERCENT, 0, NULL, "0 to 100"},
    {"strategy", SCHEMA_TEXT, 64, NULL, "name of the strategy"},
    {"model", SCHEMA_TEXT, 100, NULL, "which model decided"},
    {"prompt_version", SCHEMA_TEXT, 100, NULL, "by which prompt"},
};

static void write_choices(const ProtobufCEnumDescriptor *d, buffer_t *out) {
    buffer_text(out, "\"type\":\"string\",\"enum\":[");
    for (unsigned i = 0; i < d->n_values; i++)
        buffer_format(out, "%s\"%s\"", i ? "," : "", d->values[i].name);
    buffer_text(out, "]");
}

static void write_field_schema(size_t i, buffer_t *out) {
    buffer_format(out, "\"%s\":{", fields[i].name);
    switch (fields[i].kind) {
    case SCHEMA_TEXT:
        buffer_format(out, "\"type\":\"string\",\"minLength\":1,\"maxLength\":%u", fields[i].most);
        break;
    case SCHEMA_HASH:
        buffer_text(out, "\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\"");
        break;
    case SCHEMA_POSITIVE:
        buffer_text(out, "\"type\":\"number\",\"exclusiveMinimum\":0");
        break;
    case SCHEMA_PERCENT:
        buffer_text(out, "\"type\":\"number\",\"minimum\":0,\"maximum\":100");
        break;
    case SCHEMA_CHOICE:
        write_choices(fields[i].choices, out);
        break;
    }
    buffer_format(out, ",\"description\":\"%s\"}", fields[i].words);
}

static bool is_required_field(const char *name) {
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(&llm_proposal__descriptor, name);
    return f && f->label == PROTOBUF_C_LABEL_REQUIRED;
}

static void write_members(buffer_t *out) {
    const char *before = "";
    buffer_text(out, "\"type\":\"object\",\"additionalProperties\":false,\"required\":[");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!is_required_field(fields[i].name)) continue;
        buffer_format(out, "%s\"%s\"", before, fields[i].name);
        before = ",";
    }
    buffer_text(out, "],\"properties\":{");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (i) buffer_text(out, ",");
        write_field_schema(i, out);
    }
    buffer_text(out, "}}");
}

void proposal_schema_object(buffer_t *out) {
    buffer_text(out, "{");
    write_members(out);
}

void proposal_schema_document(buffer_t *out) {
    buffer_text(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":"
                     "\"A decision of a language model (docs/language-model.md)\",");
    write_members(out);
    buffer_text(out, "\n");
}
