// refuse - a new signal that breaks a rule is recorded with what is wrong with it.
// SPDX-License-Identifier: MIT
#include "services/ingest/refuse.h"

#include "services/ingest/rules/lifecycle.h"
#include "services/ingest/rules/rules.h"
#include "services/ingest/slice.h"

#define REASON_MAX  500
#define REFUSED_MAX 4096 // of a refused body are kept

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

static void record_refusal(struct post *p) {
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
                    "the door remembers GUARD_MAX signals and takes no more: raise GUARD_MAX");
    p->self->wrote = true;
}

static void report_unrecorded(struct post *p) {
    p->self->counts.unrecorded++;
    batch_alert(p->batch, ALERT__SEVERITY__warning, "refusals_unrecorded",
                p->request->source->config_id,
                "the door refused a signal and did not record the refusal: Redis uses %u %% of its "
                "memory, or the source has used its share",
                p->self->context->memory_percent);
}

struct reply refuse_signal(struct post *p) {
    p->self->counts.refused++;
    if (may_record(p)) {
        post_stamp(p);
        record_refusal(p);
    } else {
        report_unrecorded(p);
    }
    return reply_invalid(batch_arena(p->batch), &p->reading->complaints);
}
