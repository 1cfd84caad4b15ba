// door - the HTTP side: who may come in, and which page it is.
// SPDX-License-Identifier: MIT
#include "services/advisor/door/door.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/http/host_names.h"
#include "services/advisor/mcp/mcp.h"

#define JSON     "application/json"
#define BODY_MAX (64 * 1024)

// --- answers

static void answer_error(exchange_t *x, unsigned status, const char *code, const char *message,
                         const char *header) {
    own(buffer) out = {0};
    buffer_format(&out, "{\"error\":{\"code\":\"%s\",\"message\":", code);
    buffer_json_string(&out, message, strlen(message));
    buffer_text(&out, ",\"field\":null}}\n");
    http_answer(x, status, JSON, (struct span){out.data, out.length}, status == 503 ? 1 : 0,
                header);
}

static void answer_text(exchange_t *x, const buffer_t *text) {
    http_answer(x, 200, JSON, (struct span){text->data, text->length}, 0,
                "Cache-Control: no-store");
}

static void answer_failure(exchange_t *x, err_t e) {
    switch (e) {
    case ERR_RULE:
        answer_error(x, 400, "bad_symbol",
                     "symbol must be 1 to 32 letters, digits or any of . _ : / ! & ^ # + -", NULL);
        break;
    case ERR_MISSING:
        answer_error(x, 404, "unknown_symbol",
                     "no broker lists the symbol, and nothing is known of it", NULL);
        break;
    default:
        answer_error(x, 503, "unavailable", "Redis does not answer; try again", NULL);
    }
}

// --- pages

static void answer_package(struct advisor *self, exchange_t *x) {
    const char *symbol = exchange_query(x, "symbol");
    const struct package *package;
    err_t e = advisor_package(self, symbol ? symbol : "", &package);
    if (e)
        answer_failure(x, e);
    else
        answer_text(x, &package->text);
}

static void answer_symbols(struct advisor *self, exchange_t *x) {
    own(buffer) out = {0};
    err_t e = advisor_symbols(self, &out);
    if (e)
        answer_failure(x, e);
    else
        answer_text(x, &out);
}

static void answer_decisions(struct advisor *self, exchange_t *x) {
    own(buffer) out = {0};
    decisions_list(&self->decisions, exchange_query(x, "state"), &out);
    answer_text(x, &out);
}

// Answered after the commit: what is answered is on record.
static void take_decision(struct advisor *self, exchange_t *x) {
    own(buffer) out = {0};
    bool known, busy;
    const struct arrival arrival = {.origin = LLM_DECISION__ORIGIN__http, .body = exchange_body(x)};
    const LlmDecision *row = advisor_decide(self, &arrival, &known, &busy);
    if (busy) return answer_error(x, 429, "too_many", "more than 120 decisions in a minute", NULL);
    if (!row) return answer_failure(x, ERR_STORE);
    advisor_write_decision(row, known, &out);
    unsigned status = row->state == LLM_DECISION__STATE__invalid ? 422 : 200;
    waiting_add(&self->waiting, x, status, (struct span){out.data, out.length});
}

static const struct page {
    const char *path, *method, *allow;
    void (*answer)(struct advisor *self, exchange_t *x);
} pages[] = {
    {"/api/v1/llm/package", "GET", "Allow: GET", answer_package},
    {"/api/v1/llm/symbols", "GET", "Allow: GET", answer_symbols},
    {"/api/v1/llm/decisions", "GET", "Allow: GET", answer_decisions},
    {"/api/v1/llm/decision", "POST", "Allow: POST", take_decision},
    {"/mcp", "POST", "Allow: POST, DELETE", mcp_post},
    {"/mcp", "DELETE", "Allow: POST, DELETE", mcp_delete},
};

// Of another method: *allow says which there are.
static const struct page *find_page(const char *path, const char **allow, const char *method) {
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(pages[i].path, path) != 0) continue;
        if (strcmp(pages[i].method, method) == 0) return &pages[i];
        *allow = pages[i].allow;
    }
    return NULL;
}

