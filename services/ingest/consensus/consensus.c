// consensus - whether sources agree, and the signal that follows.
// SPDX-License-Identifier: MIT
#include "services/ingest/consensus/consensus.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/schema/record.h"

// One vote as it is weighed.
struct weighed {
    Signal *signal;
    decimal_t weight;
    bool same;   // says what the new signal says …
    bool agrees; // … and has weight
};

struct count {
    const struct hearing *h;
    const Consensus *rule;
    arena_t *arena;
    // in the order in which they came, the new one last
    struct weighed votes[CONSENSUS_PARTS_MAX + 1];
    size_t n;
    size_t agreeing;
};

bool consensus_hears(const Signal *signal) {
    if (signal->target_signal_id || strcmp(signal->symbol, "*") == 0) return false;
    switch (signal->direction) {
    case SIGNAL__DIRECTION__buy:
    case SIGNAL__DIRECTION__sell:
    case SIGNAL__DIRECTION__close:
    case SIGNAL__DIRECTION__close_long:
    case SIGNAL__DIRECTION__close_short:
    case SIGNAL__DIRECTION__flat:
        return true;
    case SIGNAL__DIRECTION__reverse:
    case SIGNAL__DIRECTION__modify:
    case SIGNAL__DIRECTION__cancel:
    case SIGNAL__DIRECTION__target:
    case _SIGNAL__DIRECTION_IS_INT_SIZE:
        break;
    }
    return false;
}

const Consensus__Part *consensus_part(const Consensus *rule, const char *source) {
    for (size_t i = 0; i < rule->n_parts && i < CONSENSUS_PARTS_MAX; i++) {
        if (strcmp(rule->parts[i]->source, source) == 0) return rule->parts[i];
    }
    return NULL;
}

static uint64_t compute_vote_age(uint64_t then, uint64_t now) {
    return now > then ? now - then : 0;
}

// At the end of the window it still counts, as a signal does at its greatest age.
static bool is_within_window(const Consensus *rule, uint64_t then, uint64_t now) {
    return compute_vote_age(then, now) <= rule->window_s * NS_PER_S;
}

bool ballot_is_over(const Ballot *b, const Consensus *rule, uint64_t now) {
    for (size_t i = 0; i < b->n_votes; i++) {
        if (is_within_window(rule, b->votes[i]->created_at, now)) return false;
    }
    return !b->decided || !is_within_window(rule, b->decided_at, now);
}

// --- the table

// Votes of before that still count: of parts, within the window, and not of the source that speaks
// now, whose latest counts.
static void gather_votes(struct count *c) {
    const Signal *now = c->h->signal;
    const Ballot *b = c->h->ballot;
    for (size_t i = 0; b && i < b->n_votes && c->n < CONSENSUS_PARTS_MAX; i++) {
        Signal *s = b->votes[i];
        const Consensus__Part *part = consensus_part(c->rule, s->source);
        if (!part || strcmp(s->source, now->source) == 0 ||
            !is_within_window(c->rule, s->created_at, now->created_at))
            continue;
        c->votes[c->n++] =
            (struct weighed){s, D(part->weight), s->direction == now->direction, false};
    }
}

static bool is_listed(char *const *list, size_t n, const char *text) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i], text) == 0) return true;
    }
    return false;
}

// The last consensus came without this source, which says the same a little later; and nobody has
// begun to say it again.
static bool is_late(const struct count *c) {
    const Ballot *b = c->h->ballot;
    const Signal *s = c->h->signal;
    if (!b || !b->decided || b->direction != s->direction ||
        !is_within_window(c->rule, b->decided_at, s->created_at))
        return false;
    for (size_t i = 0; i < c->n; i++) {
        if (c->votes[i].same && c->votes[i].weight.e8) return false;
    }
    return !is_listed(b->decided_by, b->n_decided_by, s->source);
}

static char **list_with(struct count *c, char *const *list, size_t n, char *more) {
    char **all = arena_take(c->arena, (n + 1) * sizeof *all);
    if (n) memcpy(all, list, n * sizeof *all);
    all[n] = more;
    return all;
}

static Ballot *ballot_of(const struct count *c) {
    const Ballot *before = c->h->ballot;
    Ballot *b = arena_take(c->arena, sizeof *b);
    ballot__init(b);
    if (before) *b = *before;
    b->config_id = c->h->row->config_id;
    b->symbol = c->h->signal->symbol;
    b->votes = arena_take(c->arena, (c->n + 1) * sizeof(Signal *));
    b->n_votes = 0;
    b->has_agreement = false;
    b->waiting = NULL;
    return b;
}

static void join_late(struct count *c, Ballot *b) {
    const Signal *s = c->h->signal;
    b->decided_by = list_with(c, b->decided_by, b->n_decided_by, s->source);
    b->n_decided_by++;
    b->decided_parts = list_with(c, b->decided_parts, b->n_decided_parts, s->signal_id);
    b->n_decided_parts++;
}

// --- the verdict

