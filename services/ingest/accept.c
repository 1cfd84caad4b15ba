// accept - read, check, identify; then take it, know it again, or record why not.
// SPDX-License-Identifier: MIT
#include "services/ingest/accept.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/schema/record.h"
#include "services/ingest/identity/identity.h"
#include "services/ingest/read/dialect.h"
#include "services/ingest/rules/lifecycle.h"
#include "services/ingest/rules/rules.h"
#include "services/ingest/rules/source_rules.h"
#include "services/ingest/slice.h"

#define REASON_MAX              500
#define DUPLICATES_LOGGED_PER_S 10   // the rest is counted
#define REFUSED_MAX             4096 // of a refused body are kept

static bool find_posted_guard(const void *guard, struct digest key, uint64_t *value) {
    return guard_find(guard, key, value);
}

// One body on its way to an answer.
struct post {
    struct ingest *self;
    batch_t *batch;
    const struct request *request;
    struct reading *reading;
    const struct fields *fields; // as it was sent; NULL: it could not be decoded
    struct digest content;
    struct identity identity;
};

// The time of an identity, and the windows that apply to it.
static void time_identity(struct post *p, struct arrival *a) {
    struct windows windows;
    a->now = identity_time_now(&p->self->time, batch_now(p->batch), batch_mono(p->batch));
    if (a->signal_id) return;
    if (sources_windows(p->self->sources, p->request->source, batch_mono(p->batch), &windows)) {
        slice_windows(p->batch, a->source, &windows);
        p->self->wrote = true;
    }
    a->window_ns = windows.s[0] * NS_PER_S;
    for (size_t i = 1; i < WINDOWS_MAX; i++) a->old_ns[i - 1] = windows.s[i] * NS_PER_S;
}

// With the first identity of each second that is made of it.
static void store_time(struct post *p) {
    struct identity_time *t = &p->self->time;
    if (!p->identity.derived || t->at < t->stored + IDENTITY_TIME_STEP) return;
    slice_identity_time(p->batch, t->at);
    t->stored = t->at;
}

static void identify_posted_signal(struct post *p) {
    const char *source = p->request->source->config_id, *id = p->reading->signal.signal_id;
    struct span body = p->request->body;
    void *scratch = arena_take(batch_arena(p->batch), strlen(source) + 1 + body.length);
    p->content = content_digest(source, body.data, body.length, scratch);
    struct arrival arrival = {
        .source = source,
        .signal_id = p->reading->sent_as[SF_signal_id] && id_is_valid(id) ? id : NULL,
        .plain = p->request->source->plain_ids,
        .content = p->content,
        .losses = &p->self->losses,
    };
    time_identity(p, &arrival);
    identity_of(&arrival, find_posted_guard, p->self->guard, &p->identity);
}

// An own id that the signal_id does not show is kept with what else was sent.
static void keep_own_id(struct post *p) {
    Signal *signal = &p->reading->signal;
    const char *own = signal->signal_id, *extra = signal->extra;
    if (p->identity.derived || strstr(p->identity.id, own)) return;
    signal->extra = arena_format(batch_arena(p->batch), "{\"signal_id\":\"%s\"%s%s", own,
                                 extra ? "," : "}", extra ? extra + 1 : "");
}

// Everything that the door adds to what was sent.
static void stamp_signal(struct post *p) {
    Signal *signal = &p->reading->signal;
    uint64_t now = batch_now(p->batch);
    keep_own_id(p);
    signal->signal_id = p->identity.id;
    signal->source = p->request->source->config_id;
    signal->status = SIGNAL__STATUS__pending;
    signal->created_at = now - now % NS_PER_US; // as Redis and SQLite keep it
    signal->content = content_number(p->content);
    if (!signal->strategy) signal->strategy = p->request->source->default_strategy;
    // so that other cells know it again, at whatever door it came
    if (p->self->context->cells && p->identity.derived) {
        signal->has_content_digest = true;
        signal->content_digest = (ProtobufCBinaryData){sizeof p->content.bytes, p->content.bytes};
    }
    signal->has_part_only = signal->part_only = votes_are_all(p->self->votes, signal->source);
}

