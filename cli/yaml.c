// yaml - YAML in: nodes of a document become JSON. Out: events of JSON become YAML's.
// SPDX-License-Identifier: MIT
#include "cli/yaml.h"

#include <stdio.h>
#include <string.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>
#include <yaml.h>

#define DEPTH_MOST  32
#define LENGTH_MOST (8u << 20) // of the JSON: an alias in an alias in an alias … ends here

// In.

struct conversion {
    yaml_document_t *document;
    buffer_t *json;
    char *wrong;
};

static bool fail_conversion(struct conversion *c, const yaml_node_t *node, const char *why) {
    snprintf(c->wrong, 240, "line %zu: %s", node->start_mark.line + 1, why);
    return false;
}

// Number as JSON has them: no leading zero or plus, no hexadecimal, no infinity.
static bool is_plain_number(const char *text, size_t length) {
    const char *at = text, *end = text + length;
    if (at < end && *at == '-') at++;
    const char *whole = at;
    while (at < end && *at >= '0' && *at <= '9') at++;
    if (at == whole || (*whole == '0' && at - whole > 1)) return false;
    if (at < end && *at == '.') {
        const char *part = ++at;
        while (at < end && *at >= '0' && *at <= '9') at++;
        if (at == part) return false;
    }
    return at == end;
}

static bool says_word(const yaml_node_t *n, const char *word) {
    return n->data.scalar.length == strlen(word) &&
           memcmp(n->data.scalar.value, word, n->data.scalar.length) == 0;
}

static bool is_literal(const yaml_node_t *n) {
    return says_word(n, "true") || says_word(n, "false") || says_word(n, "null") ||
           is_plain_number((const char *)n->data.scalar.value, n->data.scalar.length);
}

static void put_scalar(struct conversion *c, const yaml_node_t *n, bool name) {
    bool plain = n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !name;
    if (plain && (n->data.scalar.length == 0 || says_word(n, "~")))
        buffer_text(c->json, "null");
    else if (plain && is_literal(n))
        buffer_add(c->json, n->data.scalar.value, n->data.scalar.length);
    else
        buffer_json_string(c->json, (const char *)n->data.scalar.value, n->data.scalar.length);
}

static bool put_node(struct conversion *c, int index, unsigned depth);

static bool put_list(struct conversion *c, const yaml_node_t *n, unsigned depth) {
    buffer_text(c->json, "[");
    for (const yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top;
         i++) {
        if (i > n->data.sequence.items.start) buffer_text(c->json, ",");
        if (!put_node(c, *i, depth)) return false;
    }
    buffer_text(c->json, "]");
    return true;
}

static bool put_map(struct conversion *c, const yaml_node_t *n, unsigned depth) {
    buffer_text(c->json, "{");
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
         p++) {
        const yaml_node_t *name = yaml_document_get_node(c->document, p->key);
        if (name->type != YAML_SCALAR_NODE) return fail_conversion(c, name, "a name must be text");
        if (says_word(name, "<<"))
            return fail_conversion(c, name,
                                   "merge keys (<<) are not read; write the fields out, or use an "
                                   "alias for a whole value");
        if (p > n->data.mapping.pairs.start) buffer_text(c->json, ",");
        put_scalar(c, name, true);
        buffer_text(c->json, ":");
        if (!put_node(c, p->value, depth)) return false;
    }
    buffer_text(c->json, "}");
    return true;
}

static bool has_own_tag(const yaml_node_t *n) {
    static const char *const usual[] = {YAML_STR_TAG, YAML_SEQ_TAG, YAML_MAP_TAG};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcmp((const char *)n->tag, usual[i]) == 0) return false;
    return true;
}