static int64_t weight_of_all(const Consensus *rule) {
    int64_t all = 0;
    for (size_t i = 0; i < rule->n_parts && i < CONSENSUS_PARTS_MAX; i++)
        all += rule->parts[i]->weight;
    return all;
}

static void mean_confidence(const struct count *c, struct reckoning *out) {
    struct weighted given[CONSENSUS_PARTS_MAX + 1];
    decimal_t step = D(DECIMAL_SCALE / 100);
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct weighed *v = &c->votes[i];
        if (!v->agrees || !v->signal->has_confidence) continue;
        given[n++] = (struct weighted){D(v->signal->confidence), v->weight};
        step = decimal_min(step, decimal_finest(D(v->signal->confidence)));
    }
    out->has_confidence = n && decimal_mean_of(given, n, step, &out->confidence);
}

static void weigh_votes(struct count *c, struct reckoning *out) {
    const Signal *now = c->h->signal;
    for (size_t i = 0; i < c->n; i++) {
        struct weighed *v = &c->votes[i];
        v->same = v->signal->direction == now->direction;
        v->agrees = v->same && v->weight.e8 > 0;
        c->agreeing += v->agrees;
        (v->same ? &out->weight_for : &out->weight_against)->e8 += v->weight.e8;
    }
    (void)decimal_div(D(out->weight_for.e8 - out->weight_against.e8), D(weight_of_all(c->rule)),
                      ROUND_HALF_EVEN, &out->agreement);
    mean_confidence(c, out);
}

// What it lacks; NULL: nothing.
static const char *find_unmet_term(const struct count *c, const struct reckoning *v) {
    if (!c->votes[c->n - 1].weight.e8) return "its source has no weight";
    if (v->agreement.e8 <= 0 || v->agreement.e8 < c->rule->min_agreement) return "agreement";
    if (c->rule->has_min_confidence &&
        (!v->has_confidence || v->confidence.e8 < c->rule->min_confidence))
        return "confidence";
    return NULL;
}

// --- the signal that follows

static int64_t *decimal_in(Signal *s, const ProtobufCFieldDescriptor *f) {
    return (int64_t *)(void *)((char *)s + f->offset);
}

// What tells of the vote itself, not of what is to be traded.
static bool is_of_the_vote(const char *field) {
    return strcmp(field, "confidence") == 0 || strcmp(field, "agreement") == 0;
}

// A price stays as fine as the finest of the parts; anything else may be finer.
static bool is_price(const char *field) {
    return strcmp(field, "price") == 0 || strcmp(field, "stop_loss") == 0 ||
           strcmp(field, "take_profit") == 0 || strcmp(field, "limit_price") == 0;
}

// The same kind of order with the same decimals given: only then is there a mean that means
// something.
static bool is_alike(const Signal *a, const Signal *b) {
    if (a->order_type != b->order_type || a->has_exit_unit != b->has_exit_unit ||
        (a->has_exit_unit && a->exit_unit != b->exit_unit))
        return false;
    for (unsigned i = 0; i < signal__descriptor.n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &signal__descriptor.fields[i];
        if (f->type != PROTOBUF_C_TYPE_SFIXED64 || is_of_the_vote(f->name)) continue;
        if (record_is_set(&a->base, f) != record_is_set(&b->base, f)) return false;
    }
    return true;
}

static bool mean_field(const struct count *c, const ProtobufCFieldDescriptor *f, Signal *out) {
    struct weighted all[CONSENSUS_PARTS_MAX + 1];
    decimal_t step = is_price(f->name) ? D(DECIMAL_SCALE) : D(1), mean;
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct weighed *v = &c->votes[i];
        if (!v->agrees) continue;
        all[n] = (struct weighted){D(*decimal_in(v->signal, f)), v->weight};
        step = decimal_min(step, decimal_finest(all[n++].value));
    }
    if (!decimal_mean_of(all, n, step, &mean)) return false;
    *decimal_in(out, f) = mean.e8;
    return true;
}

static void take_means(const struct count *c, Signal *out) {
    Signal means = *out;
    for (size_t i = 0; i < c->n; i++) {
        if (c->votes[i].agrees && !is_alike(c->votes[i].signal, out)) return;
    }
    for (unsigned i = 0; i < signal__descriptor.n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &signal__descriptor.fields[i];
        if (f->type != PROTOBUF_C_TYPE_SFIXED64 || is_of_the_vote(f->name) ||
            !record_is_set(&out->base, f))
            continue;
        if (!mean_field(c, f, &means)) return; // too large for a mean: the latest is as good
    }
    *out = means;
}

