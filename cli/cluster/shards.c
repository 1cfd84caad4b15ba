// shards - which executor has which accounts; and moving them, while nothing runs that has to do
// with executors.
// SPDX-License-Identifier: MIT
#include "cli/cluster/shards.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/place.h"
#include "cli/text.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/domain/shard.h"
#include "execution.pb-c.h"

#define DRAINED_WITHIN (60 * NS_PER_S)

static void close_shards(struct shards *s) {
    shard_plan_clear(&s->plan);
    shard_record_destroy(&s->record);
    book_destroy(&s->book);
    store_destroy(&s->store);
}

// What is recorded; where nothing is, what the installation says.
static enum outcome open_shards(struct shards *s, const struct call *call, const char *user) {
    *s = (struct shards){.place = &call->place, .store = place_store(&call->place, user)};
    if (!s->store) return NO_REACH;
    s->book = book_new();
    s->record = shard_record_new();
    err_t e = book_load(s->book, s->store);
    if (!e) e = shard_record_load(s->record, s->store);
    if (!e) e = shards_number(s->store, SHARDS_EXECUTORS, &s->recorded);
    if (!e) e = shards_number(s->store, SHARDS_RETIRED, &s->retired);
    if (e)
        return complain_of_call(NO_REACH, "Redis: %s",
                                *store_trouble(s->store) ? store_trouble(s->store)
                                                         : error_words(e));
    return DONE;
}

// --- show

static err_t count_shard_trade(void *arg, const ProtobufCMessage *m) {
    const TradeState *t = (const TradeState *)m;
    ++*(size_t *)table_add(arg, table_key(t->account_id));
    return ERR_OK;
}

static err_t add_executor(struct sheet *sheet, const struct shards *s, unsigned k, table_t *open) {
    char name[NAME_TEXT], key[64];
    uint64_t to_take = 0;
    size_t accounts = 0, trades = 0;
    instance_name(EXECUTOR, k, name);
    (void)snprintf(key, sizeof key, "trade_state:open:%u", k);
    own(table) *mine = table_new(sizeof(size_t));
    err_t e = store_records(s->store, key, "trade_state:", &trade_state__descriptor,
                            count_shard_trade, mine);
    size_t cursor = 0;
    struct digest account;
    for (size_t *n; (n = table_next(mine, &cursor, &account)) != NULL;) {
        *(size_t *)table_add(open, account) += *n;
        trades += *n;
    }
    for (size_t i = 0; i < s->plan.n; i++) accounts += s->plan.places[i].from == k;
    if (!e) e = shards_to_take(s->store, k, &to_take);
    sheet_add(sheet, name);
    sheet_format(sheet, "%zu", accounts);
    sheet_format(sheet, "%zu", trades);
    sheet_format(sheet, "%llu", (unsigned long long)to_take);
    return e;
}

static void add_account(struct sheet *sheet, const struct shard_place *p, table_t *open) {
    const size_t *trades = table_find(open, table_key(p->account->account_id));
    sheet_add(sheet, p->account->account_id);
    sheet_add(sheet, p->instance ? p->instance->instance_id : NULL);
    sheet_format(sheet, "executor.%u", p->from);
    sheet_format(sheet, "%zu", trades ? *trades : 0);
    sheet_add(sheet, p->by_hand ? "by hand" : NULL);
}

static err_t fill_sheets(const struct shards *s, struct sheet *executors, struct sheet *accounts) {
    own(table) *open = table_new(sizeof(size_t));
    err_t e = ERR_OK;
    sheet_start(executors, "EXECUTOR|>ACCOUNTS|>OPEN TRADES|>TO TAKE FIRST");
    sheet_start(accounts, "ACCOUNT|GATEWAY|EXECUTOR|>OPEN TRADES|PLACED");
    for (unsigned k = 0; !e && k < s->plan.wish.before; k++)
        e = add_executor(executors, s, k, open);
    for (size_t i = 0; i < s->plan.n; i++) add_account(accounts, &s->plan.places[i], open);
    return e;
}

// With the router stopped this comes to an end.
static enum outcome wait_drained(const struct shards *s) {
    for (uint64_t until = clock_mono_ns() + DRAINED_WITHIN; clock_mono_ns() < until;
         usleep(100000)) {
        uint64_t left = 0, n = 0;
        err_t e = ERR_OK;
        for (unsigned k = 0; !e && k < s->plan.wish.before; k++, left += n)
            e = shards_to_take(s->store, k, &n);
        if (e) return complain_of_call(NO_REACH, "Redis: %s", store_trouble(s->store));
        if (!left) return DONE;
    }
    return complain_of_call(
        ANSWER_NO,
        "executors have still something to take: is the router stopped, and do they run?");
}

