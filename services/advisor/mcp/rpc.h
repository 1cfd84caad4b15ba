// rpc - JSON-RPC 2.0, as MCP speaks it: one request read, one answer written. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/schema/json_tree.h"

enum rpc_code {
    RPC_PARSE = -32700,
    RPC_INVALID = -32600,
    RPC_NO_METHOD = -32601,
    RPC_PARAMS = -32602,
    RPC_INTERNAL = -32603,
    RPC_NO_RESOURCE = -32002, // MCP's own
};

enum rpc_kind { RPC_REQUEST, RPC_NOTIFICATION, RPC_RESPONSE, RPC_WRONG };

struct rpc_message {
    enum rpc_kind kind;
    yajl_val root;      // rpc_free frees it
    const char *method; // of a request or notification
    yajl_val params;    // NULL: none
    buffer_t id;        // of a request, as JSON
    enum rpc_code code; // RPC_WRONG: why
    char why[JSON_WHY];
};

void rpc_read(struct span body, struct rpc_message *out);
void rpc_free(struct rpc_message *self);
void rpc_write_result(const struct rpc_message *to, struct span result, buffer_t *out);
void rpc_write_error(const struct rpc_message *to, enum rpc_code code, const char *message,
                     buffer_t *out);
