// resources - what an MCP client may read as resources, and the prompt that goes with it.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/base/own.h"
#include "services/advisor/decision/proposal_schema.h"
#include "services/advisor/mcp/mcp.h"
#include "services/advisor/model/prompt.h"

#define SCHEMA_URI  "tradecast://llm/decision.schema"
#define PACKAGE_URI "tradecast://llm/package/"

void mcp_list_resources(struct mcp_call *call) {
    buffer_text(&call->result,
                "{\"resources\":[{\"uri\":\"" SCHEMA_URI
                "\",\"name\":\"decision.schema\",\"title\":"
                "\"What a decision may be\",\"description\":\"JSON Schema of the arguments of "
                "propose_decision\",\"mimeType\":\"application/schema+json\"}]}");
}

void mcp_list_templates(struct mcp_call *call) {
    buffer_text(&call->result,
                "{\"resourceTemplates\":[{\"uriTemplate\":\"" PACKAGE_URI "{symbol}\",\"name\":"
                "\"package\",\"title\":\"What is known about a symbol\",\"description\":\"as "
                "get_package gives it\",\"mimeType\":\"application/json\"}]}");
}

static void write_contents(struct mcp_call *call, const char *uri, const char *type,
                           struct span text) {
    buffer_text(&call->result, "{\"contents\":[{\"uri\":");
    buffer_json_string(&call->result, uri, strlen(uri));
    buffer_format(&call->result, ",\"mimeType\":\"%s\",\"text\":", type);
    buffer_json_string(&call->result, text.data, text.length);
    buffer_text(&call->result, "}]}");
}

void mcp_read_resource(struct mcp_call *call) {
    own(buffer) schema = {0};
    const char *uri = json_tree_text(call->message->params, "uri");
    const struct package *package;
    if (!uri) return mcp_fail(call, RPC_PARAMS, "uri must be a text");
    if (strcmp(uri, SCHEMA_URI) == 0) {
        proposal_schema_document(&schema);
        return write_contents(call, uri, "application/schema+json",
                              (struct span){schema.data, schema.length});
    }
    if (strncmp(uri, PACKAGE_URI, sizeof PACKAGE_URI - 1) != 0)
        return mcp_fail(call, RPC_NO_RESOURCE, "there is no such resource");
    const char *trouble =
        mcp_package_trouble(advisor_package(call->advisor, uri + sizeof PACKAGE_URI - 1, &package));
    if (trouble) return mcp_fail(call, RPC_NO_RESOURCE, trouble);
    write_contents(call, uri, "application/json",
                   (struct span){package->text.data, package->text.length});
}

// --- the prompt

void mcp_list_prompts(struct mcp_call *call) {
    buffer_text(
        &call->result,
        "{\"prompts\":[{\"name\":\"decide\",\"title\":\"Decide about a symbol\","
        "\"description\":\"The instructions, and the package of the symbol\",\"arguments\":[{"
        "\"name\":\"symbol\",\"description\":\"as list_symbols names it\",\"required\":true}]"
        "}]}");
}

void mcp_get_prompt(struct mcp_call *call) {
    own(buffer) text = {0};
    const struct package *package;
    const char *name = json_tree_text(call->message->params, "name"),
               *symbol =
                   json_tree_text(json_tree_member(call->message->params, "arguments"), "symbol");
    if (!name || strcmp(name, "decide") != 0)
        return mcp_fail(call, RPC_PARAMS, "there is no prompt of that name");
    const char *trouble =
        mcp_package_trouble(advisor_package(call->advisor, symbol ? symbol : "", &package));
    if (trouble) return mcp_fail(call, RPC_PARAMS, trouble);
    buffer_format(&text, "%s\n\n%.*s", prompt_instructions, (int)package->text.length,
                  (const char *)package->text.data);
    buffer_text(&call->result, "{\"description\":\"prompt version " PROMPT_VERSION
                               "\",\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\","
                               "\"text\":");
    buffer_json_string(&call->result, buffer_string(&text), text.length);
    buffer_text(&call->result, "}}]}");
}
