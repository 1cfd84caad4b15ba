// session - the gateways: who is there, what it can do, whether it still answers.
// SPDX-License-Identifier: MIT
#include "services/executor/gateway/session.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

struct sessions {
    struct session *first; // a handful: one a broker connection
};

sessions_t *sessions_new(void) {
    sessions_t *self = alloc_zeroed(1, sizeof *self);
    return self;
}

void sessions_destroy(sessions_t **self) {
    if (!*self) return;
    for (struct session *s = (*self)->first, *next; s; s = next) {
        next = s->next;
        free(s->instance_id);
        free(s->broker_id);
        free(s->kind);
        buffer_destroy(&s->greeting);
        free(s);
    }
    free(*self);
    *self = NULL;
}

struct session *sessions_find(const sessions_t *self, const char *instance_id) {
    struct session *s = self->first;
    while (s && strcmp(s->instance_id, instance_id) != 0) s = s->next;
    return s;
}

struct session *sessions_get(sessions_t *self, const char *instance_id) {
    struct session *s = sessions_find(self, instance_id);
    if (s) return s;
    s = alloc_zeroed(1, sizeof *s);
    s->instance_id = alloc_text(instance_id);
    s->broker_id = alloc_text("");
    s->kind = alloc_text("");
    s->state = INSTANCE_STATE__STATE__connecting;
    s->can.checks.check = HELLO__DUPLICATE_CHECK__none;
    s->next = self->first;
    return self->first = s;
}

struct session *sessions_first(const sessions_t *self) {
    return self->first;
}
bool session_is_ready(const struct session *s) {
    return s && s->welcomed && !s->gone && s->state == INSTANCE_STATE__STATE__ready;
}