static enum outcome run_shards_show(struct call *call, struct shards *s) {
    enum outcome outcome = call_flag(call, "drained") ? wait_drained(s) : DONE;
    if (outcome != DONE) return outcome;
    struct sheet executors = {0}, accounts = {0};
    own(buffer) out = {0};
    err_t e = fill_sheets(s, &executors, &accounts);
    if (call->json) {
        buffer_format(&out, "{\"recorded\":%u,\"executors\":", s->recorded);
        sheet_json(&executors, &out);
        buffer_text(&out, ",\"accounts\":");
        sheet_json(&accounts, &out);
        buffer_text(&out, "}\n");
    } else {
        sheet_print(&executors, &out);
        buffer_text(&out, "\n");
        sheet_print(&accounts, &out);
    }
    sheet_destroy(&executors);
    sheet_destroy(&accounts);
    if (e) return complain_of_call(NO_REACH, "Redis: %s", store_trouble(s->store));
    print_out(&out);
    return DONE;
}

// --- moving

static void say_moves(struct call *call, const struct shards *s, const char *done) {
    own(buffer) out = {0};
    size_t moves = 0;
    for (size_t i = 0; i < s->plan.n; i++) {
        const struct shard_place *p = &s->plan.places[i];
        if (p->from == p->to) continue;
        if (!call->json)
            buffer_format(&out, "%s: executor %u -> %u%s%s\n", p->account->account_id, p->from,
                          p->to, p->instance ? ", with its gateway " : "",
                          p->instance ? p->instance->instance_id : "");
        moves++;
    }
    if (call->json)
        buffer_format(&out, "{\"executors\":%u,\"moved\":%zu,\"done\":%s}\n", s->plan.wish.after,
                      moves, *done ? "true" : "false");
    else
        buffer_format(&out, "%zu of %zu accounts move; %u executors%s\n", moves, s->plan.n,
                      s->plan.wish.after, done);
    print_out(&out);
}

// All is as it is to be: by the plan, on record, and in what executors keep.
static bool is_so(const struct shards *s) {
    own(arena) *arena = arena_new(0);
    struct kept *list;
    size_t n = 1;
    if (s->recorded != s->plan.wish.after || shards_find(s, arena, &list, &n) || n) return false;
    for (size_t i = 0; i < s->plan.n; i++) {
        const struct shard_entry *e =
            shard_record_find(s->record, s->plan.places[i].account->account_id);
        if (!e || e->shard != s->plan.places[i].to || e->by_hand != s->plan.places[i].by_hand)
            return false;
    }
    return true;
}

static enum outcome run_shards_move(struct call *call, struct shards *s) {
    if (call_flag(call, "dry-run")) {
        say_moves(call, s, "");
        return DONE;
    }
    bool so = is_so(s);
    enum outcome outcome = so ? DONE : shards_apply(s, call_flag(call, "fence") != NULL);
    if (outcome != DONE) return outcome;
    if (!shards_durable(s->store))
        return complain_of_call(
            NO_REACH,
            "it is done, but Redis has not written it to disk: start nothing before it has");
    say_moves(call, s,
              so ? ". It is so already"
              : s->plan.wish.after == s->recorded
                  ? ". Start the services"
                  : ". Start the services, with TRADECAST_SHARDS so");
    return DONE;
}

static bool read_shard_number(const char *text, unsigned least, unsigned most, unsigned *out) {
    char *end = (char *)(uintptr_t)text;
    unsigned long n = isdigit((unsigned char)*text) ? strtoul(text, &end, 10) : SHARDS_MOST + 1;
    *out = (unsigned)n;
    return n >= least && n <= most && !*end;
}

static enum outcome read_wish(const struct call *call, const struct shards *s,
                              struct shards_wish *w) {
    unsigned now = s->recorded ? s->recorded : call->place.shards;
    *w = (struct shards_wish){.before = now, .after = now};
    if (!call->n_args) return DONE;
    const char *to = call_flag(call, "to");
    if (strcmp(call->args[0], "set") == 0 && call->n_args == 2 && !to) {
        if (read_shard_number(call->args[1], 1, SHARDS_MOST, &w->after)) return DONE;
        return complain_of_call(WRONG_USE, "there can be 1 to %u executors, not %.40s", SHARDS_MOST,
                                call->args[1]);
    }
    if (strcmp(call->args[0], "move") != 0 || call->n_args < 2 || !to)
        return complain_of_call(
            WRONG_USE, "usage: tradecast shards [set N | move ACCOUNT|GATEWAY ... --to N]");
    if (!read_shard_number(to, 0, now - 1, &w->to))
        return complain_of_call(WRONG_USE, "--to names an executor: 0 to %u", now - 1);
    w->names = &call->args[1];
    w->n_names = call->n_args - 1;
    return DONE;
}

enum outcome run_shards(struct call *call) {
    struct shards s;
    struct shards_wish wish;
    enum outcome outcome = open_shards(&s, call, call->n_args ? "admin" : "viewer");
    if (outcome == DONE) outcome = read_wish(call, &s, &wish);
    if (outcome == DONE) {
        shard_plan_make(&s.plan, s.book, s.record, &wish);
        const char *stranger = shard_plan_stranger(&s.plan, s.book);
        if (stranger)
            outcome =
                complain_of_call(ANSWER_NO, "%.64s is neither an account nor a gateway", stranger);
        else
            outcome = call->n_args ? run_shards_move(call, &s) : run_shards_show(call, &s);
    }
    close_shards(&s);
    return outcome;
}