// --- new ones

static void emit_accepted_signal(struct ingest *self, batch_t *batch, const Signal *signal) {
    struct live *live = lives_add(self, signal->signal_id, signal->source);
    live->created_at = signal->created_at;
    live->status = (uint64_t)signal->status;
    slice_accepted(batch, signal);
    batch_emit(batch, TOPIC_signals, 0, &signal->base);
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
    if (!has_share(p)) return reply_error(REPLY_SHARE_FULL);
    if (!accept_new(p->self, p->batch, signal, &p->identity)) return reply_error(REPLY_FULL);
    return reply_signal(batch_arena(p->batch), signal->signal_id, false);
}

static char *format_complaints(const struct complaints *c, arena_t *arena) {
    static buffer_t text; // one thread; its memory is kept from call to call
    buffer_clear(&text);
    for (size_t i = 0; i < c->n && text.length < REASON_MAX; i++)
        buffer_format(&text, "%s%s %s", i ? "; " : "", c->items[i].field, c->items[i].rule);
    return arena_text(arena, buffer_string(&text));
}

// The required fields of a Signal that were not sent, or not readably, are not told as if they
// were.
static void leave_out_unread(batch_t *batch, const struct reading *reading) {
    const char *id = reading->signal.signal_id;
    if (!reading->sent_as[SF_direction]) slice_unread(batch, id, "direction");
    if (reading->unreadable[SF_order_type]) slice_unread(batch, id, "order_type");
}

// A refusal is recorded for people to look at; not at the cost of signals.
static bool may_record(struct post *p) {
    const struct ingest_settings *s = p->self->settings;
    struct sender *sender = sources_sender(p->self->sources, p->request->source->config_id);
    if (p->self->context->memory_percent >= (unsigned)s->refusals_memory) return false;
    return sender_may_be_remembered(sender, (uint64_t)s->source_guard_max, GUARD_FOR,
                                    batch_mono(p->batch));
}

// What the record of a refusal keeps of the body, in one place: not also in the signal.
static void keep_content(struct post *p, SignalRejection *rejection) {
    Signal *signal = &p->reading->signal;
    bool cut = false;
    rejection->extra = p->fields ? signal_content(p->fields, p->request->token, REFUSED_MAX,
                                                  batch_arena(p->batch), &cut)
                                 : NULL;
    if (!cut) return;
    signal->extra = NULL;
    signal->reasoning = NULL;
}

static void reject_signal(struct post *p) {
    batch_t *batch = p->batch;
    Signal *signal = &p->reading->signal;
    const struct complaints *complaints = &p->reading->complaints;
    Signal__Status status = signal->status;
    // cannot be: it has just been stamped pending
    if (lifecycle_step(&status, SIGNAL_REFUSED)) return;
    signal->status = status;
    if (signal->symbol && !symbol_is_valid(signal->symbol)) signal->symbol = NULL;
    SignalRejection rejection = SIGNAL_REJECTION__INIT;
    rejection.signal_id = signal->signal_id;
    rejection.rejection_reason = format_complaints(complaints, batch_arena(batch));
    rejection.rejected_at = signal->created_at;
    rejection.source = signal->source;
    rejection.field = (char *)complaints->items[0].field;
    keep_content(p, &rejection);
    slice_rejected(batch, signal, &rejection);
    leave_out_unread(batch, p->reading);
    batch_emit(batch, TOPIC_signals, 0, &rejection.base);
    if (!guard_put(p->self->guard, batch, p->identity.key, identity_refused(p->identity.value)))
        batch_alert(batch, ALERT__SEVERITY__critical, "guard_full", "signal:guard",
                    "no more signals are taken: raise GUARD_MAX");
    p->self->wrote = true;
}