static const Signal *find_leading_signal(const struct count *c) {
    size_t i = 0;
    while (!c->votes[i].agrees) i++; // the new one does
    return c->rule->take == CONSENSUS__TAKE__first ? c->votes[i].signal : c->votes[c->n - 1].signal;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// From the row and the parts, in whatever order they came: deciding again gives the same.
static char *derive_consensus_id(const struct count *c, const Signal *s) {
    const char **names = arena_take(c->arena, (s->n_parts + 2) * sizeof *names);
    names[0] = "consensus";
    names[1] = c->h->row->config_id;
    memcpy(names + 2, s->parts, s->n_parts * sizeof *names);
    qsort(names + 2, s->n_parts, sizeof *names, by_text);
    char *id = arena_take(c->arena, ID_TEXT);
    id_derive(id, names[2], (unsigned)s->n_parts + 2, names);
    return id;
}

static void add_votes(const struct count *c, Signal *s) {
    s->parts = arena_take(c->arena, c->n * sizeof *s->parts);
    s->votes = arena_take(c->arena, c->n * sizeof *s->votes);
    s->n_parts = s->n_votes = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct weighed *w = &c->votes[i];
        Vote *v = s->votes[s->n_votes++] = arena_take(c->arena, sizeof *v);
        vote__init(v);
        v->source = w->signal->source;
        v->signal_id = w->signal->signal_id;
        v->direction = w->signal->direction;
        v->weight = w->weight.e8;
        v->agrees = w->agrees;
        v->created_at = w->signal->created_at;
        v->has_confidence = w->signal->has_confidence;
        v->confidence = w->signal->confidence;
        if (w->agrees) s->parts[s->n_parts++] = w->signal->signal_id;
    }
}

static char *in_words(const struct count *c, const struct reckoning *v) {
    char agreement[DECIMAL_TEXT], weight[DECIMAL_TEXT];
    buffer_t text = {0};
    (void)decimal_print(v->agreement, agreement);
    buffer_format(&text, "%zu of %zu sources agree, agreement %s:", c->agreeing, c->rule->n_parts,
                  agreement);
    for (size_t i = 0; i < c->n; i++) {
        const Signal *s = c->votes[i].signal;
        (void)decimal_print(c->votes[i].weight, weight);
        buffer_format(&text, "%s %s %s (weight %s)", i ? "," : "", s->source,
                      record_enum_name(&signal__direction__descriptor, (int)s->direction), weight);
    }
    char *kept = arena_text(c->arena, buffer_string(&text));
    buffer_destroy(&text);
    return kept;
}

static Signal *make_consensus_signal(const struct count *c, const struct reckoning *v) {
    const SignalConfig *row = c->h->row;
    Signal *s = arena_take(c->arena, sizeof *s);
    *s = *find_leading_signal(c);
    if (c->rule->take == CONSENSUS__TAKE__weighted_mean) take_means(c, s);
    add_votes(c, s);
    s->signal_id = derive_consensus_id(c, s);
    s->source = row->config_id;
    s->status = SIGNAL__STATUS__pending;
    s->created_at = c->h->signal->created_at;
    s->data_source = (char *)"weighted_consensus";
    s->strategy = row->default_strategy ? row->default_strategy : s->data_source;
    s->has_sources = s->has_agreement = true;
    s->sources = (uint32_t)c->agreeing;
    s->agreement = v->agreement.e8;
    s->has_confidence = v->has_confidence;
    s->confidence = v->confidence.e8;
    s->reasoning = in_words(c, v);
    s->extra = NULL;
    s->has_part_only = s->part_only = false;
    return s;
}

// Those that say the same are used up; the others stay until their window ends.
static void use_up(const struct count *c, const Signal *s, Ballot *b) {
    b->decided = s->signal_id;
    b->has_direction = b->has_decided_at = true;
    b->direction = s->direction;
    b->decided_at = s->created_at;
    b->decided_parts = s->parts;
    b->n_decided_parts = s->n_parts;
    b->decided_by = arena_take(c->arena, c->n * sizeof *b->decided_by);
    b->n_decided_by = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->votes[i].same)
            b->decided_by[b->n_decided_by++] = c->votes[i].signal->source;
        else
            b->votes[b->n_votes++] = c->votes[i].signal;
    }
}

static void keep_all(const struct count *c, Ballot *b) {
    for (size_t i = 0; i < c->n; i++) b->votes[b->n_votes++] = c->votes[i].signal;
}

void consensus_hear(const struct hearing *h, arena_t *arena, struct heard *out) {
    struct count c = {.h = h, .rule = h->row->consensus, .arena = arena};
    *out = (struct heard){0};
    gather_votes(&c);
    out->reckoning.late = is_late(&c);
    out->ballot = ballot_of(&c);
    if (out->reckoning.late) {
        keep_all(&c, out->ballot);
        join_late(&c, out->ballot);
        return;
    }
    const Consensus__Part *part = consensus_part(c.rule, h->signal->source);
    c.votes[c.n++] =
        (struct weighed){(Signal *)(uintptr_t)h->signal, D(part ? part->weight : 0), false, false};
    weigh_votes(&c, &out->reckoning);
    const char *lack = find_unmet_term(&c, &out->reckoning);
    out->reckoning.reached = !lack;
    if (lack) {
        keep_all(&c, out->ballot);
        out->ballot->has_agreement = true;
        out->ballot->agreement = out->reckoning.agreement.e8;
        out->ballot->waiting = (char *)(uintptr_t)lack;
        return;
    }
    out->signal = make_consensus_signal(&c, &out->reckoning);
    use_up(&c, out->signal, out->ballot);
}
