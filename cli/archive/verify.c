// verify - whether an archive is whole and as it was written: file, hashes, chain, positions.
// SPDX-License-Identifier: MIT
#include "cli/archive/verify.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/own.h"
#include "services/archiver/chain/check.h"
#include "services/archiver/rows/signals.h"

struct verification {
    struct findings findings;
    struct sheet days;
    struct chain_sum chain;
    uint64_t signals;
    buffer_t journals;
};

void findings_add(struct findings *self, const struct finding_row *row) {
    if (self->wrong++ >= FINDINGS_SHOWN) return;
    const char *cells[] = {row->wrong, row->where, row->id, row->at, row->text};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) sheet_add(&self->sheet, cells[i]);
}

// The file.

enum outcome verify_file(sql_t *db, struct findings *out) {
    static const struct {
        const char *pragma, *wrong;
    } looks[] = {{"PRAGMA integrity_check(20)", "damaged"}, {"PRAGMA foreign_key_check", "orphan"}};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        own(sql_query) *q = sql_prepare(db, looks[i].pragma);
        bool row = true;
        err_t e = q ? ERR_OK : ERR_DISK;
        while (!e && !(e = sql_step(q, &row)) && row) {
            const char *said = sql_text(q, 0);
            if (said && strcmp(said, "ok") != 0)
                findings_add(out, &(struct finding_row){looks[i].wrong, "file", NULL, NULL, said});
        }
        if (e)
            findings_add(out,
                         &(struct finding_row){"damaged", "file", NULL, NULL, sql_trouble(db)});
    }
    return DONE;
}

enum outcome verify_signals(sql_t *db, struct findings *out, uint64_t *n) {
    own(sql_query) *q = sql_prepare(db, "SELECT signal_id, symbol, action, entry_price, "
                                        "target_price, stop_price, confidence, strategy,"
                                        " timestamp, sha256, created_at FROM signals ORDER BY id");
    own(arena) *arena = arena_new(0);
    bool row = true;
    *n = 0;
    if (!q)
        return complain_of_call(NO_REACH,
                                "the archive has no table signals that this version knows: %s",
                                sql_trouble(db));
    for (ProtobufCMessage *m; !sql_step(q, &row) && row; ++*n) {
        char right[SHA256_TEXT] = "";
        arena_reset(arena);
        bool readable = !sql_row(q, &signal_row__descriptor, arena, &m);
        if (readable) signal_sha256((const SignalRow *)m, right);
        const char *kept = sql_text(q, 9);
        if (readable && kept && strcmp(kept, right) == 0) continue;
        findings_add(out, &(struct finding_row){
                              "sha256", "signals", sql_text(q, 0), sql_text(q, 10),
                              readable ? "its columns are not those that sha256 was taken over"
                                       : "a column cannot be read"});
    }
    return DONE;
}

// The chain.

static void take_fault(void *arg, const struct chain_fault *f) {
    struct verification *v = arg;
    char batch[40] = "";
    if (f->batch && !f->key) snprintf(batch, sizeof batch, "batch %lld", (long long)f->batch);
    findings_add(&v->findings, &(struct finding_row){f->what, f->table ? f->table : "chain",
                                                     f->key ? f->key : batch, f->at, f->text});
}

static void take_day(void *arg, const struct chain_day *day) {
    struct sheet *days = &((struct verification *)arg)->days;
    sheet_add(days, day->day);
    sheet_format(days, "%lld", (long long)day->batches);
    sheet_format(days, "%lld", (long long)day->rows);
    sheet_add(days, day->removed ? "removed" : day->over ? "closed" : "open");
    sheet_add(days, day->hash);
}

static enum outcome verify_chain(sql_t *db, struct verification *v) {
    const struct chain_look look = {v, take_fault, take_day};
    err_t e = chain_check(db, &look, &v->chain);
    if (!e) return DONE;
    return complain_of_call(
        NO_REACH, "the chain cannot be checked: %s%s", sql_trouble(db),
        e == ERR_CONFIG ? "; an archive of an older version has it after the archiver's next start"
                        : "");
}

// Telling.

