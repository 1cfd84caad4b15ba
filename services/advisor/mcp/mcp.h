// mcp - the Model Context Protocol over streamable HTTP, with JSON answers: what a client may call
// and read. docs/language-model.md lists it.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/advisor/advisor.h"
#include "services/advisor/mcp/rpc.h"

void mcp_post(struct advisor *self, exchange_t *x);   // POST /mcp
void mcp_delete(struct advisor *self, exchange_t *x); // DELETE /mcp: the session ends

// One method's answer in the making.
struct mcp_call {
    struct advisor *advisor;
    const struct rpc_message *message;
    exchange_t *exchange;
    buffer_t result;     // JSON
    bool after_commit;   // what it tells of is not committed yet
    enum rpc_code fault; // not 0: it failed, and `why` says why
    const char *why;     // a literal
};

void mcp_call_tool(struct mcp_call *call);
void mcp_list_tools(struct mcp_call *call);
void mcp_list_resources(struct mcp_call *call);
void mcp_list_templates(struct mcp_call *call);
void mcp_read_resource(struct mcp_call *call);
void mcp_list_prompts(struct mcp_call *call);
void mcp_get_prompt(struct mcp_call *call);

static inline void mcp_fail(struct mcp_call *call, enum rpc_code fault, const char *why) {
    call->fault = fault;
    call->why = why;
}
// The words for an error of advisor_package; NULL: there is none.
const char *mcp_package_trouble(err_t e);
