// config_kinds - the kinds of rows that a configuration is made of, as data.
// SPDX-License-Identifier: MIT
#include "proto/config_kinds.h"

#define CONFIG_KIND(table, row, section, id, ...)                                                  \
    [CONFIG_KIND_##table] = {CONFIG_CHANGE__KIND__##table,                                         \
                             #table,                                                               \
                             #table ":index",                                                      \
                             #table ":",                                                           \
                             #section,                                                             \
                             &table##__descriptor,                                                 \
                             offsetof(ConfigChange, row)},
const struct config_kind config_kinds[CONFIG_KIND_COUNT] = {CONFIG_KINDS(CONFIG_KIND)};
#undef CONFIG_KIND

const struct config_kind *config_kind_of(config_kind_t kind) {
    for (size_t i = 0; i < CONFIG_KIND_COUNT; i++) {
        if (config_kinds[i].kind == kind) return &config_kinds[i];
    }
    return NULL;
}

const ProtobufCMessage *config_change_row(const ConfigChange *change) {
    const struct config_kind *k = config_kind_of(change->kind);
    return k ? *(ProtobufCMessage *const *)((const char *)change + k->row) : NULL;
}
