// moved - the numbers that the fields of Terms had while each message spelled them itself.
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>

// Two things follow from it: a frame of the version before is read as one of today
// (common/former.h), and columns stand outside in the order in which they always stood, which the
// record's chain depends on. The table is closed: a new field was never elsewhere. One of the moved
// fields, order_type, is required: so a program of the version before refuses a message of this
// one, which it would otherwise read as an order without a price and without stops.

// The name in Terms of what had the number; NULL: it is not one of them.
const char *moved_name(const ProtobufCMessageDescriptor *type, uint32_t number);
// The number that a field of Terms had; 0: it never had one.
uint32_t moved_number(const ProtobufCMessageDescriptor *type, const char *name);
