// recording_tools - what is in recordings; parts of one, and several as one.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/operator/entry.h"
#include "cli/place.h"
#include "cli/text.h"
#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/own.h"
#include "common/delivery/envelope.h"
#include "replay/commands.h"
#include "replay/recording.h"

// --- what is looked for

struct part {
    struct filter filter;
    const char *topic, *signal;
    uint64_t from, until; // heard, UTC ns; 0: no bound
};

static bool read_time_flag(const struct call *call, const char *flag, uint64_t *out) {
    const char *text = call_flag(call, flag);
    *out = 0;
    if (!text || time_parse(text, strlen(text), out) == ERR_OK) return true;
    (void)complain_of_call(WRONG_USE, "--%s must be a time such as 2026-01-31T10:15:30Z", flag);
    return false;
}

static bool read_part_flags(const struct call *call, struct part *out) {
    *out = (struct part){
        .filter = {call_flag(call, "type"), call_flag(call, "account"), call_flag(call, "symbol")},
        .topic = call_flag(call, "topic"),
        .signal = call_flag(call, "signal")};
    return read_time_flag(call, "from", &out->from) && read_time_flag(call, "until", &out->until);
}

static struct envelope envelope_of(const struct recorded *r) {
    struct envelope e = {.id = r->id, .prev = r->prev, .body = r->body};
    (void)snprintf(e.type, sizeof e.type, "%s", r->type);
    return e;
}

static bool part_takes(const struct part *p, const struct recorded *r, const ProtobufCMessage *m) {
    if ((p->from && r->at < p->from) || (p->until && r->at >= p->until)) return false;
    if (p->topic && strncmp(r->topic, p->topic, strlen(p->topic)) != 0) return false;
    if (!p->filter.type && !p->filter.account && !p->filter.symbol && !p->signal) return true;
    return m && filter_takes(&p->filter, m) && (!p->signal || filter_has_signal(m, p->signal));
}

// false: enough
typedef bool record_fn(void *arg, const struct recorded *r, const ProtobufCMessage *m);

// Every record that is wanted. True when the file could be read to its end.
static bool visit_wanted_records(const char *path, const struct part *part, record_fn *visit,
                                 void *arg) {
    char why[200];
    struct recorded r;
    own(recording) *file = recording_open(path, why);
    if (!file) return complain_of_call(WRONG_USE, "%s", why), false;
    own(arena) *arena = arena_new(0);
    while (recording_next(file, &r)) {
        const struct envelope e = envelope_of(&r);
        arena_reset(arena);
        const ProtobufCMessage *m = envelope_open(&e, arena);
        if (part_takes(part, &r, m) && !visit(arg, &r, m)) return true;
    }
    if (recording_torn(file))
        (void)complain_of_call(
            ANSWER_NO, "%s: its last record is not whole; what stands before it was read", path);
    return true;
}

// --- info

struct topic_row {
    char name[64];
    uint64_t messages, bytes, first, last, holes;
    struct entry_id at;
    UT_hash_handle hh;
};

static bool count_topic_record(void *arg, const struct recorded *r, const ProtobufCMessage *m) {
    struct topic_row **rows = arg, *row;
    (void)m;
    HASH_FIND_STR(*rows, r->topic, row);
    if (!row) {
        row = alloc_zeroed(1, sizeof *row);
        (void)snprintf(row->name, sizeof row->name, "%s", r->topic);
        row->first = r->at;
        HASH_ADD_STR(*rows, name, row);
    }
    if (row->at.incarnation && r->id.incarnation && entry_id_cmp(r->prev, row->at) > 0)
        row->holes++;
    row->at = r->id;
    row->messages++;
    row->bytes += r->body.length;
    row->last = r->at;
    return true;
}

static int by_name(const struct topic_row *a, const struct topic_row *b) {
    return strcmp(a->name, b->name);
}

static enum outcome run_recording_info(const struct call *call, const struct part *part) {
    struct topic_row *rows = NULL, *row, *next;
    struct sheet sheet = {0};
    if (!visit_wanted_records(call->args[1], part, count_topic_record, &rows)) return WRONG_USE;
    sheet_start(&sheet, "TOPIC|>MESSAGES|>BYTES|>HOLES|FIRST|LAST");
    HASH_SORT(rows, by_name);
    HASH_ITER(hh, rows, row, next) {
        char first[TIME_TEXT], last[TIME_TEXT];
        (void)time_print(row->first, first);
        (void)time_print(row->last, last);
        sheet_add(&sheet, row->name);
        sheet_format(&sheet, "%llu", (unsigned long long)row->messages);
        sheet_format(&sheet, "%llu", (unsigned long long)row->bytes);
        sheet_format(&sheet, "%llu", (unsigned long long)row->holes);
        sheet_add(&sheet, first);
        sheet_add(&sheet, last);
        HASH_DEL(rows, row);
        free(row);
    }
    print_sheet(call, &sheet);
    return DONE;
}

// --- cat

struct printing {
    const struct call *call;
    buffer_t out;
};

