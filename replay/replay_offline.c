// replay_offline - what services did in a recording, done again: what is as it was and what is not.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/base/own.h"
#include "replay/offline.h"

struct sums {
    unsigned long same, different, missing;
};

static struct sums sums_of(const struct offline_result *r) {
    struct sums s = {0};
    for (size_t i = 0; i < r->n; i++) {
        s.same += r->services[i].messages.same;
        s.different += r->services[i].messages.different;
        s.missing += r->services[i].missing;
    }
    return s;
}

static void fill_services(const struct offline_result *r, struct sheet *sheet) {
    sheet_start(sheet, "SERVICE|>BATCHES|>NOT_RECORDED|>AS_RECORDED|>ROUNDED|>DIFFERENT");
    for (size_t i = 0; i < r->n; i++) {
        const struct offline_service *s = &r->services[i];
        sheet_add(sheet, s->service);
        sheet_format(sheet, "%lu", s->batches);
        sheet_format(sheet, "%lu", s->missing);
        sheet_format(sheet, "%lu", s->messages.same);
        sheet_format(sheet, "%lu", s->messages.rounded);
        sheet_format(sheet, "%lu", s->messages.different);
    }
}

static void print_offline_result(const struct call *call, const struct offline_result *r) {
    struct sheet services = {0};
    own(buffer) out = {0};
    fill_services(r, &services);
    if (call->json) {
        buffer_text(&out, "{\"services\":");
        sheet_json(&services, &out);
        buffer_format(&out, ",\"different\":%lu,\"rows\":", sums_of(r).different);
        sheet_json(&r->compared.rows, &out);
        buffer_text(&out, "}\n");
    } else {
        if (sums_of(r).different) sheet_print(&r->compared.rows, &out);
        if (r->compared.hidden) buffer_format(&out, "... and %lu more\n", r->compared.hidden);
        sheet_print(&services, &out);
    }
    sheet_destroy(&services);
    print_out(&out);
}

// What was lost is said, for what comes after it may differ for want of it.
static enum outcome judge_offline_result(const struct offline_result *r) {
    struct sums s = sums_of(r);
    if (s.missing)
        (void)complain_of_call(ANSWER_NO,
                               "%lu batches are not on record (a service was killed, the recorder "
                               "was too slow, or what was open before it began "
                               "is not in it): what follows may differ",
                               s.missing);
    if (r->lost)
        (void)complain_of_call(
            ANSWER_NO, "%lu entries were never taken by a service that should have", r->lost);
    return s.different || s.missing || r->lost ? ANSWER_NO : DONE;
}

enum outcome replay_offline(const struct call *call) {
    const struct offline_options options = {.path = call->args[0],
                                            .service = call_flag(call, "service"),
                                            .config = call_flag(call, "config"),
                                            .archive = call_flag(call, "archive")};
    struct offline_result r = {.n = 0};
    enum outcome outcome = offline_run(&options, &r);
    if (outcome == DONE) {
        print_offline_result(call, &r);
        outcome = judge_offline_result(&r);
    } else if (outcome == ANSWER_NO && !r.n) {
        (void)complain_of_call(
            outcome,
            "nothing in %s says what services did (a recording made with --past or --topic?)",
            options.path);
    }
    offline_result_end(&r);
    return outcome;
}
