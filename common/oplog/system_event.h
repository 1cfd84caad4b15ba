// system_event - what a process records about itself: rows of system_event_log.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"

//    event           what it means
#define SYSTEM_EVENTS(X)                                                                           \
    X(start, "it runs, and whether the process before it had stopped in order")                    \
    X(stop, "it stops in order, and why")                                                          \
    X(stalled, "it cannot commit")                                                                 \
    X(recovered, "something was made good: a stall, a gap, what Redis had forgotten")              \
    X(fenced, "it took over from a process that still ran")                                        \
    X(input_held, "it takes no new work")                                                          \
    X(input_resumed, "it takes new work again")                                                    \
    X(configuration, "a version of the configuration is in force")                                 \
    X(operator, "what somebody commanded")                                                         \
    X(backup, "a backup was made")

#define SYSTEM_EVENT_NAME(name, meaning) SYSTEM_EVENT_##name,
enum system_event { SYSTEM_EVENTS(SYSTEM_EVENT_NAME) SYSTEM_EVENT_COUNT };
#undef SYSTEM_EVENT_NAME

const char *system_event_name(enum system_event event);

// What is recorded: `subject` is the id or name it is about (a topic, an account, a version), NULL:
// the process itself. `operator_name`: who did it, NULL: nobody.
struct system_event_about {
    enum system_event event;
    const char *subject, *operator_name;
};

// Records it with the batch, now.
void batch_system_event(batch_t *batch, struct system_event_about about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// What happens while there is no batch to write into, or again and again (a stall, a gap), is noted
// and recorded with the next batch that is opened: the same (event, subject) at most once a minute,
// with how often it happened since. A fixed number of subjects; what comes beyond them shares one.
#define EVENTS_NOTED 24
struct noted_event {
    enum system_event event;
    char subject[64], text[240];
    uint64_t utc_ns, written_at; // when it last happened; monotonic: when it was last recorded
    uint32_t count;              // how often since then; 0: nothing to record
};
struct noted_events {
    struct noted_event rows[EVENTS_NOTED];
    unsigned n, pending;
};

void events_note(struct noted_events *self, enum system_event event, const char *subject,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
void events_record(struct noted_events *self, batch_t *batch); // what is due of it
