// rpc - JSON-RPC 2.0, as MCP speaks it.
// SPDX-License-Identifier: MIT
#include "services/advisor/mcp/rpc.h"

#include <stdio.h>
#include <string.h>

static void refuse_message(struct rpc_message *m, enum rpc_code code, const char *why) {
    m->kind = RPC_WRONG;
    m->code = code;
    snprintf(m->why, sizeof m->why, "%s", why);
}

// A string or a number; null is no id of a request.
static bool read_rpc_id(struct rpc_message *m, yajl_val id) {
    const char *text = YAJL_GET_STRING(id);
    if (text)
        buffer_json_string(&m->id, text, strlen(text));
    else if (YAJL_IS_NUMBER(id))
        buffer_text(&m->id, YAJL_GET_NUMBER(id));
    return m->id.length > 0;
}

static bool is_rpc_answer(yajl_val root) {
    return json_tree_member(root, "result") || json_tree_member(root, "error");
}

void rpc_read(struct span body, struct rpc_message *m) {
    *m = (struct rpc_message){0};
    m->root = json_tree_parse(body, m->why);
    if (!m->root) {
        m->kind = RPC_WRONG;
        m->code = RPC_PARSE;
        return;
    }
    const char *version = json_tree_text(m->root, "jsonrpc");
    yajl_val id = json_tree_member(m->root, "id");
    if (!YAJL_IS_OBJECT(m->root))
        return refuse_message(m, RPC_INVALID, "a message is one object; there are no batches");
    if (!version || strcmp(version, "2.0") != 0)
        return refuse_message(m, RPC_INVALID, "jsonrpc must be \"2.0\"");
    m->method = json_tree_text(m->root, "method");
    m->params = json_tree_member(m->root, "params");
    if (!m->method && is_rpc_answer(m->root))
        m->kind = RPC_RESPONSE;
    else if (!m->method)
        refuse_message(m, RPC_INVALID, "method must be a text");
    else if (m->params && !YAJL_IS_OBJECT(m->params))
        refuse_message(m, RPC_INVALID, "params must be an object");
    else if (!id)
        m->kind = RPC_NOTIFICATION;
    else if (!read_rpc_id(m, id))
        refuse_message(m, RPC_INVALID, "id must be a text or a number");
}

void rpc_free(struct rpc_message *self) {
    yajl_tree_free(self->root);
    buffer_destroy(&self->id);
}

static void begin_rpc_answer(const struct rpc_message *to, buffer_t *out) {
    buffer_text(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    if (to->id.length)
        buffer_add(out, to->id.data, to->id.length);
    else
        buffer_text(out, "null");
}

void rpc_write_result(const struct rpc_message *to, struct span result, buffer_t *out) {
    begin_rpc_answer(to, out);
    buffer_text(out, ",\"result\":");
    buffer_add(out, result.data, result.length);
    buffer_text(out, "}");
}

void rpc_write_error(const struct rpc_message *to, enum rpc_code code, const char *message,
                     buffer_t *out) {
    begin_rpc_answer(to, out);
    buffer_format(out, ",\"error\":{\"code\":%d,\"message\":", (int)code);
    buffer_json_string(out, message, strlen(message));
    buffer_text(out, "}}");
}
