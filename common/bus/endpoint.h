// endpoint - where the doors of processes are: the same for who binds and who connects, from the
// environment alone.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#define ENDPOINT_TEXT 256
#define OWNER_TEXT    128

struct endpoint {
    // "ipc://…", "tcp://host:port", "tcp://[::1]:port"; empty: nothing says where it is
    char address[ENDPOINT_TEXT];
    // whose door it is, which is whose key it shows: "executor.0"; of another cell "ingest@b"
    char owner[OWNER_TEXT];
    char door[16];
};

// The door of process `name` ("ingest", "executor.0", "relay.b", a gateway's instance_id) of this
// installation. What is set first counts:
//   TRADECAST_ENDPOINT_<NAME>_<DOOR>  the address itself
//   TRADECAST_HOST_<NAME>             tcp://<host>:<port>, the port by proto/doors.h from
//   TRADECAST_PORTS on
//   else                              ipc://<run_dir>/<name>.<door>
// In variables' names everything is upper case, what is neither letter nor digit is '_'. A process
// without a slot (a gateway) has no port.
struct endpoint endpoint_of(const char *run_dir, const char *name, const char *door);

// The door of process `name` of another cell: TRADECAST_CELL_<CELL>_ENDPOINT_<NAME>_<DOOR>, else
// TRADECAST_CELL_<CELL>_HOST with the ports from TRADECAST_CELL_<CELL>_PORTS on, else in
// TRADECAST_CELL_<CELL>_RUN_DIR. An empty address: none of them is set.
struct endpoint endpoint_of_cell(const char *cell, const char *name, const char *door);

// An address that was given as such.
struct endpoint endpoint_at(const char *address, const char *owner, const char *door);

// TRADECAST_HOST_<NAME>; NULL: not set.
const char *endpoint_host(const char *name);

// Whether the environment says where a process is (by its host or its control door), so that it
// need not be on this host.
bool endpoint_is_given(const char *name);

// The port's distance from the first one; -1: the process or the door has none.
int endpoint_port(const char *name, const char *door);

// Whether nobody on another host can be at the other end: ipc, inproc, and tcp at 127.0.0.0/8,
// [::1] or localhost. By the text alone: what a name means may change, so every other name is one
// of the network.
bool endpoint_is_local(const char *address);
bool endpoint_is_tcp(const char *address);

// Whether Redis may be spoken to at that address (unix:/path, tcp:host:port): on this host, or on a
// network that `plain` says is private. Redis hears passwords and everything else in plain text.
// False: `why`.
bool endpoint_redis_may(const char *address, bool plain, char why[static 240]);
