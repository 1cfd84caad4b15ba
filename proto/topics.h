// topics - the table of TOPICS.md in C: who owns a topic, how it is split, who consumes it, what
// travels on it.
// SPDX-License-Identifier: MIT
#pragma once

// How many processes of a service there are: one; one for each shard of the accounts
// ("executor.0"); one for each other cell that TRADECAST_CELLS names ("relay.b";
// common/delivery/cells.h), and none where there are no cells; one where TRADECAST_OPTIONAL
// names it to every process, else none.
enum processes { ONE_PROCESS, ONE_EACH_SHARD, ONE_EACH_CELL, ONE_IF_WANTED };

// Where a service keeps its positions, for whoever must move one by hand.
enum positions_in { IN_REDIS, IN_DATABASE };

//    role        name          processes       positions
#define SERVICES(X)                                                                                \
    X(INGEST, "ingest", ONE_PROCESS, IN_REDIS)                                                     \
    X(ROUTER, "router", ONE_PROCESS, IN_REDIS)                                                     \
    X(EXECUTOR, "executor", ONE_EACH_SHARD, IN_REDIS)                                              \
    X(RECONCILER, "reconciler", ONE_PROCESS, IN_REDIS)                                             \
    X(ARCHIVER, "archiver", ONE_PROCESS, IN_DATABASE)                                              \
    X(MONITOR, "monitor", ONE_PROCESS, IN_REDIS)                                                   \
    X(RELAY, "relay", ONE_EACH_CELL, IN_REDIS)                                                     \
    X(ADVISOR, "advisor", ONE_IF_WANTED, IN_REDIS)

#define SERVICE_ROLE(role, name, processes, positions) role,
enum role { SERVICES(SERVICE_ROLE) ROLES };
#undef SERVICE_ROLE

#define TO(role) (1u << (role))

// How a topic is split into sequences: one; one for each executor shard ("orders.0"); one for each
// service ("incidents.router").
enum split { WHOLE, BY_SHARD, BY_SERVICE };

//    name         owner       split       consumers
//    message types
#define TOPICS(X)                                                                                  \
    X(signals, INGEST, WHOLE, TO(ROUTER) | TO(ARCHIVER) | TO(RELAY), "Signal SignalRejection")     \
    X(orders, ROUTER, BY_SHARD, TO(EXECUTOR) | TO(RECONCILER) | TO(ARCHIVER),                      \
      "Order OrderCommand")                                                                        \
    X(routings, ROUTER, WHOLE, TO(INGEST) | TO(RECONCILER) | TO(ARCHIVER), "Routing")              \
    X(executions, EXECUTOR, BY_SHARD, TO(RECONCILER) | TO(ROUTER) | TO(ARCHIVER),                  \
      "Execution AccountState InstanceState BrokerSnapshot TradeUnknown")                          \
    X(outcomes, RECONCILER, WHOLE, TO(INGEST) | TO(EXECUTOR) | TO(ARCHIVER),                       \
      "Outcome StatusQuery")                                                                       \
    X(commands, MONITOR, WHOLE, TO(INGEST) | TO(ROUTER) | TO(EXECUTOR) | TO(ARCHIVER), "Command")  \
    X(incidents, ROLES, BY_SERVICE, TO(ARCHIVER), "Alert SystemEvent PerformanceSample")           \
    X(config, ARCHIVER, WHOLE,                                                                     \
      TO(INGEST) | TO(ROUTER) | TO(EXECUTOR) | TO(RECONCILER) | TO(MONITOR), "ConfigChange")       \
    X(recalls, ARCHIVER, WHOLE, TO(INGEST) | TO(EXECUTOR) | TO(RECONCILER),                        \
      "Signal Outcome TradeState")                                                                 \
    X(decisions, ADVISOR, WHOLE, TO(ARCHIVER), "LlmDecision")                                      \
    X(market, INGEST, WHOLE, TO(ARCHIVER),                                                         \
      "Bar Indicators Sentiment Watchlist Candidates MarketContext")

#define TOPIC_ENUM(name, owner, split, consumers, types) TOPIC_##name,
enum topic { TOPICS(TOPIC_ENUM) TOPIC_COUNT };
#undef TOPIC_ENUM

// Published only, never journalled: the latest value wins.
#define FEED_PRICES    "prices"    // Price; ingest
#define FEED_HEARTBEAT "heartbeat" // Heartbeat; every service
// ExecutorSums; every executor but executor 0, which listens, where there are several
#define FEED_SUMS "sums"
#define FEED_SYNC "sync" // SyncState; each of SYNCS
// Trace; services that can be run again, only while somebody listens to just that
#define FEED_TRACE "trace"

// The programs that copy the archive elsewhere: no services (no slice, no topic), there only where
// they are wanted.
#define SYNCS(X) X("sync-backend") X("sync-clickhouse")
