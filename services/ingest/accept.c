// accept - read, check, identify; then take it, know it again, or record why not.
// SPDX-License-Identifier: MIT
#include "services/ingest/accept.h"

#include "common/base/log.h"
#include "services/ingest/read/body.h"
#include "services/ingest/refuse.h"
#include "services/ingest/rules/rules.h"
#include "services/ingest/rules/source_rules.h"
#include "services/ingest/slice.h"

#define DUPLICATES_LOGGED_PER_S 10 // the rest is counted

// --- new ones

// It may wait for long: that it does can be seen like how far others are.
static void await_approval(struct ingest *self, batch_t *batch, const Signal *signal) {
    SignalExecutionStatus status = SIGNAL_EXECUTION_STATUS__INIT;
    status.signal_id = signal->signal_id;
    status.status = SIGNAL__STATUS__pending;
    status.has_fill_percentage = true;
    slice_progress(batch, &status);
    approvals_add(self->approvals, batch, signal);
}

static void emit_accepted_signal(struct ingest *self, batch_t *batch, const Signal *signal) {
    struct live *live = lives_add(self, signal->signal_id, signal->source);
    live->created_at = signal->created_at;
    live->status = (uint64_t)signal->status;
    slice_accepted(batch, signal);
    signal_views_note(&self->views, batch, signal);
    batch_emit(batch, TOPIC_signals, 0, &signal->base);
    if (signal->has_approval && signal->approval == SIGNAL__APPROVAL__awaited)
        await_approval(self, batch, signal);
}

// A consensus: an accepted signal like any other, under an id that its parts make. One that is
// remembered was decided before (Redis has lost the votes, not the consensus): it is not given
// twice.
struct taking {
    struct ingest *self;
    batch_t *batch;
};

static void take_consensus(void *arg, const Signal *consensus) {
    const struct taking *p = arg;
    Signal signal = *consensus;
    signal.content = content_number(digest_text(signal.signal_id));
    struct restored keys = identity_restore(signal.signal_id, signal.content, signal.created_at);
    if (guard_find(p->self->guard, keys.given_key, NULL)) return;
    approval_stamp(book_source(p->self->context->book, signal.source), &signal,
                   batch_now(p->batch));
    if (guard_put(p->self->guard, p->batch, keys.given_key, keys.given_value))
        emit_accepted_signal(p->self, p->batch, &signal);
}

// Room for a signal and for every consensus that it may complete.
static bool has_signal_room(struct ingest *self, const char *source) {
    size_t most = 1 + votes_rows(self->votes, source);
    return table_count(self->lives) + most <= (size_t)self->settings->signals_max &&
           guard_count(self->guard) + most <= (size_t)self->settings->guard_max;
}

bool accept_new(struct ingest *self, batch_t *batch, const Signal *signal,
                const struct identity *identity) {
    if (!has_signal_room(self, signal->source)) return false;
    if (!guard_put(self->guard, batch, identity->key, identity->value)) return false;
    emit_accepted_signal(self, batch, signal);
    votes_hear(self->votes, batch, signal, take_consensus, &(struct taking){self, batch});
    self->wrote = true;
    return true;
}

// What is left of a source's own share: nobody fills up what all have. (What other cells hand over
// was weighed at its first door.)
static bool has_share(struct post *p) {
    const struct ingest_settings *s = p->self->settings;
    struct sender *sender = sources_sender(p->self->sources, p->request->source->config_id);
    return sender->open < (size_t)s->source_signals_max &&
           sender_may_be_remembered(sender, (uint64_t)s->source_guard_max, GUARD_FOR,
                                    batch_mono(p->batch));
}

static struct reply accept_valid_signal(struct post *p) {
    const Signal *signal = &p->reading->signal;
    post_stamp(p);
    if (!has_share(p)) return reply_error(REPLY_SHARE_FULL);
    if (!accept_new(p->self, p->batch, signal, &p->identity)) return reply_error(REPLY_FULL);
    return reply_signal(batch_arena(p->batch), signal->signal_id, false);
}

