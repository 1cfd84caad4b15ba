// effects - what is to be done about a trade after a step.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/effects.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ALERT_TEXT 400

struct effects effects_new(arena_t *arena) {
    return (struct effects){.arena = arena};
}

struct effect *effects_add(struct effects *self, enum effect_kind kind) {
    struct effect *e = arena_take(self->arena, sizeof *e);
    memset(e, 0, sizeof *e);
    e->kind = kind;
    if (!self->first)
        self->first = e;
    else
        *self->end = e;
    self->end = &e->next;
    return e;
}

void effects_keep(struct effects *self) {
    for (const struct effect *e = self->first; e; e = e->next) {
        if (e->kind == EFFECT_KEEP || e->kind == EFFECT_PUBLISH || e->kind == EFFECT_PUBLISH_SOON)
            return;
    }
    (void)effects_add(self, EFFECT_KEEP);
}

void effects_publish(struct effects *self, TradeResult *result, ResultMetrics *metrics) {
    struct effect *e = effects_add(self, EFFECT_PUBLISH);
    e->publish.result = result;
    e->publish.metrics = metrics;
}

struct effect *effects_alert(struct effects *self, int severity, const char *code,
                             const char *format, ...) {
    char text[ALERT_TEXT];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct effect *e = effects_add(self, EFFECT_ALERT);
    e->alert.severity = severity;
    e->alert.code = code;
    e->alert.text = arena_text(self->arena, text);
    return e;
}
