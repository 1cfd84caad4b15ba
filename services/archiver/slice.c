// slice - the keys the archiver owns: the cache of its configuration tables.
// SPDX-License-Identifier: MIT
//
//   account_config:{account_id}    hash    AccountConfig     account_config:index     set
//   account_ids
//   broker_config:{broker_id}      hash    BrokerConfig      broker_config:index      set
//   broker_ids
//   instance_config:{instance_id}  hash    InstanceConfig    instance_config:index    set
//   instance_ids
//   signal_config:{config_id}      hash    SignalConfig      signal_config:index      set
//   config_ids
//   risk_config:{preset_id}        hash    RiskConfig        risk_config:index        set
//   preset_ids
//   archiver:config_version        text    the last change that these keys and the topic config
//   have
#include "services/archiver/slice.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_TEXT    128
#define VERSION_KEY "archiver:config_version"

#define CONFIG_PREFIX(table, row, section, id, ...) #table ":",
const char *const archiver_slice[] = {CONFIG_KINDS(CONFIG_PREFIX) VERSION_KEY, NULL};

void slice_config_changed(batch_t *batch, const ConfigChange *change) {
    char key[KEY_TEXT];
    const struct config_kind *kind = config_kind_of(change->kind);
    const ProtobufCMessage *row = config_changed_row(change);
    snprintf(key, sizeof(key), "%s%s", kind->prefix, change->id); // ids have at most 64 characters
    batch_drop(batch, key); // so that fields which the row has no longer go
    if (row) batch_keep(batch, key, row);
    if (row)
        batch_member(batch, kind->index, change->id);
    else
        batch_member_drop(batch, kind->index, change->id);
    batch_emit(batch, TOPIC_config, 0, &change->base);
}

void slice_config_version(batch_t *batch, uint64_t version) {
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)version);
    batch_set(batch, VERSION_KEY, span_of(text));
}

err_t slice_read_version(store_t *store, uint64_t *version) {
    buffer_t text = {0};
    err_t e = store_get(store, VERSION_KEY, &text);
    *version = e ? 0 : strtoull(buffer_string(&text), NULL, 10);
    buffer_destroy(&text);
    return e;
}

struct reading {
    config_t *out;
    config_kind_t kind;
};

static err_t load_config_row(void *arg, const ProtobufCMessage *m) {
    struct reading *r = arg;
    config_put(r->out, r->kind, m, NULL);
    return ERR_OK;
}

err_t slice_read_config(store_t *store, config_t *out) {
    err_t e = ERR_OK;
    for (size_t i = 0; !e && i < CONFIG_KIND_COUNT; i++) {
        const struct config_kind *k = &config_kinds[i];
        struct reading r = {out, k->kind};
        e = store_records(store, k->index, k->prefix, k->type, load_config_row, &r);
    }
    return e;
}
