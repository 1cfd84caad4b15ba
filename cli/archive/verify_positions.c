// verify_positions - whether the archive and the journals fit together: nothing between them is
// lacking.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "cli/archive/verify.h"
#include "common/base/own.h"
#include "common/delivery/envelope.h"

#define TOPIC_TEXT 64

struct pair { // of a topic: where the archive is, and where Redis believes that it is
    struct entry_id archived, told;
};

struct next { // the entry after the archive's position
    const char *topic;
    struct entry_id prev;
    bool there;
};

static err_t take_next(void *arg, const struct journal_entry *entry) {
    struct next *next = arg;
    struct envelope e;
    next->there = envelope_read(next->topic, entry->envelope, &e) == ERR_OK;
    if (next->there) next->prev = e.prev;
    return ERR_OK;
}

static struct entry_id told_position(store_t *store, const char *topic) {
    own(buffer) text = {0};
    struct entry_id at;
    if (store_field(store, "position:archiver", topic, &text) || !text.length) return ENTRY_ID_NONE;
    return entry_id_parse(buffer_string(&text), text.length, &at) ? ENTRY_ID_NONE : at;
}

static void judge_position(store_t *store, const char *topic, const struct pair *at,
                           struct findings *out) {
    char archived[ENTRY_ID_TEXT], other[ENTRY_ID_TEXT], text[200];
    struct next next = {.topic = topic};
    size_t count = 0;
    entry_id_print(at->archived, archived);
    if (entry_id_cmp(at->told, at->archived) > 0) {
        entry_id_print(at->told, other);
        snprintf(text, sizeof text,
                 "the archive ends at %s, and had got to %s: it is older than Redis knows it",
                 archived, other);
        findings_add(out, &(struct finding_row){"behind", topic, archived, NULL, text});
    }
    if (store_journal(store, topic, at->archived, 1, take_next, &next, &count) || !next.there)
        return;
    if (entry_id_cmp(next.prev, at->archived) <= 0) return;
    entry_id_print(next.prev, other);
    snprintf(
        text, sizeof text,
        "the journal no longer holds what comes between %s and %s, and the archive has not got it",
        archived, other);
    findings_add(out, &(struct finding_row){"gap", topic, archived, NULL, text});
}

enum outcome verify_positions(const struct place *place, sql_t *db, struct findings *out,
                              buffer_t *said) {
    char why[240];
    own(store) *store = place_store_quietly(place, "viewer", why);
    own(sql_query) *q = sql_prepare(db, "SELECT topic, position FROM positions ORDER BY topic");
    if (!store || !q) {
        buffer_format(said, "Positions were not compared with the journals: %s. ",
                      store ? "the archive has none" : why);
        return DONE;
    }
    char topics[256][TOPIC_TEXT];
    struct pair pairs[256] = {0};
    size_t n = 0;
    bool row = true;
    // What Redis believes comes first: it may be behind the archive, never ahead.
    while (n < 256 && !sql_step(q, &row) && row) {
        snprintf(topics[n], TOPIC_TEXT, "%s", sql_text(q, 0));
        pairs[n].told = told_position(store, topics[n]);
        n++;
    }
    own(sql_query) *again = sql_prepare(db, "SELECT position FROM positions WHERE topic = ?1");
    for (size_t i = 0; again && i < n; i++) {
        sql_bind_text(again, 1, topics[i]);
        const char *text = !sql_step(again, &row) && row ? sql_text(again, 0) : NULL;
        if (text && !entry_id_parse(text, strlen(text), &pairs[i].archived))
            judge_position(store, topics[i], &pairs[i], out);
        sql_reset(again);
    }
    buffer_format(said, "%zu positions fit the journals or are named above. ", n);
    return DONE;
}
