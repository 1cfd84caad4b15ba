// intake - entries of topics, from the inbox or the journal, to their handlers; what cannot be
// handled to the dead letters.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/testing.h"
#include "common/redis/journal.h"
#include "common/redis/store_transaction.h"
#include "common/service/loop.h"

#define TRIES        3
#define LOOK_MOST_NS (20 * NS_PER_MS)
// frames looked at per batch, as a multiple of BATCH_MAX: dropped ones cost little
#define RECEIVES_FACTOR 8

bool intake_full(const struct loop *l) {
    if (l->careful.left) return l->careful.attempt != ATTEMPT_NONE;
    return l->progress.taken >= l->settings.batch_max;
}

struct slot *intake_slot(struct loop *l, const char *topic) {
    for (size_t i = 0; i < l->inputs.n; i++) {
        if (strcmp(l->inputs.slots[i].stream.name, topic) == 0) return &l->inputs.slots[i];
    }
    return NULL;
}

static const struct route *route_of(const struct loop *l, enum topic topic,
                                    const ProtobufCMessageDescriptor *type) {
    for (const struct route *r = l->service->routes; r && r->handle; r++) {
        if (r->topic == topic && r->type == type) return r;
    }
    return NULL;
}

// --- dead letters

void intake_bury(struct loop *l, const struct slot *slot, const struct envelope *e,
                 const char *reason) {
    char id[ENTRY_ID_TEXT];
    entry_id_print(e->id, id);
    batch_bury(l->batch, &(struct dead){slot->stream.name, id, e->type, reason, e->body});
    ProtobufCMessage *body = l->service->buried ? envelope_unpack(e, batch_arena(l->batch)) : NULL;
    // so that what is told of it can be recorded
    if (body) (void)record_tame(body, batch_now(l->batch));
    if (body) l->service->buried(l->self, l->batch, body, reason);
}

// --- one entry

static err_t apply_config_entry(struct loop *l, const ProtobufCMessage *body) {
    err_t e = book_apply(l->book, (const ConfigChange *)body);
    if (!e && l->service->configured) l->service->configured(l->self);
    if (!e)
        events_note(&l->events, SYSTEM_EVENT_configuration, NULL, "version %llu is in force here",
                    (unsigned long long)((const ConfigChange *)body)->version);
    return e;
}

static err_t dispatch_entry_body(struct loop *l, enum topic topic, const ProtobufCMessage *body) {
    if (body->descriptor == &config_change__descriptor) return apply_config_entry(l, body);
    const struct route *r = route_of(l, topic, body->descriptor);
    return r ? r->handle(l->self, l->batch, body) : ERR_OK;
}

err_t intake_handle(struct loop *l, enum topic topic, const struct envelope *e,
                    const char **reason) {
    const ProtobufCMessageDescriptor *type = message_type(e->type);
    // not for us
    if (type && type != &config_change__descriptor && !route_of(l, topic, type)) return ERR_OK;
    ProtobufCMessage *body = type ? envelope_open(e, batch_arena(l->batch)) : NULL;
    *reason = type ? "cannot be decoded" : "unknown message type (a newer version wrote it?)";
    if (!body) return ERR_INPUT;
    TASTE(role_name(l->me.role), e->body.data, e->body.length);
    struct batch_mark mark = batch_mark_now(l->batch);
    err_t error = dispatch_entry_body(l, topic, body);
    *reason = error_words(error);
    if (error) batch_back_to(l->batch, mark);
    return error;
}

// After an unclean start: the count goes to Redis before the message is touched, so that one that
// kills us is known after three tries.
static bool tried_too_often(struct loop *l, const struct slot *slot, const struct envelope *e) {
    char now[128], value[160], key[80], id[ENTRY_ID_TEXT];
    entry_id_print(e->id, id);
    int n = snprintf(now, sizeof now, "%s %s ", slot->stream.name, id);
    unsigned tries = strncmp(l->careful.last_run, now, (size_t)n) == 0
                         ? (unsigned)strtoul(l->careful.last_run + n, NULL, 10)
                         : 0;
    if (tries >= TRIES) return true;
    snprintf(key, sizeof key, "%s:trying", l->me.name);
    snprintf(value, sizeof value, "%s%u", now, tries + 1);
    buffer_t answer = {0};
    err_t error =
        store_command(ledger_store(l->redis.ledger), 3,
                      (struct span[]){span_of("SET"), span_of(key), span_of(value)}, &answer);
    buffer_destroy(&answer);
    if (error_policy(error) == POLICY_STOP) l->stop = error;
    return false;
}

