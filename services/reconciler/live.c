// live - signals that are not complete, and their trades.
// SPDX-License-Identifier: MIT
#include "services/reconciler/live.h"

#include <string.h>
#include <utlist.h>

#include "common/base/alloc.h"

struct live_signal *live_signal_find(const struct live *live, const char *signal_id) {
    struct live_signal *s;
    HASH_FIND_STR(live->signals, signal_id, s);
    return s;
}

struct live_signal *live_signal_get(struct live *live, const char *signal_id, uint64_t now) {
    struct live_signal *s = live_signal_find(live, signal_id);
    if (s) return s;
    size_t length = strlen(signal_id) + 1;
    s = alloc_zeroed(1, sizeof *s + length);
    memcpy(s->id, signal_id, length);
    s->seen_at = now;
    HASH_ADD_STR(live->signals, id, s);
    return s;
}

void live_signal_refused(struct live_signal *s, const char *why) {
    free(s->refused);
    s->refused = why && why[0] ? alloc_text(why) : NULL;
}

struct live_trade *live_trade_find(const struct live *live, const char *trade_id) {
    struct live_trade *t;
    HASH_FIND_STR(live->trades, trade_id, t);
    return t;
}

struct live_trade *live_trade_add(struct live *live, struct live_signal *signal,
                                  const char *trade_id, const char *account_id) {
    size_t length = strlen(trade_id) + 1;
    struct live_trade *t = alloc_zeroed(1, sizeof *t + length);
    memcpy(t->id, trade_id, length);
    t->account_id = alloc_text(account_id);
    t->status = TRADE_RECONCILIATION__STATUS__pending;
    t->facts.state = TRADE_STATE__STATE__pending;
    t->signal = signal;
    t->next = signal->trades;
    signal->trades = t;
    signal->count++;
    HASH_ADD_STR(live->trades, id, t);
    return t;
}

static void free_live_trade(struct live *live, struct live_trade *t) {
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): of uthash's own pointers
    HASH_DEL(live->trades, t);
    free(t->account_id);
    free(t);
}

void live_trade_drop(struct live *live, struct live_trade *t) {
    struct live_trade **at = &t->signal->trades;
    while (*at != t) at = &(*at)->next;
    *at = t->next;
    t->signal->count--;
    if (t->status != TRADE_RECONCILIATION__STATUS__pending) t->signal->settled--;
    free_live_trade(live, t);
}

bool live_trade_is_taken_back(const struct live_trade *t) {
    return t->signal->routed && !t->listed && !t->own;
}

void live_signal_unnote(struct live *live, struct live_signal *s) {
    if (!s->noted_at) return;
    s->noted_at = 0;
    DL_DELETE2(live->noted, s, noted_before, noted_next);
}

void live_signal_drop(struct live *live, struct live_signal *s) {
    live_signal_unnote(live, s);
    while (s->trades) {
        struct live_trade *t = s->trades;
        s->trades = t->next;
        free_live_trade(live, t);
    }
    HASH_DEL(live->signals, s);
    free(s->refused);
    free(s);
}

void live_clear(struct live *live) {
    while (live->signals) live_signal_drop(live, live->signals);
}
