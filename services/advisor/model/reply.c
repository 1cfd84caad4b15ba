// reply - what an OpenAI-compatible endpoint answered.
// SPDX-License-Identifier: MIT
#include "services/advisor/model/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/schema/json_tree.h"

#define TOKENS_MOST UINT64_C(1000000000)

static void fail_reply(struct model_reply *out, const char *what, const char *more) {
    snprintf(out->why, sizeof out->why, "the model's endpoint: %s%s%.200s", what, *more ? ": " : "",
             more);
}

static uint64_t read_tokens(yajl_val root) {
    yajl_val total = json_tree_member(json_tree_member(root, "usage"), "total_tokens");
    const char *text = YAJL_IS_NUMBER(total) ? YAJL_GET_NUMBER(total) : "";
    uint64_t n = *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : 0;
    return n < TOKENS_MOST ? n : TOKENS_MOST;
}

static yajl_val first_choice(yajl_val root) {
    yajl_val choices = json_tree_member(root, "choices");
    return YAJL_IS_ARRAY(choices) && choices->u.array.len ? choices->u.array.values[0] : NULL;
}

// An answer that was cut, or that the model refused to give, is none.
static void read_choice(yajl_val choice, arena_t *arena, struct model_reply *out) {
    yajl_val message = json_tree_member(choice, "message");
    const char *finish = json_tree_text(choice, "finish_reason"),
               *content = json_tree_text(message, "content"),
               *refusal = json_tree_text(message, "refusal");
    if (refusal)
        fail_reply(out, "the model refuses", refusal);
    else if (finish && strcmp(finish, "stop") != 0)
        fail_reply(out, "the model did not finish", finish);
    else if (!content)
        fail_reply(out, "the answer has no text", "");
    else
        out->content = arena_text(arena, content);
}

void reply_read(unsigned status, const char *trouble, struct span body, arena_t *arena,
                struct model_reply *out) {
    char why[JSON_WHY], number[16];
    *out = (struct model_reply){0};
    snprintf(number, sizeof number, "%u", status);
    if (!status) return fail_reply(out, "no answer", trouble ? trouble : "");
    yajl_val root = json_tree_parse(body, why);
    const char *said = json_tree_text(json_tree_member(root, "error"), "message"),
               *model = json_tree_text(root, "model");
    if (model) out->model = arena_text(arena, model);
    out->tokens = read_tokens(root);
    if (status != 200)
        fail_reply(out, number, said ? said : "");
    else if (!root)
        fail_reply(out, "the answer", why);
    else
        read_choice(first_choice(root), arena, out);
    yajl_tree_free(root);
}
