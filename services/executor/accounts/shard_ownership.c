// shard_ownership - with several executors: gateways and open trades whose accounts belong to another
// executor.
// SPDX-License-Identifier: MIT
#include "common/base/log.h"
#include "gateway.pb-c.h"
#include "services/executor/executor.h"

// Nothing else is said to it, and no epoch of ours that it would take for its own executor's.
static void send_away(struct executor *x, struct session *s, unsigned shard) {
    Elsewhere m = ELSEWHERE__INIT;
    m.epoch = x->context->epoch;
    m.shard = shard;
    m.shards = x->context->shards;
    s->welcomed = false;
    outbox_put(x->outbox, s, &m.base);
}

bool ownership_sent_away(struct executor *x, struct session *s) {
    const InstanceConfig *config = book_instance(x->context->book, s->instance_id);
    unsigned shard = config ? book_instance_shard(x->context->book, config, x->context->shards)
                            : x->context->shard;
    if (shard == x->context->shard) return false;
    send_away(x, s, shard);
    return true;
}

// An order of its account would go to another executor than the one that has it.
const struct trade *ownership_misplaced(const struct executor *x, unsigned *shard) {
    size_t cursor = 0;
    for (struct trade *t;
         x->context->shards > 1 && (t = trades_next(x->trades, &cursor)) != NULL;) {
        const AccountConfig *account =
            t->queue == QUEUE_RETIRED ? NULL : book_account(x->context->book, t->s->account_id);
        *shard =
            account ? book_shard(x->context->book, account, x->context->shards) : x->context->shard;
        if (*shard != x->context->shard) return t;
    }
    return NULL;
}

err_t ownership_check(const struct executor *x) {
    unsigned shard;
    const struct trade *t = ownership_misplaced(x, &shard);
    if (!t) return ERR_OK;
    log_event(LOG_LEVEL_ERROR, "account_elsewhere",
              "trade=%s account=%s why=\"this executor has the trade, and its account is with "
              "executor %u; stop all but ingest, then: tradecast "
              "shards set %u\"",
              t->s->trade_id, t->s->account_id, shard, x->context->shards);
    return ERR_CONFIG;
}

void ownership_alert(struct executor *x, batch_t *batch) {
    unsigned shard;
    const struct trade *t = ownership_misplaced(x, &shard);
    if (!t) return;
    batch_alert(batch, ALERT__SEVERITY__critical, "account_elsewhere", t->s->account_id,
                "trade %s is with executor %u, and its account with executor %u by now: put the "
                "configuration back, or stop all but ingest and "
                "say: tradecast shards set %u",
                t->s->trade_id, x->context->shard, shard, x->context->shards);
}