// A resend changes nothing, but that it came can be seen.
static struct reply answer_again(struct post *p) {
    struct ingest *self = p->self;
    const char *id = p->identity.id;
    duplicates_add(self->duplicates, p->batch, id);
    self->counts.duplicates++;
    self->wrote = true;
    if (bucket_take(&self->spoken, DUPLICATES_LOGGED_PER_S, DUPLICATES_LOGGED_PER_S,
                    batch_mono(p->batch)))
        log_event(LOG_LEVEL_INFO, "duplicate", "signal_id=%s source=%s duplicates=%llu", id,
                  p->request->source->config_id, (unsigned long long)self->counts.duplicates);
    return p->identity.refused ? reply_invalid(batch_arena(p->batch), &p->reading->complaints)
                               : reply_signal(batch_arena(p->batch), id, true);
}

static struct reply decide_posted_signal(struct post *p) {
    post_identify(p);
    switch (p->identity.known) {
    case IDENTITY_CONFLICT:
        return reply_error(REPLY_CONFLICT);
    case IDENTITY_RESEND:
        return answer_again(p);
    case IDENTITY_UNSURE:
        return reply_error(REPLY_HELD_BACK);
    case IDENTITY_NEW:
        break;
    }
    return p->reading->complaints.n ? refuse_signal(p) : accept_valid_signal(p);
}

static struct reply refuse_undecodable(struct ingest *self, batch_t *batch, const struct request *r,
                                       const char *why) {
    if (r->unheard) {
        struct reading *reading = arena_zero(batch_arena(batch), sizeof *reading);
        signal__init(&reading->signal);
        complaint_add(&reading->complaints, "body", "undecodable", why);
        (void)decide_posted_signal(
            &(struct post){.self = self, .batch = batch, .request = r, .reading = reading});
    }
    return reply_undecodable(batch_arena(batch), why);
}

// What the dialect refused is told first, and then only what could not be read: rules are for what
// was understood.
static void check_reading(struct reading *reading, const struct translation *t,
                          const SignalConfig *source, uint64_t now) {
    if (!t->complaints.n) {
        rules_check(reading, now);
        return rules_of_source(reading, source, now);
    }
    struct complaints unread = reading->complaints;
    reading->complaints = t->complaints;
    for (size_t i = 0; i < unread.n; i++)
        complaint_add(&reading->complaints, unread.items[i].field, unread.items[i].code,
                      unread.items[i].rule);
}

struct reply accept_signal(struct ingest *self, batch_t *batch, const struct request *r) {
    const char *why;
    const struct signal_body body = {r->source, r->body, .may_be_packed = r->unheard};
    const struct translation *t = body_translate(&body, batch_arena(batch), &why);
    if (!t) return refuse_undecodable(self, batch, r, why);
    struct reading *reading = arena_take(batch_arena(batch), sizeof *reading);
    signal_of(&t->ours, r->token, batch_arena(batch), reading);
    check_reading(reading, t, r->source, batch_now(batch));
    return decide_posted_signal(&(struct post){
        .self = self, .batch = batch, .request = r, .reading = reading, .fields = &t->sent});
}

struct reply accept_prices(struct ingest *self, batch_t *batch, const struct request *r) {
    struct document body;
    const char *why;
    if (!r->source->prices) return reply_error(REPLY_NO_PRICES);
    if (document_read(r->body, batch_arena(batch), &body, &why))
        return reply_undecodable(batch_arena(batch), why);
    struct complaints *complaints = arena_take(batch_arena(batch), sizeof *complaints);
    size_t taken = prices_take(
        self->prices, &(struct price_post){r->source, &body, r->symbol, batch}, complaints);
    if (!taken) return reply_invalid(batch_arena(batch), complaints);
    self->wrote = true;
    return reply_prices(batch_arena(batch), taken, complaints);
}

struct reply accept_document(struct ingest *self, batch_t *batch, const struct request *r) {
    arena_t *arena = batch_arena(batch);
    struct complaints *complaints = arena_take(arena, sizeof *complaints);
    complaints->n = 0;
    if (!market_is_allowed(r->source, r->form)) {
        self->counts.documents_refused++;
        return reply_not_allowed(arena, r->form->name);
    }
    struct market_taken taken = market_take(
        self->market, &(struct market_post){r->source, r->form, r->symbol, r->body, batch},
        complaints);
    self->counts.documents += taken.written;
    self->counts.documents_refused += taken.undecodable || complaints->n;
    if (taken.undecodable) return reply_undecodable(arena, taken.undecodable);
    if (complaints->n && !taken.written && !taken.older) return reply_invalid(arena, complaints);
    self->wrote |= taken.written > 0;
    return reply_documents(arena, &taken, complaints);
}
