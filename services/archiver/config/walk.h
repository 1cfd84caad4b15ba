// config_walk - the one walk over rows of the configuration and all that lies within them. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

// Of what lies in a list, the text that it is known by (a subscription's source, a symbol's name).
const ProtobufCFieldDescriptor *config_key_field(const ProtobufCMessageDescriptor *d); // NULL: none
const char *config_key_of(const ProtobufCMessage *m);                                  // NULL: none

// A value, or what it was and what it is: NULL where it is not set.
struct config_spot {
    const char *path; // "subscriptions.demo.fixed_lot", "accounts[2].subscriptions[0].fixed_lot"
    const ProtobufCFieldDescriptor *field;
    const ProtobufCMessage *before, *after; // whose field it is; either may be NULL
    const void *was, *is;                   // common/schema/field.h
    bool is_list;                           // the value is the whole list
};

// Whether to go down into the message that the value is.
typedef bool config_visit_fn(void *arg, const struct config_spot *spot);

enum config_lists {
    CONFIG_BY_INDEX, // each value by itself: "symbols[0]"
    CONFIG_BY_KEY,   // values that have a key by that: "symbols.EURUSD"; other lists as a whole
};

// Visits in the order of the fields what is set in `before` or `after`, of which one may be NULL.
// `path`: of the message; "" for a row that is known by itself.
void config_walk(const ProtobufCMessage *before, const ProtobufCMessage *after, const char *path,
                 enum config_lists lists, config_visit_fn *visit, void *arg);
