// topics - the table of TOPICS.md in C: who owns a topic, how it is split, who consumes it, what travels on it.
// SPDX-License-Identifier: MIT
#pragma once

#define SERVICES(X) X(INGEST, "ingest") X(ROUTER, "router") X(EXECUTOR, "executor") X(RECONCILER, "reconciler") \
    X(ARCHIVER, "archiver") X(MONITOR, "monitor") X(RELAY, "relay")

// A relay hands signals to another cell: there is one for each that TRADECAST_CELLS names (common/cells.h), and none else.

#define SERVICE_ROLE(role, name) role,
enum role { SERVICES(SERVICE_ROLE) ROLES };
#undef SERVICE_ROLE

#define TO(role) (1u << (role))

// How a topic is split into sequences: one; one for each executor shard ("orders.0"); one for each service ("incidents.router").
enum split { WHOLE, BY_SHARD, BY_SERVICE };

//    name         owner       split       consumers                                                    message types
#define TOPICS(X) \
    X(signals,    INGEST,     WHOLE,      TO(ROUTER) | TO(ARCHIVER) | TO(RELAY),                        "Signal SignalRejection") \
    X(orders,     ROUTER,     BY_SHARD,   TO(EXECUTOR) | TO(RECONCILER) | TO(ARCHIVER),                 "Order OrderCommand") \
    X(routings,   ROUTER,     WHOLE,      TO(INGEST) | TO(RECONCILER) | TO(ARCHIVER),                   "Routing") \
    X(executions, EXECUTOR,   BY_SHARD,   TO(RECONCILER) | TO(ROUTER) | TO(ARCHIVER),                   "Execution AccountState InstanceState BrokerSnapshot") \
    X(outcomes,   RECONCILER, WHOLE,      TO(INGEST) | TO(EXECUTOR) | TO(ARCHIVER),                     "Outcome StatusQuery") \
    X(commands,   MONITOR,    WHOLE,      TO(ROUTER) | TO(EXECUTOR) | TO(ARCHIVER),                     "Command") \
    X(incidents,  ROLES,      BY_SERVICE, TO(ARCHIVER),                                                 "Alert SystemEvent PerformanceSample") \
    X(config,     ARCHIVER,   WHOLE,      TO(INGEST) | TO(ROUTER) | TO(EXECUTOR) | TO(RECONCILER) | TO(MONITOR), "ConfigChange") \
    X(recalls,    ARCHIVER,   WHOLE,      TO(INGEST) | TO(EXECUTOR) | TO(RECONCILER),                   "Signal Outcome TradeState")

#define TOPIC_ENUM(name, owner, split, consumers, types) TOPIC_##name,
enum topic { TOPICS(TOPIC_ENUM) TOPIC_COUNT };
#undef TOPIC_ENUM

// Published only, never journalled: the latest value wins.
#define FEED_PRICES "prices"       // Price; ingest
#define FEED_HEARTBEAT "heartbeat" // Heartbeat; every service
#define FEED_SUMS "sums"           // ExecutorSums; every executor but executor 0, which listens, where there are several
#define FEED_SYNC "sync"           // SyncState; each of SYNCS
#define FEED_TRACE "trace"         // Trace; services that can be run again, only while somebody listens to just that

// The programs that copy the archive elsewhere: no services (no slice, no topic), there only where they are wanted.
#define SYNCS(X) X("sync-backend") X("sync-clickhouse")