static void report_unrecorded(struct post *p) {
    p->self->counts.unrecorded++;
    batch_alert(p->batch, ALERT__SEVERITY__warning, "refusals_unrecorded",
                p->request->source->config_id,
                "a signal was refused and is not on record: Redis uses %u %% of its memory, or the "
                "source has had its share",
                p->self->context->memory_percent);
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
    arena_t *arena = batch_arena(p->batch);
    const struct complaints *complaints = &p->reading->complaints;
    identify_posted_signal(p);
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
    p->self->counts.refused += complaints->n > 0;
    if (complaints->n && !may_record(p))
        return report_unrecorded(p), reply_invalid(arena, complaints);
    stamp_signal(p);
    store_time(p);
    if (!complaints->n) return accept_valid_signal(p);
    reject_signal(p);
    return reply_invalid(arena, complaints);
}

// --- bodies

// A Signal that came as protobuf: its fields as text, so that one table reads and one set of rules
// checks them all.
static void put_message_field(void *arg, const ProtobufCFieldDescriptor *f, struct span value) {
    static const char *const ours[] = {"source", "status", "created_at", "content", "extra"};
    struct builder *b = arg;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strcmp(ours[i], f->name) == 0) return;
    }
    if (!b->why && build_name(b, f->name, strlen(f->name)))
        (void)build_value(b, FIELD_TEXT, value.data, value.length);
}

static void put_extra(struct builder *b, const char *extra) {
    struct document more;
    const char *why;
    if (document_read(span_of(extra), b->arena, &more, &why) || more.many)
        return (void)build_fail(b, "extra must be a JSON object");
    for (size_t i = 0; !b->why && i < more.maps[0].n; i++) {
        const struct field *f = &more.maps[0].items[i];
        if (build_name(b, f->name, f->name_length))
            (void)build_value(b, f->kind, f->text, f->length);
    }
}

static bool read_message(struct span body, arena_t *arena, struct document *out, const char **why) {
    Signal *signal = signal__unpack(arena_allocator(arena), body.length, body.data);
    if (!signal) return false;
    struct builder *b = builder_new(arena);
    (void)build_begin(b, true);
    record_each(&signal->base, put_message_field, b);
    if (signal->extra && *signal->extra) put_extra(b, signal->extra);
    (void)build_end(b);
    buffer_destroy(&b->nested);
    *out = b->document;
    *why = b->why;
    return true;
}

// Over ZeroMQ a packed Signal comes as well; it begins with the tag of its first field.
static err_t read_body(const struct request *r, arena_t *arena, struct document *out,
                       const char **why) {
    const uint8_t *first = r->body.data;
    if (r->unheard && r->body.length && *first == 0x0A && read_message(r->body, arena, out, why))
        return *why ? ERR_INPUT : ERR_OK;
    return document_read(r->body, arena, out, why);
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

// The body in the source's dialect, as fields of ours.
static err_t translate_body(const struct request *r, struct translation *t, const char **why) {
    struct document body;
    if (r->source->dialect == SIGNAL_CONFIG__DIALECT__pineconnector)
        return dialect_pineconnector(t, r->body, why);
    if (read_body(r, t->arena, &body, why)) return ERR_INPUT;
    if (body.many) {
        *why = "must be one map; lists are for prices";
        return ERR_INPUT;
    }
    if (r->source->dialect == SIGNAL_CONFIG__DIALECT__traderspost)
        dialect_traderspost(t, &body.maps[0]);
    else
        dialect_tradecast(t, &body.maps[0]);
    return ERR_OK;
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
    struct translation *t = arena_take(batch_arena(batch), sizeof *t);
    translation_start(t, r->source, batch_arena(batch));
    if (translate_body(r, t, &why)) return refuse_undecodable(self, batch, r, why);
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
