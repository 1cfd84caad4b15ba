// record_traces - what services say about what they do, waiting for what it is about.
// SPDX-License-Identifier: MIT
#include "replay/record_traces.h"

#include <stdio.h>
#include <string.h>

#include "common/delivery/envelope.h"
#include "proto/topics.h"
#include "replay/child.h"
#include "trace.pb-c.h"

#define QUEUE 1000000 // a batch each; nothing says one again that was lost

static bool is_rerun(enum role role) {
    for (size_t i = 0; i < RERUN_ROLES; i++) {
        if (rerun_roles[i] == role) return true;
    }
    return false;
}

void traces_open(struct traces *t, const struct place *place) {
    struct instance all[INSTANCES_MAX];
    size_t n = topology_instances(place->shards, all);
    for (size_t i = 0; i < n; i++) {
        if (!is_rerun(all[i].role)) continue;
        struct endpoint at = endpoint_of(place->run, all[i].name, "events");
        port_t *port = port_connect(PORT_SUB, &at, QUEUE);
        if (!port) continue;
        port_subscribe(port, FEED_TRACE);
        (void)snprintf(t->names[t->n], NAME_TEXT, "%s", all[i].name);
        t->ports[t->n++] = port;
    }
}

void traces_close(struct traces *t) {
    for (size_t i = 0; i < t->n; i++) port_destroy(&t->ports[i]);
    buffer_destroy(&t->waiting);
    t->n = 0;
}

void traces_take(struct traces *t) {
    for (size_t i = 0; i < t->n; i++) {
        struct parcel p;
        while (port_receive(t->ports[i], &p)) {
            uint64_t length = p.frame.length;
            if (strcmp(p.topic, FEED_TRACE) != 0) continue;
            t->begun[i] = true;
            buffer_add(&t->waiting, &length, sizeof length);
            buffer_add(&t->waiting, p.frame.data, p.frame.length);
        }
    }
}

bool traces_write(struct traces *t, recording_t *file, uint64_t now, unsigned long *count) {
    for (size_t at = 0; at < t->waiting.length;) {
        uint64_t length;
        struct envelope e;
        memcpy(&length, t->waiting.data + at, sizeof length);
        at += sizeof length;
        if (envelope_read(FEED_TRACE, (struct span){t->waiting.data + at, length}, &e) == ERR_OK) {
            const struct recorded r = {
                .at = now, .topic = FEED_TRACE, .type = e.type, .body = e.body};
            if (!recording_add(file, &r)) return false;
            ++*count;
        }
        at += length;
    }
    buffer_clear(&t->waiting);
    return true;
}
