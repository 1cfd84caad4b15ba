// journal - the topics' journals: which there are, and what is in them, decoded.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "cli/operator/entry.h"
#include "cli/operator/stream.h"
#include "cli/place.h"
#include "cli/text.h"
#include "common/base/own.h"
#include "common/delivery/topology.h"
#include "common/redis/journal.h"

static enum outcome list_journals(struct call *call, store_t *store) {
    struct instance all[INSTANCES_MAX];
    size_t n = topology_instances(call->place.shards, all);
    struct sheet sheet = {0};
    sheet_start(&sheet, "TOPIC|OWNER|>ENTRIES|FIRST|HEAD");
    for (size_t i = 0; i < n; i++) {
        struct stream topics[INSTANCES_MAX];
        size_t n_topics = topology_outlets(&all[i], call->place.shards, topics);
        for (size_t t = 0; t < n_topics; t++) {
            struct journal journal;
            if (journal_look(store, topics[t].name, &journal)) continue;
            sheet_add(&sheet, topics[t].name);
            sheet_add(&sheet, all[i].name);
            sheet_format(&sheet, "%llu", (unsigned long long)journal.length);
            sheet_add(&sheet, journal.first);
            sheet_add(&sheet, journal.head);
        }
    }
    print_sheet(call, &sheet);
    return DONE;
}

struct show_journal {
    const struct call *call;
    const char *topic;
    struct filter filter;
    arena_t *arena;
    buffer_t out;
};

static err_t show_entry(void *arg, const struct journal_entry *entry) {
    struct show_journal *s = arg;
    struct envelope e;
    arena_reset(s->arena);
    if (envelope_read(s->topic, entry->envelope, &e)) {
        char id[ENTRY_ID_TEXT];
        entry_id_print(entry->id, id);
        (void)complain_of_call(ANSWER_NO, "%s %s is damaged: its check does not hold", s->topic,
                               id);
        return ERR_OK;
    }
    const ProtobufCMessage *m = envelope_open(&e, s->arena);
    if (m && !filter_takes(&s->filter, m)) return ERR_OK;
    if (s->call->json)
        entry_json(s->topic, &e, m, 0, &s->out);
    else
        entry_line(s->topic, &e, m, 0, &s->out);
    return ERR_OK;
}

// The id before: entries after it are those from `text` on.
static bool id_before(const char *text, struct entry_id *out) {
    *out = ENTRY_ID_NONE;
    if (!text) return true;
    if (entry_id_parse(text, strlen(text), out)) return false;
    if (out->sequence)
        out->sequence--;
    else if (out->incarnation)
        *out = (struct entry_id){out->incarnation - 1, UINT64_MAX};
    return true;
}

static enum outcome show_journal(struct call *call, store_t *store) {
    unsigned long most;
    struct entry_id after;
    size_t count = 0;
    if (call->n_args != 2)
        return complain_of_call(WRONG_USE, "usage: tradecast journal show TOPIC");
    if (!call_number(call, "count", 20, &most)) return WRONG_USE;
    if (!id_before(call_flag(call, "from"), &after))
        return complain_of_call(WRONG_USE, "--from must be an id such as 1742638530123-7");
    struct show_journal s = {.call = call, .topic = call->args[1], .arena = arena_new(0)};
    s.filter = (struct filter){call_flag(call, "type"), call_flag(call, "account"),
                               call_flag(call, "symbol")};
    err_t e = store_journal(store, s.topic, after, most, show_entry, &s, &count);
    print_out(&s.out);
    arena_destroy(&s.arena);
    buffer_destroy(&s.out);
    if (e)
        return complain_of_call(NO_REACH, JOURNAL "%s cannot be read: %s", s.topic,
                                store_trouble(store));
    if (!count)
        return complain_of_call(
            ANSWER_NO, JOURNAL "%s has no entry there; tradecast journal list shows what there is",
            s.topic);
    return DONE;
}

enum outcome run_journal(struct call *call) {
    const char *what = call->args[0];
    bool showing = strcmp(what, "show") == 0;
    if (!showing && strcmp(what, "list") != 0)
        return complain_of_call(WRONG_USE, "journal list, or journal show TOPIC; not \"%s\"", what);
    own(store) *store = place_store(&call->place, "viewer");
    if (!store) return NO_REACH;
    return showing ? show_journal(call, store) : list_journals(call, store);
}
