// deadletter - what could not be handled or read: which there is, what is in it; giving a message
// to its service again.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "cli/operator/entry.h"
#include "cli/place.h"
#include "cli/text.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/delivery/topology.h"
#include "common/service/unreadable.h"
#include "system.pb-c.h"

#define LETTERS_MAX 10000 // of one service

typedef void letter_fn(void *arg, const char *service, const char *id, const DeadLetter *letter);

struct reading {
    const char *service;
    letter_fn *visit;
    void *arg;
};

static err_t read_letter(void *arg, const struct journal_entry *entry) {
    struct reading *r = arg;
    char id[ENTRY_ID_TEXT];
    entry_id_print(entry->id, id);
    DeadLetter *letter = dead_letter__unpack(NULL, entry->envelope.length, entry->envelope.data);
    if (!letter) return ERR_OK;
    r->visit(r->arg, r->service, id, letter);
    dead_letter__free_unpacked(letter, NULL);
    return ERR_OK;
}

static err_t each_letter(const struct call *call, store_t *store, letter_fn *visit, void *arg) {
    struct instance all[INSTANCES_MAX];
    size_t n = topology_instances(call->place.shards, all), count;
    err_t e = ERR_OK;
    for (size_t i = 0; i < n && !e; i++) {
        char key[96];
        struct reading reading = {all[i].name, visit, arg};
        snprintf(key, sizeof key, "deadletter:%s", all[i].name);
        e = store_stream(store, key, ENTRY_ID_NONE, LETTERS_MAX, read_letter, &reading, &count);
    }
    return e;
}

static void list_letter(void *arg, const char *service, const char *id, const DeadLetter *letter) {
    struct sheet *sheet = arg;
    char at[TIME_TEXT];
    time_print(letter->created_at, at);
    const char *cells[] = {service,      id, letter->topic, letter->id,
                           letter->type, at, letter->reason};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) sheet_add(sheet, cells[i]);
}

static enum outcome run_deadletter_list(struct call *call, store_t *store) {
    struct sheet sheet = {0};
    own(buffer) out = {0};
    sheet_start(&sheet, "SERVICE|ID|TOPIC|ENTRY|TYPE|SINCE|REASON");
    err_t e = each_letter(call, store, list_letter, &sheet);
    if (call->json)
        sheet_json(&sheet, &out), buffer_text(&out, "\n");
    else if (sheet.count == sheet.columns)
        buffer_text(&out, "There are no dead letters.\n");
    else
        sheet_print(&sheet, &out);
    sheet_destroy(&sheet);
    if (e)
        return complain_of_call(NO_REACH, "the dead letters cannot be read: %s",
                                store_trouble(store));
    print_out(&out);
    return DONE;
}

// One that a service could not read; its body is what stood there, as JSON or as Redis gave it.
static bool is_record(const DeadLetter *letter) {
    return strcmp(letter->topic, UNREADABLE_TOPIC) == 0;
}

struct looking {
    const char *service, *id;
    bool found;
    buffer_t out;
};

// What it says about itself, and its body as what it was meant to be.
static void show_letter(void *arg, const char *service, const char *id, const DeadLetter *letter) {
    struct looking *l = arg;
    if (strcmp(service, l->service) != 0 || strcmp(id, l->id) != 0) return;
    own(arena) *arena = arena_new(0);
    struct envelope e = {.body = {letter->body.data, letter->body.len}};
    snprintf(e.type, sizeof e.type, "%s", letter->type);
    const ProtobufCMessage *m = envelope_open(&e, arena);
    l->found = true;
    buffer_text(&l->out, "{\"letter\":");
    record_to_json(&letter->base, &l->out);
    buffer_text(&l->out, ",\"body\":");
    if (is_record(letter))
        buffer_json_string(&l->out, (const char *)letter->body.data, letter->body.len);
    else if (m)
        record_to_json(m, &l->out);
    else
        buffer_text(&l->out, "null");
    buffer_text(&l->out, "}\n");
}

static enum outcome run_deadletter_show(struct call *call, store_t *store) {
    struct looking looking = {.service = call->args[1], .id = call->args[2]};
    err_t e = each_letter(call, store, show_letter, &looking);
    print_out(&looking.out);
    buffer_destroy(&looking.out);
    if (e)
        return complain_of_call(NO_REACH, "the dead letters cannot be read: %s",
                                store_trouble(store));
    return looking.found ? DONE
                         : complain_of_call(ANSWER_NO, "%s has no dead letter %s", looking.service,
                                            looking.id);
}

static enum outcome redrive_one(struct call *call, const char *service, const char *id) {
    const struct question question = {
        .service = service, .verb = "deadletter-redrive", .args = {id}, .n_args = 1};
    return ask_and_say(call, &question);
}

struct redriving {
    struct call *call;
    const char *service;
    enum outcome outcome;
};

static void redrive_letter(void *arg, const char *service, const char *id,
                           const DeadLetter *letter) {
    struct redriving *r = arg;
    if (strcmp(service, r->service) != 0 || r->outcome == NO_REACH || is_record(letter)) return;
    enum outcome outcome = redrive_one(r->call, service, id);
    if (outcome != DONE) r->outcome = outcome;
}

static enum outcome run_deadletter_redrive(struct call *call, store_t *store) {
    if (!call_flag(call, "all")) return redrive_one(call, call->args[1], call->args[2]);
    struct redriving redriving = {call, call->args[1], DONE};
    if (each_letter(call, store, redrive_letter, &redriving))
        return complain_of_call(NO_REACH, "%s", store_trouble(store));
    return redriving.outcome;
}

static enum outcome run_deadletter_drop(struct call *call, store_t *store) {
    const struct question question = {
        .service = call->args[1], .verb = "deadletter-drop", .args = {call->args[2]}, .n_args = 1};
    (void)store;
    return ask_and_say(call, &question);
}

enum outcome run_deadletter(struct call *call) {
    static const struct {
        const char *name;
        unsigned args;
        enum outcome (*run)(struct call *call, store_t *store);
    } verbs[] = {{"list", 1, run_deadletter_list},
                 {"show", 3, run_deadletter_show},
                 {"redrive", 3, run_deadletter_redrive},
                 {"drop", 3, run_deadletter_drop}};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        bool all = call_flag(call, "all") && verbs[i].run == run_deadletter_redrive;
        if (strcmp(call->args[0], verbs[i].name) != 0 || call->n_args != (all ? 2 : verbs[i].args))
            continue;
        own(store) *store = place_store(&call->place, "viewer");
        return store ? verbs[i].run(call, store) : NO_REACH;
    }
    return complain_of_call(WRONG_USE, "usage: tradecast deadletter %s", call->command->arguments);
}
