// question - what a model is asked.
// SPDX-License-Identifier: MIT
#include "services/advisor/model/question.h"

#include <string.h>

#include "services/advisor/decision/proposal_schema.h"
#include "services/advisor/model/prompt.h"

void question_write(const struct question_form *form, buffer_t *out) {
    buffer_text(out, "{\"model\":");
    buffer_json_string(out, form->model, strlen(form->model));
    buffer_text(out, ",\"messages\":[{\"role\":\"system\",\"content\":");
    buffer_json_string(out, prompt_instructions, strlen(prompt_instructions));
    buffer_text(out, "},{\"role\":\"user\",\"content\":");
    buffer_json_string(out, form->package.data, form->package.length);
    buffer_text(out, "}],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
                     "\"decision\",\"schema\":");
    proposal_schema_object(out);
    buffer_format(out, "}},\"temperature\":0,\"max_tokens\":%lld,\"stream\":false}",
                  (long long)form->answer_tokens);
}
