// doors - what a process can be reached by, and the ports that doors have where they are on a
// network.
// SPDX-License-Identifier: MIT
#pragma once

// Port = TRADECAST_PORTS + slot of the process x PORTS_EACH + number of the door. Numbers are kept
// for ever: hosts of one installation may run different versions for a while.
#define PORTS_PRESET 7400
#define PORTS_EACH   8

//       door     number
#define DOORS(X)                                                                                   \
    X(inbox, 0)    /* topics, from their owners */                                                 \
    X(events, 1)   /* everything that is published */                                              \
    X(control, 2)  /* the operator's word */                                                       \
    X(gateways, 3) /* the executor's side of its gateways */                                       \
    X(intake, 4)   /* signals of bots */                                                           \
    X(handover, 5) /* signals of other cells */                                                    \
    X(query, 6)    /* questions to the archive */

//       process            slot  how many (NAME.0, NAME.1, ...; a relay by its cell's place in
//       TRADECAST_CELLS)
#define SLOTS(X)                                                                                   \
    X("ingest", 0, 1)                                                                              \
    X("router", 1, 1)                                                                              \
    X("reconciler", 2, 1)                                                                          \
    X("archiver", 3, 1)                                                                            \
    X("monitor", 4, 1)                                                                             \
    X("sync-backend", 5, 1)                                                                        \
    X("sync-clickhouse", 6, 1)                                                                     \
    X("executor", 8, 32)                                                                           \
    X("relay", 40, 16)                                                                             \
    X("advisor", 56, 1)

// Who may connect to a door, beside the owners of topics to the inbox of whoever consumes them
// (topics.h) and a process to its own control door. What a key's name begins with: "gateway" is
// gateway.paper-1, "relay@" is relay.b of another cell.
//       door      whose       callers
#define CALLERS(X)                                                                                 \
    X(events, "*", "monitor operator")                                                             \
    X(events, "ingest", "router executor gateway") /* prices */                                    \
    X(events, "executor", "executor")              /* what another one has open */                 \
    X(events, "monitor", "monitor@")               /* how the cell is */                           \
    X(control, "*", "operator")                                                                    \
    X(gateways, "executor", "gateway")                                                             \
    X(intake, "ingest", "bot operator")                                                            \
    X(handover, "ingest", "relay@")                                                                \
    X(query, "archiver", "operator")
