// simulate_book - a document as the configuration that it would be.
// SPDX-License-Identifier: MIT
#include "common/own.h"
#include "services/archiver/config_document.h"
#include "simulate.h"

#define SHARDS_MOST 1024 // whatever shard an account names is there

static bool take(config_t *wanted, uint64_t now, book_t *book) {
    own(arena) *arena = arena_new(0);
    own(config) *none = config_new();
    ConfigChange **changes;
    size_t n = config_diff(none, wanted, now, arena, &changes);
    for (size_t i = 0; i < n; i++) {
        if (book_apply(book, changes[i])) return false;
    }
    return true;
}

bool simulated_book(struct span document, uint64_t now, book_t *book, buffer_t *why) {
    own(config) *none = config_new();
    struct complaints complaints = {0};
    own(config) *wanted = config_read(&(struct config_reading){.held = none, .shards = SHARDS_MOST}, document, &complaints);
    bool good = wanted && take(wanted, now, book);
    buffer_add(why, complaints.text.data, complaints.text.length);
    buffer_destroy(&complaints.text);
    return good;
}
