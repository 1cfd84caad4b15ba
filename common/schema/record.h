// record - one walker over message descriptors: Redis hashes, JSON and SQLite rows from the same
// .proto.
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/base/error.h"

// How a field looks outside is told by its wire type (proto/README.md):
//   sfixed64 decimal "1.1234" · fixed64 time "2025-03-22T10:15:30.123456Z" · string text · bytes
//   hex · enum its value's name
//   (u)int32/64 integer · bool true/false (Redis and SQLite: 1/0) · message and repeated: JSON
// An optional field that is not set is left out (Redis, JSON) or NULL (SQLite).

struct record_pair {
    struct span name;
    struct span value;
};

// One scalar, enum or nested field of `m` as text, appended to `out`. False: the field is not set.
bool record_field_text(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, buffer_t *out);

// The columns of a message: its fields as they stand outside, in their order. The fields of some
// messages in it (its terms, what is amended: proto/terms.proto) stand among its own; those of
// `wanted` with that behind their names. So where a function here wants a message and a field, the
// field is one of its columns.
#define RECORD_COLUMNS_MAX 96
#define RECORD_INLINED_MAX 3
// A message whose fields stand among those of the one that has it.
struct record_inlined {
    const ProtobufCFieldDescriptor *holder; // which field it is there; required
    const ProtobufCFieldDescriptor *fields; // as columns: with the names that they have outside
    unsigned n, first_slot;
};
struct record_columns {
    unsigned n, n_inlined;
    struct record_inlined inlined[RECORD_INLINED_MAX];
    const ProtobufCFieldDescriptor *fields[RECORD_COLUMNS_MAX];
    uint8_t within[RECORD_COLUMNS_MAX]; // 0: its own; else of inlined[within - 1]
    uint8_t slots[RECORD_COLUMNS_MAX];  // record_slot
};
// It lives as long as the process, and may be asked for by any thread.
const struct record_columns *record_columns(const ProtobufCMessageDescriptor *d);
// The message within that has the field as a column; NULL: it is its own.
const struct record_inlined *record_inlined_of(const ProtobufCMessageDescriptor *d,
                                               const ProtobufCFieldDescriptor *f);
// The message that has the column: `m`, or the one within (NULL: it is not there).
const ProtobufCMessage *record_owner(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
// The same for the column `i`, without looking.
static inline const ProtobufCMessage *record_owner_at(const struct record_columns *c,
                                                      const ProtobufCMessage *m, unsigned i) {
    if (!c->within[i]) return m;
    unsigned offset = c->inlined[c->within[i] - 1].holder->offset;
    return *(const ProtobufCMessage *const *)((const char *)m + offset);
}
// Where the column's value is.
void *record_place(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);

// A set of columns.
#define RECORD_SLOTS 128
struct record_mask {
    uint64_t bits[RECORD_SLOTS / 64];
};
unsigned record_slot(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f);
static inline void record_mask_add(struct record_mask *mask, unsigned slot) {
    mask->bits[slot / 64] |= UINT64_C(1) << slot % 64;
}
static inline bool record_mask_has(const struct record_mask *mask, unsigned slot) {
    return mask->bits[slot / 64] >> slot % 64 & 1;
}
// Of the columns named (NULL at the end); each must be one.
struct record_mask record_mask(const ProtobufCMessageDescriptor *d, const char *const names[]);

// Visits every set field in order with its text form (the value is valid during the call only).
typedef void record_visit_fn(void *arg, const ProtobufCFieldDescriptor *f, struct span value);
void record_each(const ProtobufCMessage *m, record_visit_fn *visit, void *arg);

// The same, passing over the columns of `but` (NULL: over none).
void record_each_but(const ProtobufCMessage *m, const struct record_mask *but,
                     record_visit_fn *visit, void *arg);

// Builds a message from name/value pairs as Redis holds them; unknown names are skipped. In
// `arena`, or malloc when NULL (free with protobuf_c_message_free_unpacked). ERR_INPUT: a value
// does not fit its field or a required one is missing; *fault (NULL: not asked for) says which.
struct fault;
err_t record_from_pairs(const ProtobufCMessageDescriptor *d, const struct record_pair *pairs,
                        size_t n, arena_t *arena, ProtobufCMessage **out, struct fault *fault);

// What can be read of such pairs, for whoever has to act on a record that is damaged: what cannot
// is not set; a text that is missing is empty.
ProtobufCMessage *record_part_of_pairs(const ProtobufCMessageDescriptor *d,
                                       const struct record_pair *pairs, size_t n, arena_t *arena);

// A repeated field of messages that have just the fields `key` (text) and `value` is an object whose
// names are the keys; any other repeated field is an array.
void record_to_json(const ProtobufCMessage *m, buffer_t *out);
// The same without the columns of `but` (NULL: with all).
void record_to_json_but(const ProtobufCMessage *m, const struct record_mask *but, buffer_t *out);

// What was wrong with which part of a document.
struct fault {
    char path[160]; // "accounts[2].subscriptions[0].fixed_lot"
    char rule[200]; // "must be a decimal with at most 8 decimals"
    char value[80]; // what is there instead, as JSON; empty: nothing, or no single value
};

// Builds a message from a JSON object whose keys are the fields' names. Unknown key, wrong type,
// missing required field: ERR_INPUT with *fault (its path prefixed with `path`). Memory as
// record_from_pairs.
err_t record_from_json(const ProtobufCMessageDescriptor *d, const char *json, size_t length,
                       const char *path, arena_t *arena, ProtobufCMessage **out,
                       struct fault *fault);

// The same, telling every fault and not only the first. With faults *out is what could be read, for
// further checks, its memory in the arena (an arena must be given); NULL when it was no JSON
// object.
typedef void record_fault_fn(void *arg, const struct fault *fault);
err_t record_from_json_all(const ProtobufCMessageDescriptor *d, struct span json, arena_t *arena,
                           ProtobufCMessage **out, record_fault_fn *tell, void *arg);

// NULL: there is none
const ProtobufCFieldDescriptor *record_field(const ProtobufCMessageDescriptor *d, struct span name);
bool record_is_set(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
bool record_any_set(const ProtobufCMessage *m); // any of its own fields; what is required is set

// Sets one field from its text form, as the pairs and JSON readers do. `m` must be initialised.
err_t record_set(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, struct span text,
                 arena_t *arena);

// Whether a message that was unpacked can be written and read again as the same: each enum has a
// value that is known here (a newer version may know more), and no field is without a number.
bool record_is_sound(const ProtobufCMessage *m);

// Makes a message of a peer (a gateway) one that can be recorded: a time that has happened (named
// …_at) and is more than a day ahead of `now` (UTC ns), or any that is not before TIME_END, becomes
// `now`; the least decimal becomes the one above it; an enum's value that is not known becomes the
// first one that is. Returns the first field that was changed, NULL when none was.
#define TIME_AHEAD (86400 * NS_PER_S)
const char *record_tame(ProtobufCMessage *m, uint64_t now);

// What is set in `from` is set in `to`, where that has a field of the same name: how terms pass
// from stage to stage without being spelled there. Numbers, times, flags and enums; that a name
// means another type, or a text, is a mistake of ours. True: something was set.
bool record_merge(const ProtobufCMessage *from, ProtobufCMessage *to);

// A deep copy: in `arena`, or malloc when NULL.
ProtobufCMessage *record_copy(const ProtobufCMessage *m, arena_t *arena);
const char *record_enum_name(const ProtobufCEnumDescriptor *d, int value); // "?" when there is none
