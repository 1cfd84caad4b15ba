// shard_ownership - with several executors: gateways and open trades whose accounts belong to another
// executor.
// SPDX-License-Identifier: MIT
#include "common/base/log.h"
#include "gateway.pb-c.h"
#include "services/executor/executor.h"

// Nothing else is said to it, and no epoch of ours that it would take for its own executor's.
static void send_away(struct executor *self, struct session *s, unsigned shard) {
    Elsewhere m = ELSEWHERE__INIT;
    m.epoch = self->context->epoch;
    m.shard = shard;
    m.shards = self->context->shards;
    s->welcomed = false;
    outbox_put(self->outbox, s, &m.base);
}

bool ownership_sent_away(struct executor *self, struct session *s) {
    const InstanceConfig *config = book_instance(self->context->book, s->instance_id);
    unsigned shard = config
                         ? book_instance_shard(self->context->book, config, self->context->shards)
                         : self->context->shard;
    if (shard == self->context->shard) return false;
    send_away(self, s, shard);
    return true;
}

// An order of its account would go to another executor than the one that has it.
const struct trade *ownership_misplaced(const struct executor *self, unsigned *shard) {
    size_t cursor = 0;
    for (struct trade *t;
         self->context->shards > 1 && (t = trades_next(self->trades, &cursor)) != NULL;) {
        const AccountConfig *account =
            t->queue == QUEUE_RETIRED ? NULL : book_account(self->context->book, t->s->account_id);
        *shard = account ? book_shard(self->context->book, account, self->context->shards)
                         : self->context->shard;
        if (*shard != self->context->shard) return t;
    }
    return NULL;
}

err_t ownership_check(const struct executor *self) {
    unsigned shard;
    const struct trade *t = ownership_misplaced(self, &shard);
    if (!t) return ERR_OK;
    log_event(LOG_LEVEL_ERROR, "account_elsewhere",
              "trade=%s account=%s why=\"this executor has the trade, and its account is with "
              "executor %u; stop all but ingest, then: tradecast "
              "shards set %u\"",
              t->s->trade_id, t->s->account_id, shard, self->context->shards);
    return ERR_CONFIG;
}

void ownership_alert(struct executor *self, batch_t *batch) {
    unsigned shard;
    const struct trade *t = ownership_misplaced(self, &shard);
    if (!t) return;
    batch_alert(batch, ALERT__SEVERITY__critical, "account_elsewhere", t->s->account_id,
                "trade %s is with executor %u, and its account with executor %u by now: put the "
                "configuration back, or stop all but ingest and "
                "say: tradecast shards set %u",
                t->s->trade_id, self->context->shard, shard, self->context->shards);
}
