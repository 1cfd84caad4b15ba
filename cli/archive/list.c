// list - what the archive has: asked of the archiver, or read from its file when it is not running.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "archive.pb-c.h"
#include "cli/archive/listing.h"
#include "cli/period.h"
#include "cli/place.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "services/archiver/query/query.h"

#define LIMIT 100

static bool read_list_time(const struct call *call, const char *flag, protobuf_c_boolean *has,
                           uint64_t *out) {
    const char *text = call_flag(call, flag);
    *has = text != NULL;
    if (!text || period_read(text, clock_utc_ns(), out)) return true;
    (void)complain_of_call(
        WRONG_USE, "--%s is a time such as 2026-11-01, 2026-11-01T10:00:00Z or 7d, not \"%s\"",
        flag, text);
    return false;
}

static bool read_query(const struct call *call, ArchiveQuery *q) {
    unsigned long limit;
    if (!read_list_time(call, "since", &q->has_since, &q->since) ||
        !read_list_time(call, "until", &q->has_until, &q->until))
        return false;
    if (!call_number(call, "limit", LIMIT, &limit)) return false;
    if (limit < 1 || limit > QUERY_ROWS_MAX) {
        (void)complain_of_call(WRONG_USE, "--limit is 1 to %d; --after gets the next page",
                               QUERY_ROWS_MAX);
        return false;
    }
    q->what = (char *)(uintptr_t)call->command->name;
    q->has_limit = true, q->limit = (uint32_t)limit;
    const struct {
        const char *flag;
        char **place;
    } texts[] = {{"account", &q->account_id}, {"symbol", &q->symbol},
                 {"strategy", &q->strategy},  {"state", &q->state},
                 {"signal", &q->signal_id},   {"broker", &q->broker_id},
                 {"after", &q->after},        {"by", &q->by}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i].place = (char *)(uintptr_t)call_flag(call, texts[i].flag);
    return true;
}

// The archiver's answer; without an archiver, that of its file.
static enum outcome query_archive(const struct call *call, const ArchiveQuery *q, buffer_t *out) {
    own(buffer) body = {0};
    char why[200];
    size_t size = archive_query__get_packed_size(q);
    body.length = archive_query__pack(q, buffer_reserve(&body, size));
    struct question question = {
        .service = "archiver", .verb = "query", .door = "query", .body = {body.data, body.length}};
    enum outcome outcome = ask_service(&call->place, &question, out);
    if (outcome != NO_REACH) return outcome;
    own(sql) *db = place_archive(&call->place, why);
    if (!db) return outcome;
    buffer_clear(out);
    return query_answer(db, q, out) ? DONE : ANSWER_NO;
}

enum outcome run_list(struct call *call) {
    ArchiveQuery q = ARCHIVE_QUERY__INIT;
    own(buffer) answer = {0}, out = {0};
    if (!read_query(call, &q)) return WRONG_USE;
    enum outcome outcome = query_archive(call, &q, &answer);
    const char *text = buffer_string(&answer);
    if (outcome != DONE) return complain_of_call(outcome, "%s", text);
    bool told = true;
    if (call->json)
        buffer_format(&out, "%s\n", text);
    else if (call_flag(call, "csv"))
        told = listing_csv(q.what, text, &out);
    else
        told = listing_table(listing_find(q.what), text, &out);
    print_out(&out);
    return told ? DONE
                : complain_of_call(
                      NO_REACH,
                      "the archiver answered something that this version does not understand");
}