// There is no room for it now: it stays in the journal, and input waits a moment.
static void put_back(struct loop *l, struct slot *slot, struct entry_id before) {
    slot->in.position = before;
    slot->in.behind = true;
    l->pressure.busy_at = batch_mono(l->batch);
}

static void handle_accepted_entry(struct loop *l, struct slot *slot, const struct envelope *e,
                                  struct entry_id before) {
    bool kill = false;
    if (l->careful.left) {
        attempt_move(&l->careful.attempt, ATTEMPT_COUNT);
        kill = tried_too_often(l, slot, e);
    }
    l->progress.taken_at = clock_mono_ns();
    if (intake_take(l, slot, e, kill)) return trace_entry(l, slot->stream.name, e->id, kill);
    put_back(l, slot, before);
}

bool intake_take(struct loop *l, struct slot *slot, const struct envelope *e, bool kill) {
    const char *reason = "killed this service three times";
    l->progress.taken++;
    l->counts.messages++;
    err_t error = kill ? ERR_INPUT : intake_handle(l, slot->stream.topic, e, &reason);
    switch (error_policy(error)) {
    case POLICY_GO:
        break;
    case POLICY_REJECT:
        intake_bury(l, slot, e, reason);
        break;
    case POLICY_RETRY:
        return false;
    case POLICY_STOP:
        l->stop = error;
        break;
    }
    return true;
}

static void report_hole(struct loop *l, const struct slot *slot, const struct envelope *e) {
    char at[ENTRY_ID_TEXT], prev[ENTRY_ID_TEXT];
    entry_id_print(slot->in.position, at);
    entry_id_print(e->prev, prev);
    batch_alert(l->batch, ALERT__SEVERITY__critical, "journal_hole", slot->stream.name,
                JOURNAL "%s lacks the entries between %s and %s; reading stops there: restore "
                        "them, or move position:%s by hand",
                slot->stream.name, at, prev, l->me.name);
}

static void offer_entry(struct loop *l, struct slot *slot, const struct envelope *e,
                        enum source source) {
    struct entry_id before = slot->in.position;
    switch (inlet_offer(&slot->in, e->prev, e->id, source)) {
    case HAVE:
        return;
    case GAP:
        if (source == FROM_JOURNAL)
            report_hole(l, slot, e);
        else if (!slot->gap)
            slot->gap = "messages of it were missing";
        return;
    case ACCEPT:
        slot->in.looked_at = batch_mono(l->batch);
        handle_accepted_entry(l, slot, e, before);
    }
}

// --- from the wire

// A topic's entries come from its owner alone. Where there are keys the sender has shown whose he
// is; where there are none he is this user, on this host.
static bool is_from_owner(struct loop *l, const struct slot *slot, const struct parcel *p) {
    if (!p->user || strcmp(p->user, slot->owner) == 0) return true;
    l->counts.disbelieved++;
    batch_alert(l->batch, ALERT__SEVERITY__critical, "foreign_message", slot->stream.name,
                "%s has sent a message of %s, which only %s may; it was dropped: make %s a new key "
                "(tradecast keys)",
                p->user, slot->stream.name, slot->owner, p->user);
    return false;
}

// Dropped all the same when the journal has it: from there it comes again.
static bool is_of_now(struct loop *l, const struct slot *slot, const struct envelope *e) {
    char id[ENTRY_ID_TEXT];
    if (e->id.incarnation == slot->in.position.incarnation ||
        !entry_id_is_ahead(e->id, batch_now(l->batch) / NS_PER_MS))
        return true;
    entry_id_print(e->id, id);
    l->counts.disbelieved++;
    batch_alert(l->batch, ALERT__SEVERITY__critical, "message_ahead", slot->stream.name,
                "a message of %s came with the id %s, more than an hour ahead of this host's "
                "clock, and was dropped; what the journal has "
                "counts: a clock is wrong, or somebody forges messages",
                slot->stream.name, id);
    return false;
}

