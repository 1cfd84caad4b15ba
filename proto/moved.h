// moved - the numbers that fields had while each message spelled its terms and amendments itself.
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>

// Two things follow from it: a frame of the version before is read as one of today
// (common/schema/former.h), and columns stand outside in the order in which they always stood,
// which the record's chain depends on. The table is closed: a new field was never elsewhere.
//
// Of each message one required field is among them (order_type, action, account_id): so a program
// of the version before refuses a message of this one. It would otherwise read an order without a
// price and stops, or a change of nothing, which a gateway would report as done.

// The column (common/schema/record.h) that had the number; NULL: it is not one of them.
const char *moved_name(const ProtobufCMessageDescriptor *type, uint32_t number);
// The number that a column had; 0: it always had the one that its field has.
uint32_t moved_number(const ProtobufCMessageDescriptor *type, const char *name);