static bool put_node(struct conversion *c, int index, unsigned depth) {
    const yaml_node_t *n = yaml_document_get_node(c->document, index);
    if (depth == DEPTH_MOST) return fail_conversion(c, n, "nested too deeply");
    if (c->json->length > LENGTH_MOST)
        return fail_conversion(c, n, "aliases make more of it than may be");
    if (has_own_tag(n)) return fail_conversion(c, n, "tags (!name) are not read");
    switch (n->type) {
    case YAML_SCALAR_NODE:
        put_scalar(c, n, false);
        return true;
    case YAML_SEQUENCE_NODE:
        return put_list(c, n, depth + 1);
    case YAML_MAPPING_NODE:
        return put_map(c, n, depth + 1);
    case YAML_NO_NODE:
        break;
    }
    return fail_conversion(c, n, "is nothing that can be read");
}

static bool fail_to_parse(const yaml_parser_t *parser, char wrong[static 240]) {
    const char *context = parser->context ? parser->context : "",
               *problem = parser->problem ? parser->problem : "it cannot be read";
    snprintf(wrong, 240, "line %zu: %s%s%s", parser->problem_mark.line + 1, context,
             *context ? ": " : "", problem);
    return false;
}

// A document behind the first would be passed over in silence.
static bool is_last(yaml_parser_t *parser, char wrong[static 240]) {
    yaml_document_t more;
    if (!yaml_parser_load(parser, &more)) return fail_to_parse(parser, wrong);
    bool last = yaml_document_get_root_node(&more) == NULL;
    if (!last) snprintf(wrong, 240, "line %zu: a second document begins", more.start_mark.line + 1);
    yaml_document_delete(&more);
    return last;
}

static bool convert_document(yaml_parser_t *parser, buffer_t *json, char wrong[static 240]) {
    yaml_document_t document;
    if (!yaml_parser_load(parser, &document)) return fail_to_parse(parser, wrong);
    struct conversion c = {&document, json, wrong};
    bool done = yaml_document_get_root_node(&document) != NULL;
    if (done)
        done = put_node(&c, 1, 0) && is_last(parser, wrong);
    else
        snprintf(wrong, 240, "there is nothing in it");
    yaml_document_delete(&document);
    return done;
}

bool yaml_to_json(struct span yaml, buffer_t *json, char wrong[static 240]) {
    yaml_parser_t parser;
    snprintf(wrong, 240, "out of memory");
    if (!yaml_parser_initialize(&parser)) return false;
    yaml_parser_set_input_string(&parser, yaml.data, yaml.length);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    bool done = convert_document(&parser, json, wrong);
    yaml_parser_delete(&parser);
    return done;
}

// Out. What libyaml would write plain although it would not be read as text again is quoted.

static int emit_event(yaml_emitter_t *emitter, yaml_event_t *event, int made) {
    return made && yaml_emitter_emit(emitter, event);
}

static int emit_text(yaml_emitter_t *emitter, const char *text, size_t length, bool plain) {
    yaml_event_t event;
    yaml_scalar_style_t style = plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    return emit_event(emitter, &event,
                      yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                                   (int)length, 1, 1, style));
}

// Words that some reader of YAML, if not this one, takes for something else.
static bool reads_as_text(const char *text, size_t length) {
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on",
                                        "off",  "y",     "n",    "~",   NULL};
    for (const char *const *w = words; *w; w++)
        if (strlen(*w) == length && strncasecmp(*w, text, length) == 0) return false;
    return length > 0 && !strchr("0123456789+-.", *text);
}

static int emit_null(void *e) { return emit_text(e, "null", 4, true); }
static int emit_bool(void *e, int value) {
    return value ? emit_text(e, "true", 4, true) : emit_text(e, "false", 5, true);
}
static int emit_number(void *e, const char *text, size_t length) {
    return emit_text(e, text, length, true);
}

static int emit_string(void *e, const unsigned char *text, size_t length) {
    return emit_text(e, (const char *)text, length, reads_as_text((const char *)text, length));
}