static bool print_record(void *arg, const struct recorded *r, const ProtobufCMessage *m) {
    struct printing *p = arg;
    const struct envelope e = envelope_of(r);
    if (p->call->json)
        entry_json(r->topic, &e, m, r->at, &p->out);
    else
        entry_line(r->topic, &e, m, r->at, &p->out);
    print_out(&p->out);
    return !ferror(stdout);
}

static enum outcome run_recording_cat(const struct call *call, const struct part *part) {
    struct printing p = {.call = call};
    bool read = visit_wanted_records(call->args[1], part, print_record, &p);
    buffer_destroy(&p.out);
    return read ? DONE : WRONG_USE;
}

// --- cut

static bool copy_record(void *arg, const struct recorded *r, const ProtobufCMessage *m) {
    (void)m;
    return recording_add(arg, r);
}

static recording_t *new_file(const struct call *call, const char *path) {
    char why[200];
    recording_t *file = recording_create(path, call_flag(call, "compress") != NULL, why);
    if (!file) (void)complain_of_call(WRONG_USE, "%s", why);
    return file;
}

static enum outcome run_recording_cut(const struct call *call, const struct part *part) {
    if (call->n_args != 3)
        return complain_of_call(WRONG_USE, "usage: tradecast recording cut FILE NEW");
    own(recording) *out = new_file(call, call->args[2]);
    if (!out || !visit_wanted_records(call->args[1], part, copy_record, out)) return WRONG_USE;
    return recording_flush(out) ? DONE
                                : complain_of_call(NO_REACH, "%s cannot be written", call->args[2]);
}

// --- merge: by time; an entry that several have is taken once

struct merged {
    recording_t *file;
    struct recorded next;
    bool has;
};

struct seen {
    char key[64 + ENTRY_ID_TEXT + 1];
    UT_hash_handle hh;
};

// An entry of a topic is known by its id; prices have none.
static bool is_new_record(struct seen **all, const struct recorded *r) {
    struct seen *s;
    char id[ENTRY_ID_TEXT], key[sizeof s->key];
    if (!r->id.incarnation) return true;
    entry_id_print(r->id, id);
    (void)snprintf(key, sizeof key, "%.63s %s", r->topic, id);
    HASH_FIND_STR(*all, key, s);
    if (s) return false;
    s = alloc_zeroed(1, sizeof *s);
    memcpy(s->key, key, sizeof key);
    HASH_ADD_STR(*all, key, s);
    return true;
}

static struct merged *find_earliest_source(struct merged *sources, size_t n) {
    struct merged *first = NULL;
    for (size_t i = 0; i < n; i++) {
        if (sources[i].has && (!first || sources[i].next.at < first->next.at)) first = &sources[i];
    }
    return first;
}

static enum outcome merge_all(struct merged *sources, size_t n, recording_t *out) {
    struct seen *all = NULL, *s, *next;
    bool written = true;
    for (struct merged *from; written && (from = find_earliest_source(sources, n)) != NULL;) {
        if (is_new_record(&all, &from->next)) written = recording_add(out, &from->next);
        from->has = recording_next(from->file, &from->next);
    }
    HASH_ITER(hh, all, s, next) {
        HASH_DEL(all, s);
        free(s);
    }
    return written && recording_flush(out)
               ? DONE
               : complain_of_call(NO_REACH, "the new file cannot be written");
}

static enum outcome run_recording_merge(const struct call *call, const struct part *part) {
    struct merged sources[ARGS_MAX] = {0};
    size_t n = call->n_args - 2; // between the word and the new file
    (void)part;
    if (call->n_args < 4)
        return complain_of_call(WRONG_USE, "usage: tradecast recording merge FILE FILE ... NEW");
    enum outcome outcome = DONE;
    for (size_t i = 0; outcome == DONE && i < n; i++) {
        char why[200];
        sources[i].file = recording_open(call->args[i + 1], why);
        if (!sources[i].file)
            outcome = complain_of_call(WRONG_USE, "%s", why);
        else
            sources[i].has = recording_next(sources[i].file, &sources[i].next);
    }
    recording_t *out = outcome == DONE ? new_file(call, call->args[n + 1]) : NULL;
    if (outcome == DONE) outcome = out ? merge_all(sources, n, out) : WRONG_USE;
    recording_destroy(&out);
    for (size_t i = 0; i < n; i++) recording_destroy(&sources[i].file);
    return outcome;
}

enum outcome run_recording(struct call *call) {
    static const struct {
        const char *word;
        enum outcome (*run)(const struct call *call, const struct part *part);
    } words[] = {{"info", run_recording_info},
                 {"cat", run_recording_cat},
                 {"cut", run_recording_cut},
                 {"merge", run_recording_merge}};
    struct part part;
    if (!read_part_flags(call, &part)) return WRONG_USE;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(call->args[0], words[i].word) == 0) return words[i].run(call, &part);
    }
    return complain_of_call(WRONG_USE, "recording info, cat, cut or merge; not \"%s\"",
                            call->args[0]);
}
