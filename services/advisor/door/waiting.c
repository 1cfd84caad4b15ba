// waiting - answers that are given when what they tell of is committed.
// SPDX-License-Identifier: MIT
#include "services/advisor/door/waiting.h"

#include <string.h>

#include "common/base/array.h"

#define JSON "application/json"
#define HELD                                                                                       \
    "{\"error\":{\"code\":\"unavailable\",\"message\":\"nothing can be recorded at the moment; "   \
    "send it again\",\"field\":null}}\n"

void waiting_add(struct waiting_answers *self, exchange_t *x, unsigned status, struct span text) {
    array_reserve(self->all, self->n, self->room);
    self->all[self->n++] = (struct waiting_reply){
        .exchange = x, .status = status, .text = alloc_part(text.data, text.length)};
}

void waiting_give(struct waiting_answers *self) {
    for (size_t i = 0; i < self->n; i++) {
        struct waiting_reply *w = &self->all[i];
        http_answer(w->exchange, w->status, JSON, span_of(w->text), 0, "Cache-Control: no-store");
        free(w->text);
    }
    self->n = 0;
}

void waiting_turn_away(struct waiting_answers *self) {
    for (size_t i = 0; i < self->n; i++) {
        http_answer(self->all[i].exchange, 503, JSON, span_of(HELD), 1, NULL);
        free(self->all[i].text);
    }
    self->n = 0;
}

void waiting_free(struct waiting_answers *self) {
    for (size_t i = 0; i < self->n; i++) free(self->all[i].text);
    free(self->all);
}
