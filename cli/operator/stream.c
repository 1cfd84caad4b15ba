// stream - where a journal begins and ends.
// SPDX-License-Identifier: MIT
#include "cli/operator/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/place.h"
#include "common/base/own.h"
#include "common/redis/journal.h"

static void take_line(buffer_t *reply, char out[static ENTRY_ID_TEXT]) {
    const char *text = buffer_string(reply);
    size_t n = strcspn(text, "\n");
    snprintf(out, ENTRY_ID_TEXT, "%.*s", n < ENTRY_ID_TEXT ? (int)n : 0, text);
}

err_t stream_length(store_t *store, const char *key, uint64_t *out) {
    own(buffer) reply = {0};
    err_t e = REDIS(store, &reply, "XLEN", key);
    *out = e ? 0 : strtoull(buffer_string(&reply), NULL, 10);
    return e;
}

// "last-generated-id" of XINFO STREAM: what a trimmed stream still knows.
static err_t look_at_head(store_t *store, const char *key, char out[static ENTRY_ID_TEXT]) {
    static const char name[] = "last-generated-id\n";
    own(buffer) reply = {0};
    err_t e = REDIS(store, &reply, "XINFO", "STREAM", key);
    *out = 0;
    if (e) return e == ERR_STORE ? e : ERR_OK; // there is no such stream yet
    const char *found = strstr(buffer_string(&reply), name);
    if (!found) return ERR_OK;
    found += sizeof name - 1;
    snprintf(out, ENTRY_ID_TEXT, "%.*s", (int)strcspn(found, "\n"), found);
    return ERR_OK;
}

err_t journal_look(store_t *store, const char *topic, struct journal *out) {
    char key[JOURNAL_KEY_TEXT];
    own(buffer) reply = {0};
    *out = (struct journal){.length = 0};
    journal_key(topic, key);
    err_t e = stream_length(store, key, &out->length);
    if (!e && out->length) e = REDIS(store, &reply, "XRANGE", key, "-", "+", "COUNT", "1");
    if (!e) take_line(&reply, out->first);
    return e ? e : look_at_head(store, key, out->head);
}

static err_t pass_entry(void *arg, const struct journal_entry *entry) {
    (void)arg, (void)entry;
    return ERR_OK;
}

err_t journal_lag(store_t *store, const char *topic, struct entry_id position,
                  const struct journal *journal, uint64_t *out) {
    struct entry_id head;
    size_t count = 0;
    *out = 0;
    if (!journal->length || entry_id_parse(journal->head, strlen(journal->head), &head) ||
        entry_id_cmp(position, head) >= 0)
        return ERR_OK;
    if (position.incarnation == head.incarnation) {
        *out = head.sequence - position.sequence;
        return ERR_OK;
    }
    err_t e = store_journal(store, topic, position, LAG_COUNTED, pass_entry, NULL, &count);
    *out = count;
    return e;
}

err_t journal_position(store_t *store, const char *service, const char *topic, struct entry_id *out,
                       bool *known) {
    char key[96];
    own(buffer) text = {0};
    (void)snprintf(key, sizeof key, "position:%s", service);
    err_t e = store_field(store, key, topic, &text);
    *known = !e && text.length && !entry_id_parse(buffer_string(&text), text.length, out);
    if (!*known) *out = ENTRY_ID_NONE;
    return e;
}

err_t journal_behind(store_t *store, const char *service, const char *topic, uint64_t *out) {
    struct journal journal;
    struct entry_id position;
    bool known;
    err_t e = journal_look(store, topic, &journal);
    if (!e) e = journal_position(store, service, topic, &position, &known);
    return e ? e : journal_lag(store, topic, position, &journal, out);
}