static int emit_map(void *e) {
    yaml_event_t event;
    return emit_event(
        e, &event,
        yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
}

static int on_map_end(void *e) {
    yaml_event_t event;
    return emit_event(e, &event, yaml_mapping_end_event_initialize(&event));
}

static int emit_list(void *e) {
    yaml_event_t event;
    return emit_event(
        e, &event,
        yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
}

static int on_list_end(void *e) {
    yaml_event_t event;
    return emit_event(e, &event, yaml_sequence_end_event_initialize(&event));
}

static const yajl_callbacks to_yaml = {
    .yajl_null = emit_null,
    .yajl_boolean = emit_bool,
    .yajl_number = emit_number,
    .yajl_string = emit_string,
    .yajl_start_map = emit_map,
    .yajl_map_key = emit_string,
    .yajl_end_map = on_map_end,
    .yajl_start_array = emit_list,
    .yajl_end_array = on_list_end,
};

static bool walk_json(const yajl_callbacks *callbacks, struct span json, void *arg) {
    yajl_handle handle = yajl_alloc(callbacks, NULL, arg);
    if (!handle) return false;
    bool good = yajl_parse(handle, json.data, json.length) == yajl_status_ok &&
                yajl_complete_parse(handle) == yajl_status_ok;
    yajl_free(handle);
    return good;
}

static int keep_output(void *out, unsigned char *data, size_t length) {
    buffer_add(out, data, length);
    return 1;
}

bool yaml_from_json(struct span json, buffer_t *yaml) {
    yaml_emitter_t emitter;
    yaml_event_t event;
    if (!yaml_emitter_initialize(&emitter)) return false;
    yaml_emitter_set_output(&emitter, keep_output, yaml);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    bool good = emit_event(&emitter, &event,
                           yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
                emit_event(&emitter, &event,
                           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) &&
                walk_json(&to_yaml, json, &emitter) &&
                emit_event(&emitter, &event, yaml_document_end_event_initialize(&event, 1)) &&
                emit_event(&emitter, &event, yaml_stream_end_event_initialize(&event));
    yaml_emitter_delete(&emitter);
    return good;
}

// JSON, a line for each value.

static int gen_null(void *g) { return yajl_gen_null(g) == yajl_gen_status_ok; }
static int gen_bool(void *g, int value) { return yajl_gen_bool(g, value) == yajl_gen_status_ok; }
static int gen_number(void *g, const char *text, size_t length) {
    return yajl_gen_number(g, text, length) == yajl_gen_status_ok;
}
static int gen_string(void *g, const unsigned char *text, size_t length) {
    return yajl_gen_string(g, text, length) == yajl_gen_status_ok;
}
static int gen_map(void *g) { return yajl_gen_map_open(g) == yajl_gen_status_ok; }
static int gen_map_end(void *g) { return yajl_gen_map_close(g) == yajl_gen_status_ok; }
static int gen_list(void *g) { return yajl_gen_array_open(g) == yajl_gen_status_ok; }
static int gen_list_end(void *g) { return yajl_gen_array_close(g) == yajl_gen_status_ok; }

static const yajl_callbacks to_lines = {
    .yajl_null = gen_null,
    .yajl_boolean = gen_bool,
    .yajl_number = gen_number,
    .yajl_string = gen_string,
    .yajl_start_map = gen_map,
    .yajl_map_key = gen_string,
    .yajl_end_map = gen_map_end,
    .yajl_start_array = gen_list,
    .yajl_end_array = gen_list_end,
};

bool json_indent(struct span json, buffer_t *out) {
    yajl_gen g = yajl_gen_alloc(NULL);
    const unsigned char *text;
    size_t length;
    if (!g) return false;
    yajl_gen_config(g, yajl_gen_beautify, 1);
    yajl_gen_config(g, yajl_gen_indent_string, "  ");
    bool good =
        walk_json(&to_lines, json, g) && yajl_gen_get_buf(g, &text, &length) == yajl_gen_status_ok;
    if (good) buffer_add(out, text, length);
    yajl_gen_free(g);
    return good;
}