static void print_verification(const struct verification *v, const char *path, buffer_t *out) {
    if (v->findings.wrong) {
        sheet_print(&v->findings.sheet, out);
        if (v->findings.wrong > FINDINGS_SHOWN)
            buffer_format(out, "... and %llu more\n",
                          (unsigned long long)v->findings.wrong - FINDINGS_SHOWN);
        buffer_text(out, "\n");
    }
    sheet_print(&v->days, out);
    buffer_format(out, "\n%s: %llu signals, %lld entries in %lld batches. ", path,
                  (unsigned long long)v->signals, (long long)v->chain.rows,
                  (long long)v->chain.batches);
    if (v->journals.length) buffer_add(out, v->journals.data, v->journals.length);
    if (v->findings.wrong)
        buffer_format(out, "%llu wrong.\n", (unsigned long long)v->findings.wrong);
    else
        buffer_text(out, "As it was written.\n");
}

static void tell_json(const struct verification *v, const char *path, buffer_t *out) {
    buffer_text(out, "{\"file\":");
    buffer_json_string(out, path, strlen(path));
    buffer_format(
        out, ",\"signals\":%llu,\"batches\":%lld,\"entries\":%lld,\"wrong\":%llu,\"findings\":",
        (unsigned long long)v->signals, (long long)v->chain.batches, (long long)v->chain.rows,
        (unsigned long long)v->findings.wrong);
    sheet_json(&v->findings.sheet, out);
    buffer_text(out, ",\"days\":");
    sheet_json(&v->days, out);
    buffer_text(out, "}\n");
}

// An audit log alone: no chain says which lines there were, so what is missing is not found.
static enum outcome run_verify_log(const struct call *call, const char *path) {
    struct findings found = {.wrong = 0};
    uint64_t lines = 0;
    own(buffer) out = {0};
    sheet_start(&found.sheet, "WRONG|WHERE|ID|WHEN|WHAT");
    enum outcome outcome = verify_log(path, &found, &lines);
    if (call->json) {
        buffer_text(&out, "{\"file\":");
        buffer_json_string(&out, path, strlen(path));
        buffer_format(&out,
                      ",\"signals\":%llu,\"wrong\":%llu,\"findings\":", (unsigned long long)lines,
                      (unsigned long long)found.wrong);
        sheet_json(&found.sheet, &out);
        buffer_text(&out, "}\n");
    } else {
        if (found.wrong) sheet_print(&found.sheet, &out);
        buffer_format(&out, "%s: %llu signals, %llu wrong.\n", path, (unsigned long long)lines,
                      (unsigned long long)found.wrong);
    }
    if (outcome == DONE) print_out(&out);
    sheet_destroy(&found.sheet);
    return outcome == DONE && found.wrong ? ANSWER_NO : outcome;
}

static enum outcome look_at_all(struct call *call, sql_t *db, struct verification *v) {
    enum outcome outcome = verify_file(db, &v->findings);
    if (outcome == DONE) outcome = verify_signals(db, &v->findings, &v->signals);
    if (outcome == DONE) outcome = verify_chain(db, v);
    if (outcome == DONE && !call->n_args)
        outcome = verify_positions(&call->place, db, &v->findings, &v->journals);
    return outcome;
}

enum outcome run_verify(struct call *call) {
    struct verification v = {.signals = 0};
    const char *log = call_flag(call, "log");
    if (log && call->n_args)
        return complain_of_call(WRONG_USE, "either an archive or --log, not both");
    if (log) return run_verify_log(call, log);
    const char *path = call->n_args ? call->args[0] : call->place.archive;
    char why[200];
    if (access(path, R_OK) != 0)
        return complain_of_call(NO_REACH, "%s cannot be read; is --dir right?", path);
    own(sql) *db = sql_open(path, SQL_READ, why);
    if (!db) return complain_of_call(NO_REACH, "%s", why);
    sheet_start(&v.findings.sheet, "WRONG|WHERE|ID|WHEN|WHAT");
    sheet_start(&v.days, "DAY|>BATCHES|>ENTRIES|STATE|HASH");
    enum outcome outcome = look_at_all(call, db, &v);
    own(buffer) out = {0};
    if (outcome == DONE || v.findings.wrong)
        (call->json ? tell_json : print_verification)(&v, path, &out);
    print_out(&out);
    sheet_destroy(&v.findings.sheet);
    sheet_destroy(&v.days);
    buffer_destroy(&v.journals);
    return outcome != DONE ? outcome : v.findings.wrong ? ANSWER_NO : DONE;
}