static void handle_wire_parcel(struct loop *l, const struct parcel *p) {
    struct slot *slot = intake_slot(l, p->topic);
    struct envelope e;
    if (slot && !is_from_owner(l, slot, p)) return;
    if (!slot || envelope_read(p->topic, p->frame, &e)) {
        l->counts.corrupt++; // the journal has the right one
        if (slot) slot->in.behind = true;
        return;
    }
    if (!is_of_now(l, slot, &e)) {
        slot->in.behind = true;
        return;
    }
    bool later =
        (slot->forward && loop_is_held(l)) || (l->inputs.barred && shards_barred(l, slot, e.id));
    if (later)
        slot->in.behind = true;
    else
        offer_entry(l, slot, &e, FROM_WIRE);
}

void intake_wire(struct loop *l) {
    struct parcel p;
    l->inputs.drained = false;
    for (int64_t looked = 0;
         !intake_full(l) && !l->stop && looked < RECEIVES_FACTOR * l->settings.batch_max;
         looked++) {
        if (!port_receive(l->sockets.inbox, &p)) {
            l->inputs.drained = true;
            return;
        }
        handle_wire_parcel(l, &p);
    }
}

// --- from the journal

struct reading {
    struct loop *l;
    struct slot *slot;
    size_t seen;
};

static err_t handle_journal_entry(void *arg, const struct journal_entry *entry) {
    struct reading *r = arg;
    struct envelope e;
    if (r->l->stop || intake_full(r->l) ||
        (r->l->inputs.barred && shards_barred(r->l, r->slot, entry->id)))
        return ERR_BUSY;
    r->seen++;
    if (envelope_read(r->slot->stream.name, entry->envelope, &e)) {
        e = (struct envelope){.id = entry->id,
                              .prev = r->slot->in.position,
                              .type = "damaged",
                              .body = entry->envelope};
    }
    offer_entry(r->l, r->slot, &e, FROM_JOURNAL);
    return ERR_OK;
}

static void note_gap_filled(struct loop *l, struct slot *slot) {
    if (slot->gap_read)
        events_note(&l->events, SYSTEM_EVENT_recovered, slot->stream.name,
                    "%s; %llu entries were read from its journal", slot->gap,
                    (unsigned long long)slot->gap_read);
    slot->gap = NULL;
    slot->gap_read = 0;
}

static void read_slot(struct loop *l, struct slot *slot) {
    size_t limit = l->careful.left ? 1 : (size_t)l->settings.batch_max - l->progress.taken, count;
    struct reading r = {l, slot, 0};
    err_t e = store_journal(ledger_store(l->redis.ledger), slot->stream.name, slot->in.position,
                            limit, handle_journal_entry, &r, &count);
    FAILPOINT("loop.in_catch_up");
    if (error_policy(e) == POLICY_STOP) l->stop = e;
    if (e && e != ERR_BUSY) return; // the next commit, or the next look, makes the connection good
    inlet_read_done(&slot->in, e == ERR_BUSY ? limit : count, limit, clock_mono_ns());
    slot->gap_read += slot->gap ? r.seen : 0;
    if (slot->gap && !slot->in.behind) note_gap_filled(l, slot);
}

// What is silent is looked up only as long as that is quick: where Redis is far, one topic a turn,
// or nothing else would be done.
void intake_journals(struct loop *l) {
    uint64_t began = clock_mono_ns();
    for (size_t i = 0; i < l->inputs.n && !l->stop; i++) {
        // each topic comes first in its turn
        struct slot *slot = &l->inputs.slots[(l->schedule.iterations + i) % l->inputs.n];
        if (intake_full(l)) return;
        if (slot->forward && loop_is_held(l)) continue;
        if (!inlet_wants_read(&slot->in, clock_mono_ns(),
                              (uint64_t)l->settings.idle_read_ms * NS_PER_MS))
            continue;
        if (!slot->in.behind && clock_mono_ns() - began > LOOK_MOST_NS) continue;
        if (!store_connected(ledger_store(l->redis.ledger))) return;
        read_slot(l, slot);
    }
}