// --- who may come in

// In the same time whatever is wrong: hashes of equal length are compared.
static bool has_token(const struct advisor *self, const exchange_t *x) {
    static const char scheme[] = "Bearer ";
    const char *given = exchange_header(x, "Authorization");
    char wanted[65], hash[65];
    bool bearer = given && strncmp(given, scheme, sizeof scheme - 1) == 0;
    const char *token = bearer ? given + sizeof scheme - 1 : "";
    token_hash(self->settings->token, strlen(self->settings->token), wanted);
    token_hash(token, strlen(token), hash);
    return sodium_memcmp(wanted, hash, sizeof hash) == 0;
}

// A web page that a person has open must not speak here, whatever name it gives this host
// (rebinding): no Origin but our own, no Host that is not known.
static bool comes_from_elsewhere(const struct advisor *self, const exchange_t *x) {
    const char *names = self->settings->http_names;
    return !http_host_is_ours(exchange_header(x, "Host"), names) ||
           !http_origin_is_ours(exchange_header(x, "Origin"), names);
}

static void take_advisor_request(void *arg, exchange_t *x) {
    struct advisor *self = arg;
    const char *allow = NULL;
    if (comes_from_elsewhere(self, x))
        return answer_error(x, 403, "forbidden",
                            "a request of another site's page, or under a name that this door does "
                            "not know of itself (TRADECAST_ADVISOR_HTTP_NAMES)",
                            NULL);
    if (strcmp(exchange_path(x), "/healthz") == 0)
        return http_answer(x, 200, JSON, span_of("{\"status\":\"alive\"}\n"), 0, NULL);
    if (!has_token(self, x))
        return answer_error(x, 401, "unauthorized", "give the token: Authorization: Bearer ...",
                            "WWW-Authenticate: Bearer");
    if (exchange_too_large(x))
        return answer_error(x, 413, "too_large", "a body may have 64 KiB", NULL);
    const struct page *page = find_page(exchange_path(x), &allow, exchange_method(x));
    if (page) return page->answer(self, x);
    answer_error(x, allow ? 405 : 404, allow ? "method_not_allowed" : "not_found",
                 "docs/language-model.md lists what there is", allow);
}

// --- its socket

static err_t answer_advisor_requests(void *arg, batch_t *batch) {
    struct advisor *self = arg;
    self->batch = batch;
    http_run(self->http);
    self->batch = NULL;
    return ERR_OK;
}

void advisor_door(const void *settings, struct http_options *out) {
    const struct advisor_settings *s = settings;
    *out = (struct http_options){
        .address = s->http_address,
        .port = s->http_port,
        .body_max = BODY_MAX,
        .connections_max = 256,
        .connections_per_ip_max = 64,
        .idle_s = 30,
    };
}

err_t advisor_serve(struct advisor *self, reactor_t *reactor) {
    struct http_options options;
    if (!self->settings->token) {
        log_event(LOG_LEVEL_INFO, "no_door",
                  "why=\"no token is set\" option=TRADECAST_ADVISOR_TOKEN_FILE");
        return ERR_OK;
    }
    advisor_door(self->settings, &options);
    self->http = http_new(&options, take_advisor_request, self);
    if (!self->http) {
        log_event(LOG_LEVEL_ERROR, "cannot_listen",
                  "address=%s port=%lld why=%s option=TRADECAST_ADVISOR_HTTP_PORT", options.address,
                  (long long)options.port, log_quote(strerror(errno)));
        return ERR_SYSTEM;
    }
    log_event(LOG_LEVEL_INFO, "listening", "address=%s port=%u", options.address,
              http_port(self->http));
    reactor_add_fd(reactor, http_fd(self->http), answer_advisor_requests, INTAKE_DOOR);
    return ERR_OK;
}
