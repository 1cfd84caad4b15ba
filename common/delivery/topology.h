// topology - who there is, and which topics each of them owns and consumes: all from
// proto/topics.h.
// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>

#include "common/delivery/delivery.h"
#include "proto/topics.h"

#define NAME_TEXT     64
#define INSTANCES_MAX 64

const char *role_name(enum role role);
enum processes role_processes(enum role role);
enum positions_in role_positions(enum role role);
unsigned topic_consumers(enum topic topic); // TO(role) bits
bool topic_is_by_shard(enum topic topic);
bool topic_is_of(enum topic topic, enum role role); // it alone writes to it
// Whether how many shards there are matters to a service: it is one process for each, or its topics
// are split by them.
bool topology_is_sharded(enum role role);
// The process's name: "ingest", "executor.0", "relay.b" (shard: its place in TRADECAST_CELLS).
void instance_name(enum role role, unsigned shard, char out[static NAME_TEXT]);

struct instance {
    enum role role;
    unsigned shard;
    char name[NAME_TEXT];
};
// Which of the services that are there only where they are wanted (ONE_IF_WANTED) are there: their
// names, with blanks or commas between them; NULL: none. False: *wrong says which is no such name.
bool topology_want(const char *names, char wrong[static 256]);
bool topology_is_wanted(enum role role); // always, if it is no such service
// all processes of an installation
size_t topology_instances(unsigned shards, struct instance out[static INSTANCES_MAX]);

// A topic as one process sees it: "orders.0".
struct stream {
    enum topic topic;
    unsigned shard;
    char name[NAME_TEXT];
};
size_t topology_outlets(const struct instance *me, unsigned shards,
                        struct stream out[static INSTANCES_MAX]);
size_t topology_inlets(const struct instance *me, unsigned shards,
                       struct stream out[static 2 * INSTANCES_MAX]);
void topology_owner(const struct stream *s,
                    char out[static NAME_TEXT]); // the process that alone writes to it
// The instances that consume a stream.
size_t topology_consumers(const struct stream *s, unsigned shards,
                          struct instance out[static INSTANCES_MAX]);
