// heard - what tests let the monitor hear.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "services/monitor/alerts.h"

#define AT(seconds) ((uint64_t)(seconds)*NS_PER_S)

static inline void hear_all(struct watch *w, uint64_t mono_ns) {
    for (size_t i = 0; i < w->n_services; i++) {
        Heartbeat beat = HEARTBEAT__INIT;
        beat.service = w->services[i].name;
        watch_heartbeat(w, &beat, mono_ns);
    }
}

// The owner's head of `topic`, then the consumer's position in it.
static inline void hear_lag(struct watch *w, const char *const names[3], uint64_t head,
                            uint64_t position, uint64_t mono_ns) {
    char head_text[32], position_text[32];
    snprintf(head_text, sizeof head_text, "7-%llu", (unsigned long long)head);
    snprintf(position_text, sizeof position_text, "7-%llu", (unsigned long long)position);
    TopicHead topic = TOPIC_HEAD__INIT;
    topic.topic = (char *)names[0];
    topic.head = head_text;
    topic.length = head;
    TopicLag input = TOPIC_LAG__INIT;
    input.topic = (char *)names[0];
    input.position = position_text;
    Heartbeat owner = HEARTBEAT__INIT, consumer = HEARTBEAT__INIT;
    owner.service = (char *)names[1];
    owner.n_topics = 1;
    owner.topics = (TopicHead *[]){&topic};
    consumer.service = (char *)names[2];
    consumer.n_inputs = 1;
    consumer.inputs = (TopicLag *[]){&input};
    watch_heartbeat(w, &owner, mono_ns);
    watch_heartbeat(w, &consumer, mono_ns);
}

static inline void hear_instance(struct watch *w, const char *id, InstanceState__State state) {
    InstanceState m = INSTANCE_STATE__INIT;
    m.instance_id = (char *)id;
    m.broker_id = (char *)"alpha";
    m.state = state;
    watch_event(w, &m.base);
}

static inline void hear_account(struct watch *w, const char *id, AccountState__State state,
                                const char *reason) {
    AccountState m = ACCOUNT_STATE__INIT;
    m.account_id = (char *)id;
    m.broker_id = (char *)"alpha";
    m.state = state;
    m.reason = (char *)reason;
    m.has_open_positions = true;
    m.open_positions = 2;
    watch_event(w, &m.base);
}
