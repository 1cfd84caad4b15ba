// config_kinds - the kinds of rows that a configuration is made of: what lists them follows from
// here, in C. A new kind is a row here and in proto/tables.h, its message and its places in
// ConfigChange and ConfigDocument (config.proto), and what the compiler then asks for.
// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>

#include "config.pb-c.h"

// In the order in which rows refer to each other. The table is its name in SQLite, the prefix of
// its keys in Redis, its ConfigChange.Kind and its message; what follows the first argument is
// handed on to X, which takes it as `...` where there is nothing (cppcheck knows no __VA_OPT__).
// clang-format off
//    table            in ConfigChange  in ConfigDocument  its id
#define CONFIG_KINDS(X, ...) \
    X(broker_config,   broker,          brokers,           broker_id, __VA_ARGS__) \
    X(signal_config,   signal,          sources,           config_id, __VA_ARGS__) \
    X(risk_config,     risk,            presets,           preset_id, __VA_ARGS__) \
    X(account_config,  account,         accounts,          account_id, __VA_ARGS__) \
    X(instance_config, instance,        instances,         instance_id, __VA_ARGS__)
// clang-format on

typedef ConfigChange__Kind config_kind_t;

#define CONFIG_KIND_ENUM(table, row, section, id, ...) CONFIG_KIND_##table,
enum config_kind_index { CONFIG_KINDS(CONFIG_KIND_ENUM) CONFIG_KIND_COUNT };
#undef CONFIG_KIND_ENUM

struct config_kind {
    config_kind_t kind;
    const char *table, *index; // "broker_config", "broker_config:index"
    const char *prefix;        // "broker_config:"
    const char *section;       // in a document
    const ProtobufCMessageDescriptor *type;
    size_t row; // where its row is in ConfigChange
};
extern const struct config_kind config_kinds[CONFIG_KIND_COUNT];

const struct config_kind *config_kind_of(config_kind_t kind); // NULL: from a newer program
// The row that a change has. NULL: none, or of a kind that is not known here.
const ProtobufCMessage *config_change_row(const ConfigChange *change);
