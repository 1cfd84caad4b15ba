// journal - what a topic's journal in Redis says of itself.
// SPDX-License-Identifier: MIT
#include "common/redis/journal.h"

#include "common/delivery/envelope.h"

struct oldest {
    const char *topic;
    struct entry_id *before;
};

static err_t read_prev(void *arg, const struct journal_entry *entry) {
    struct oldest *o = arg;
    struct envelope e;
    if (!envelope_read(o->topic, entry->envelope, &e)) *o->before = e.prev;
    return ERR_OK;
}

err_t journal_beginning(store_t *store, const char *topic, struct entry_id *before) {
    struct oldest oldest = {topic, before};
    size_t count = 0;
    *before = ENTRY_ID_NONE;
    return store_journal(store, topic, ENTRY_ID_NONE, 1, read_prev, &oldest, &count);
}
