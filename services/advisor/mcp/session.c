// session - the MCP sessions that are open.
// SPDX-License-Identifier: MIT
#include "services/advisor/mcp/session.h"

#include <sodium.h>
#include <string.h>

static struct mcp_session *find_session(struct mcp_sessions *self, const char *id) {
    for (size_t i = 0; i < MCP_SESSIONS_MOST; i++) {
        if (self->all[i].used_at && strcmp(self->all[i].id, id) == 0) return &self->all[i];
    }
    return NULL;
}

const char *mcp_session_begin(struct mcp_sessions *self, uint64_t mono_ns) {
    struct mcp_session *oldest = &self->all[0];
    for (size_t i = 1; i < MCP_SESSIONS_MOST; i++) {
        if (self->all[i].used_at < oldest->used_at) oldest = &self->all[i];
    }
    unsigned char bytes[(MCP_SESSION_TEXT - 1) / 2];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(oldest->id, sizeof oldest->id, bytes, sizeof bytes);
    oldest->used_at = mono_ns;
    return oldest->id;
}

bool mcp_session_use(struct mcp_sessions *self, const char *id, uint64_t mono_ns) {
    struct mcp_session *found = find_session(self, id);
    if (found) found->used_at = mono_ns;
    return found != NULL;
}

bool mcp_session_end(struct mcp_sessions *self, const char *id) {
    struct mcp_session *found = find_session(self, id);
    if (found) *found = (struct mcp_session){0};
    return found != NULL;
}
