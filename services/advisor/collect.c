// collect - reads from Redis what a package is made of.
// SPDX-License-Identifier: MIT
#include "services/advisor/collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/own.h"
#include "common/schema/json_tree.h"
#include "common/schema/record.h"
#include "execution.pb-c.h"

#define KEY_TEXT     96
#define ACCOUNTS_MAX 20 // in a package
#define SYMBOLS_MAX  1000

static struct span copy_into(arena_t *arena, const buffer_t *text) {
    if (!text->length) return (struct span){0};
    void *copy = arena_take(arena, text->length);
    memcpy(copy, text->data, text->length);
    return (struct span){copy, text->length};
}

// --- accounts

// What a model is told of an account: how it stands, not whose it is.
static const char *const account_fields[] = {
    "balance", "currency",     "equity",         "free_margin", "leverage",
    "margin",  "margin_level", "open_positions", "state",       "updated_at"};

static bool is_number_field(const ProtobufCFieldDescriptor *f) {
    return f->type == PROTOBUF_C_TYPE_SFIXED64 || f->type == PROTOBUF_C_TYPE_UINT32;
}

static void write_account_field(const AccountState *state, const char *name, buffer_t *out) {
    own(buffer) text = {0};
    const ProtobufCFieldDescriptor *f = record_field(&account_state__descriptor, span_of(name));
    if (!f || !record_field_text(&state->base, f, &text)) return;
    buffer_format(out, ",\"%s\":", name);
    if (is_number_field(f))
        buffer_add(out, text.data, text.length);
    else
        buffer_json_string(out, buffer_string(&text), text.length);
}

static void write_account_json(const struct subscriber *who, const AccountState *state,
                               size_t number, bool with_id, buffer_t *out) {
    char name[24];
    snprintf(name, sizeof name, "account %zu", number);
    const char *shown = with_id ? who->account->account_id : name;
    buffer_format(out, "%s{\"live\":%s,\"name\":", number > 1 ? "," : "[",
                  who->account->live ? "true" : "false");
    buffer_json_string(out, shown, strlen(shown));
    for (size_t i = 0; i < sizeof account_fields / sizeof *account_fields; i++)
        write_account_field(state, account_fields[i], out);
    buffer_text(out, "}");
}

static err_t collect_accounts(const struct collect_from *from, arena_t *arena, struct span *part) {
    own(buffer) out = {0};
    const struct subscriber *all;
    size_t n = book_subscribers(from->book, from->source, &all), number = 0;
    for (size_t i = 0; i < n && number < ACCOUNTS_MAX; i++) {
        char key[KEY_TEXT];
        ProtobufCMessage *m;
        if (!all[i].account->enabled) continue;
        snprintf(key, sizeof key, "account_state:%s", all[i].account->account_id);
        err_t e = store_record(from->store, key, &account_state__descriptor, arena, &m);
        if (e) return e;
        if (m)
            write_account_json(&all[i], (const AccountState *)m, ++number, from->account_ids, &out);
    }
    if (number) buffer_text(&out, "]");
    *part = copy_into(arena, &out);
    return ERR_OK;
}

// --- the other keys

static err_t collect_key(const struct collect_from *from, arena_t *arena, enum part part,
                         struct package_input *input) {
    own(buffer) text = {0};
    char key[KEY_TEXT];
    snprintf(key, sizeof key, "%s%s", part_forms[part].key,
             part_forms[part].of_symbol ? input->symbol : "");
    err_t e = store_get(from->store, key, &text);
    if (!e) input->parts[part] = copy_into(arena, &text);
    return e;
}

err_t collect_parts(const struct collect_from *from, arena_t *arena, struct package_input *input) {
    err_t e = ERR_OK;
    for (enum part part = 0; !e && part < PART_COUNT; part++) {
        if (part_forms[part].key) e = collect_key(from, arena, part, input);
    }
    return e ? e : collect_accounts(from, arena, &input->parts[PART_accounts]);
}

// --- symbols

struct symbols {
    char (*names)[SYMBOL_TEXT];
    size_t n, room;
};

static void add_symbol(struct symbols *all, const char *name) {
    if (all->n == SYMBOLS_MAX || !package_symbol_is_valid(name)) return;
    array_reserve(all->names, all->n, all->room);
    snprintf(all->names[all->n++], SYMBOL_TEXT, "%s", name);
}

static void add_symbols_of_broker(void *all, const BrokerConfig *broker) {
    for (size_t i = 0; i < broker->n_symbols; i++) add_symbol(all, broker->symbols[i]->symbol);
}

static err_t add_watchlist(const struct collect_from *from, struct symbols *all) {
    own(buffer) text = {0};
    char why[JSON_WHY];
    err_t e = store_get(from->store, part_forms[PART_watchlist].key, &text);
    if (e || !text.length) return e;
    yajl_val list = json_tree_parse((struct span){text.data, text.length}, why);
    for (size_t i = 0; YAJL_IS_ARRAY(list) && i < list->u.array.len; i++) {
        const char *name = YAJL_GET_STRING(list->u.array.values[i]);
        if (name) add_symbol(all, name);
    }
    yajl_tree_free(list);
    return ERR_OK;
}

static int compare_symbols(const void *a, const void *b) { return strcmp(a, b); }

err_t collect_symbols(const struct collect_from *from, buffer_t *out) {
    struct symbols all = {0};
    const char *before = "";
    book_each_broker(from->book, add_symbols_of_broker, &all);
    err_t e = add_watchlist(from, &all);
    if (all.n) qsort(all.names, all.n, sizeof *all.names, compare_symbols);
    buffer_text(out, "{\"symbols\":[");
    for (size_t i = 0; !e && i < all.n; i++) {
        if (i && strcmp(all.names[i], all.names[i - 1]) == 0) continue;
        buffer_text(out, before);
        buffer_json_string(out, all.names[i], strlen(all.names[i]));
        before = ",";
    }
    buffer_text(out, "]}");
    free(all.names);
    return e;
}
