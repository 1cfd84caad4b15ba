// advisor - the service as data, its memory, its verbs.
// SPDX-License-Identifier: MIT
#include "services/advisor/advisor.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "services/advisor/collect.h"
#include "services/advisor/door/door.h"
#include "services/advisor/slice.h"

#define BOOK_FOR (5 * NS_PER_S) // then the configuration is read anew before it is used

#define AT(field) offsetof(struct advisor_settings, field)
static const struct option options[] = {
    {"token_file", OPTION_FILE, AT(token), NULL,
     "File that holds the token of its HTTP and MCP door; none: there is no door", 0, 0, NULL},
    {"http_address", OPTION_TEXT, AT(http_address), "127.0.0.1", "Address of that door, numeric", 0,
     0, NULL},
    {"http_port", OPTION_INTEGER, AT(http_port), "8302", "Its port; 0: any free one", 0, 65535,
     NULL},
    {"http_names", OPTION_TEXT, AT(http_names), "",
     "Public host names that a proxy in front of it uses, with commas between them; requests under "
     "other names, or of other sites' pages, are refused",
     0, 0, NULL},
    {"source", OPTION_TEXT, AT(source), "llm",
     "The source of signals (a row of signal_config) that decisions are sent as", 0, 0, NULL},
    {"package_bytes", OPTION_SIZE, AT(package_bytes), "64k",
     "A package is cut to so many bytes, the least important first", PACKAGE_LEAST, 1 << 20, NULL},
    {"headlines", OPTION_INTEGER, AT(headlines), "10", "Most headlines in a package", 0, 100, NULL},
    {"price_age", OPTION_DURATION, AT(price_age_ms), "60s",
     "Prices, positions and accounts that are older are stale", 1000, 86400000, NULL},
    {"data_age", OPTION_DURATION, AT(data_age_ms), "1h",
     "Indicators, news, candidates, signals and the market's context that are older are stale",
     1000, INT64_C(2592000000), NULL},
    {"account_ids", OPTION_FLAG, AT(account_ids), "false",
     "A package names accounts by their ids; else they are numbered", 0, 0, NULL},
    {0},
};

// --- memory

static void *advisor_new(const struct context *context, const void *settings) {
    struct advisor *self = alloc_zeroed(1, sizeof *self);
    self->context = context;
    self->settings = settings;
    self->book = book_new();
    return self;
}

static void advisor_destroy(void **handle) {
    struct advisor *self = *handle;
    if (!self) return;
    http_destroy(&self->http);
    recent_free(&self->recent);
    book_destroy(&self->book);
    free(self);
    *handle = NULL;
}

static err_t advisor_load(void *self, store_t *store) {
    ((struct advisor *)self)->store = store;
    return ERR_OK;
}

// --- packages

// It is no consumer of `config`: whether it runs or not changes nothing for the others. So it reads
// the rows when it needs them.
static err_t refresh_book(struct advisor *self) {
    uint64_t now = clock_mono_ns();
    if (!store_connected(self->store)) return ERR_STORE;
    if (self->book_read_at && now - self->book_read_at < BOOK_FOR) return ERR_OK;
    own(book) *book = book_new();
    err_t e = book_load(book, self->store);
    if (e) return e;
    book_t *before = self->book;
    self->book = book;
    book = before;
    self->book_read_at = now;
    return ERR_OK;
}

static struct collect_from collect_here(const struct advisor *self) {
    return (struct collect_from){self->store, self->book, self->settings->source,
                                 self->settings->account_ids};
}

struct listing {
    const char *symbol;
    bool listed;
};

static void look_for_symbol(void *arg, const BrokerConfig *broker) {
    struct listing *l = arg;
    l->listed = l->listed || book_symbol(broker, l->symbol);
}

static bool is_symbol_listed(const struct advisor *self, const char *symbol) {
    struct listing l = {symbol, false};
    book_each_broker(self->book, look_for_symbol, &l);
    return l.listed;
}

err_t advisor_package(struct advisor *self, const char *symbol, const struct package **out) {
    const struct advisor_settings *s = self->settings;
    if (!package_symbol_is_valid(symbol)) return ERR_RULE;
    own(arena) *arena = arena_new(0);
    struct package_input input = {.symbol = symbol,
                                  .now = clock_utc_ns(),
                                  .price_age = (uint64_t)s->price_age_ms * NS_PER_MS,
                                  .data_age = (uint64_t)s->data_age_ms * NS_PER_MS,
                                  .headlines = (size_t)s->headlines,
                                  .bytes = (size_t)s->package_bytes};
    struct collect_from from = collect_here(self);
    err_t e = refresh_book(self);
    from.book = self->book;
    if (!e) e = collect_parts(&from, arena, &input);
    if (e) return e;
    struct package package;
    package_compose(&input, &package);
    if (!package.about_symbol && !is_symbol_listed(self, symbol)) {
        package_destroy(&package);
        return ERR_MISSING;
    }
    char id[PACKAGE_ID_TEXT];
    memcpy(id, package.id, sizeof id);
    recent_add(&self->recent, &package);
    *out = recent_find(&self->recent, id);
    return ERR_OK;
}

err_t advisor_symbols(struct advisor *self, buffer_t *out) {
    err_t e = refresh_book(self);
    struct collect_from from = collect_here(self);
    return e ? e : collect_symbols(&from, out);
}

// --- verbs

static bool refuse_package_verb(buffer_t *answer, err_t e) {
    buffer_text(answer, e == ERR_RULE ? "that is no symbol"
                        : e == ERR_MISSING
                            ? "no broker lists the symbol, and nothing is known of it"
                            : "Redis does not answer");
    return false;
}

static bool answer_package_verb(void *self, batch_t *batch, const ControlRequest *request,
                                buffer_t *answer) {
    const struct package *package;
    (void)batch;
    err_t e = advisor_package(self, request->n_args ? request->args[0] : "", &package);
    if (e) return refuse_package_verb(answer, e);
    buffer_add(answer, package->text.data, package->text.length);
    return true;
}

static bool answer_symbols_verb(void *self, batch_t *batch, const ControlRequest *request,
                                buffer_t *answer) {
    (void)batch, (void)request;
    err_t e = advisor_symbols(self, answer);
    if (e) buffer_clear(answer);
    return e ? refuse_package_verb(answer, e) : true;
}

static const struct control controls[] = {
    {"package", "SYMBOL: what a language model is given to read about it", answer_package_verb},
    {"symbols", "the symbols that there are packages about", answer_symbols_verb},
    {0},
};

static err_t advisor_open(void *self, reactor_t *reactor) { return advisor_serve(self, reactor); }

const struct service advisor_service = {
    .role = ADVISOR,
    .purpose = "Gives language models a package to read, and takes their decisions as proposals.",
    .options = options,
    .settings_size = sizeof(struct advisor_settings),
    .slice = advisor_slice,
    .controls = controls,
    .new = advisor_new,
    .destroy = advisor_destroy,
    .load = advisor_load,
    .open = advisor_open,
};
