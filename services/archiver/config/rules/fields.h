// config_fields - what each field of a configuration may be, as a table: checks documents, and is
// written into their JSON Schema.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/archiver/config/document.h"

// What a text may be.
struct text_form {
    const char *characters; // it is made of; NULL: any
    const char *unit;       // what the bounds count: "letters, digits, …"
    const char *sentence;   // in place of bounds and unit
    bool (*fits)(const char *text);
    const char *pattern; // for the schema; NULL: what `characters` says
};

struct field_rule {
    const ProtobufCMessageDescriptor *type;
    const char *field;            // NULL: every one of the type
    const struct text_form *text; // NULL: a number
    int64_t least, most;          // integers: the values; decimals: e8; texts: bytes
    bool above;                   // decimals: more than `least`, not as much
};

// Every field of the message and of those within it, against the table. `path`: of the message.
void config_fields_check(const ProtobufCMessage *m, const char *path, struct complaints *to);
// NULL: none
const struct field_rule *config_field_rule(const ProtobufCMessageDescriptor *d, const char *field);
// NULL: at the end
const struct field_rule *config_field_rule_at(size_t i);
// of a rule for texts
bool config_field_fits(const struct field_rule *rule, const char *text);
// "must be …"
void config_field_rule_words(const struct field_rule *rule, char out[static 200]);
// A field that holds a secret, or its hash: its value is not told.
bool config_field_is_secret(const char *field);
