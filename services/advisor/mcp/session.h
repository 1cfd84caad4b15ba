// session - the MCP sessions that are open. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MCP_SESSIONS_MOST 64
#define MCP_SESSION_TEXT  33

// The one that was used least lately goes when there are too many: its client begins a new one.
struct mcp_sessions {
    struct mcp_session {
        char id[MCP_SESSION_TEXT];
        uint64_t used_at; // monotonic ns; 0: free
    } all[MCP_SESSIONS_MOST];
};

const char *mcp_session_begin(struct mcp_sessions *self, uint64_t mono_ns); // its new id
bool mcp_session_use(struct mcp_sessions *self, const char *id, uint64_t mono_ns);
bool mcp_session_end(struct mcp_sessions *self, const char *id); // false: there is none
