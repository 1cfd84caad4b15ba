// system_event - what a process records about itself: rows of system_event_log.
// SPDX-License-Identifier: MIT
#include "common/oplog/system_event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/batch/batch_commit.h"
#include "system.pb-c.h"

#define QUIET_NS (60 * NS_PER_S)

const char *system_event_name(enum system_event event) {
    static const char *const names[SYSTEM_EVENT_COUNT] = {
#define NAME(name, meaning) [SYSTEM_EVENT_##name] = #name,
        SYSTEM_EVENTS(NAME)
#undef NAME
    };
    return names[event];
}

static void emit_system_event(batch_t *batch, struct system_event_about about, char *text,
                              uint64_t utc_ns, uint32_t count) {
    char id[ID_TEXT];
    id_new(batch_now(batch), id);
    SystemEvent row = SYSTEM_EVENT__INIT;
    row.event_id = id;
    row.service = (char *)(uintptr_t)batch_service(batch);
    row.event = (char *)(uintptr_t)system_event_name(about.event);
    row.text = text;
    row.subject = (char *)(uintptr_t)(about.subject ? about.subject : batch_service(batch));
    row.operator_ = (char *)(uintptr_t)about.operator_name;
    row.has_count = true;
    row.count = count;
    row.created_at = utc_ns;
    batch_emit(batch, TOPIC_incidents, 0, &row.base);
}

void batch_system_event(batch_t *batch, struct system_event_about about, const char *format, ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    emit_system_event(batch, about, text, batch_now(batch), 1);
}

// --- noted now, recorded with the next batch

// Where all rows are taken the last one is shared.
static struct noted_event *note_of(struct noted_events *self, enum system_event event,
                                   const char *subject) {
    for (unsigned i = 0; i < self->n; i++) {
        struct noted_event *row = &self->rows[i];
        if (row->event == event && strcmp(row->subject, subject) == 0) return row;
    }
    struct noted_event *row = &self->rows[self->n < EVENTS_NOTED ? self->n++ : EVENTS_NOTED - 1];
    row->event = event;
    (void)snprintf(row->subject, sizeof row->subject, "%s", subject);
    return row;
}

void events_note(struct noted_events *self, enum system_event event, const char *subject,
                 const char *format, ...) {
    char name[sizeof((struct noted_event *)0)->subject];
    (void)snprintf(name, sizeof name, "%s", subject ? subject : "");
    struct noted_event *row = note_of(self, event, name);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(row->text, sizeof row->text, format, args);
    va_end(args);
    row->utc_ns = clock_utc_ns();
    if (!row->count++) self->pending++;
}

static bool is_event_due(const struct noted_event *row, uint64_t mono_ns) {
    return row->count && (!row->written_at || mono_ns - row->written_at >= QUIET_NS);
}

void events_record(struct noted_events *self, batch_t *batch) {
    for (unsigned i = 0; self->pending && i < self->n; i++) {
        struct noted_event *row = &self->rows[i];
        if (!is_event_due(row, batch_mono(batch))) continue;
        const struct system_event_about about = {row->event, *row->subject ? row->subject : NULL,
                                                 NULL};
        emit_system_event(batch, about, row->text, row->utc_ns, row->count);
        row->count = 0;
        row->written_at = batch_mono(batch);
        self->pending--;
    }
}
