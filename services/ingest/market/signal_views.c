// signal_views - noted while signals come in, written when no more are there.
// SPDX-License-Identifier: MIT
#include "services/ingest/market/signal_views.h"

#include <string.h>

#include "common/schema/record.h"
#include "services/ingest/slice_market.h"

enum signal_shows { SHOWS_NOTHING, SHOWS_ENTRY, SHOWS_EXIT };

static const enum signal_shows shown_as[] = {
    [SIGNAL__DIRECTION__buy] = SHOWS_ENTRY,       [SIGNAL__DIRECTION__sell] = SHOWS_ENTRY,
    [SIGNAL__DIRECTION__reverse] = SHOWS_ENTRY,   [SIGNAL__DIRECTION__close] = SHOWS_EXIT,
    [SIGNAL__DIRECTION__close_long] = SHOWS_EXIT, [SIGNAL__DIRECTION__close_short] = SHOWS_EXIT,
    [SIGNAL__DIRECTION__flat] = SHOWS_EXIT,       [SIGNAL__DIRECTION__modify] = SHOWS_NOTHING,
    [SIGNAL__DIRECTION__cancel] = SHOWS_NOTHING,  [SIGNAL__DIRECTION__target] = SHOWS_ENTRY,
};

static enum signal_shows shows_of(const Signal *s) {
    bool none_wanted = s->has_target_position && s->target_position == 0;
    return s->direction == SIGNAL__DIRECTION__target && none_wanted ? SHOWS_EXIT
                                                                    : shown_as[s->direction];
}

void signal_views_note(struct signal_views *self, batch_t *batch, const Signal *signal) {
    const enum signal_shows shows = shows_of(signal);
    const bool exit = shows == SHOWS_EXIT;
    size_t i = 0;
    if (shows == SHOWS_NOTHING || strcmp(signal->symbol, "*") == 0) return;
    if (self->batch_at != batch_mono(batch)) self->n = 0, self->batch_at = batch_mono(batch);
    while (i < self->n && (self->shown[i].exit != exit ||
                           strcmp(self->shown[i].signal.symbol, signal->symbol) != 0))
        i++;
    if (i == SIGNAL_VIEWS_MAX) i = 0;
    if (i == self->n) self->n++;
    self->shown[i] = (struct signal_shown){exit, *signal};
}

// Why: in the sender's words, else the strategy's name, else what it wants.
static const char *reason_of(const Signal *s) {
    if (s->reasoning && *s->reasoning) return s->reasoning;
    if (s->strategy && *s->strategy) return s->strategy;
    return record_enum_name(&signal__direction__descriptor, (int)s->direction);
}

static void write_signal_view(batch_t *batch, const struct signal_shown *shown,
                              const struct signal_views_known *known) {
    const Signal *s = &shown->signal;
    const Price *price = prices_last(known->prices, s->symbol);
    const Indicators *in = market_indicators(known->market, s->symbol, batch_now(batch));
    SignalIndicators indicators = SIGNAL_INDICATORS__INIT;
    SignalView view = SIGNAL_VIEW__INIT;
    view.reason = (char *)reason_of(s);
    view.has_price = s->has_price || price;
    view.price = s->has_price ? s->price : price ? price->last : 0;
    view.timestamp = s->has_timestamp ? s->timestamp : s->created_at;
    view.has_confidence = s->has_confidence;
    view.confidence = s->confidence;
    view.signal_id = s->signal_id;
    view.direction = (char *)record_enum_name(&signal__direction__descriptor, (int)s->direction);
    if (in) {
        indicators.has_macd = in->has_macd, indicators.macd = in->macd;
        indicators.has_rsi = in->has_rsi_14, indicators.rsi = in->rsi_14;
        view.indicators = &indicators;
    }
    slice_signal_view(batch, shown->exit ? "exit" : "entry", s->symbol, &view,
                      batch_now(batch) + known->ttl_ns);
}

void signal_views_flush(struct signal_views *self, batch_t *batch,
                        const struct signal_views_known *known) {
    if (self->batch_at != batch_mono(batch)) return; // of a batch that is gone
    for (size_t i = 0; i < self->n; i++) write_signal_view(batch, &self->shown[i], known);
    self->n = 0;
}
