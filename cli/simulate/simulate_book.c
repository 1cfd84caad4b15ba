// simulate_book - a document as the configuration that it would be.
// SPDX-License-Identifier: MIT
#include "cli/simulate/simulate.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "services/archiver/config/document.h"

static bool visit_changes(config_t *wanted, uint64_t now, simulated_change_fn *visit, void *arg) {
    own(arena) *arena = arena_new(0);
    own(config) *none = config_new();
    ConfigChange **changes;
    size_t n = config_diff(none, wanted, now, arena, &changes);
    for (size_t i = 0; i < n; i++) {
        if (!visit(arg, changes[i])) return false;
    }
    return true;
}

// Nobody has to show a token here: sources without one (config export prints none) keep this, which
// no token has.
static void hold_sources(struct span document, config_t *held) {
    static char none[] = "0000000000000000000000000000000000000000000000000000000000000000";
    own(arena) *arena = arena_new(0);
    ProtobufCMessage *m;
    struct fault fault;
    if (record_from_json(&config_document__descriptor, document.data, document.length, "", arena,
                         &m, &fault))
        return; // config_read says why
    const ConfigDocument *d = (const ConfigDocument *)m;
    for (size_t i = 0; i < d->n_sources; i++) {
        SignalConfig row = SIGNAL_CONFIG__INIT;
        row.config_id = d->sources[i]->config_id;
        row.token_hash = none;
        config_put(held, CONFIG_CHANGE__KIND__signal_config, &row.base, NULL);
    }
}

bool simulated_config(struct span document, uint64_t now, simulated_change_fn *visit, void *arg,
                      buffer_t *why) {
    own(config) *held = config_new();
    struct complaints complaints = {0};
    hold_sources(document, held);
    own(config) *wanted =
        config_read(&(struct config_reading){.held = held}, document, &complaints);
    bool good = wanted && visit_changes(wanted, now, visit, arg);
    buffer_add(why, complaints.text.data, complaints.text.length);
    buffer_destroy(&complaints.text);
    return good;
}

static bool apply_change(void *arg, const ConfigChange *change) {
    return book_apply(arg, change) == ERR_OK;
}

bool simulated_book(struct span document, uint64_t now, book_t *book, buffer_t *why) {
    return simulated_config(document, now, apply_change, book, why);
}
