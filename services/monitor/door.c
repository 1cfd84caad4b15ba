// door - the HTTP side: is it alive, is it ready, its numbers, its state. Answers from memory, also
// while nothing can be committed.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/http/host_names.h"
#include "metrics_storage.h"
#include "monitor.h"
#include "status.h"

#define JSON  "application/json"
#define PLAIN "text/plain; version=0.0.4; charset=utf-8"

#define MISDIRECTED                                                                                \
    "{\"error\":{\"code\":\"misdirected\",\"message\":\"this is the monitor of tradecast, under "  \
    "another name than it knows of itself: "                                                       \
    "TRADECAST_MONITOR_HTTP_NAMES\",\"field\":null}}\n"

static unsigned answer_health(const struct view *view, buffer_t *out) {
    (void)view;
    buffer_text(out, "{\"status\":\"alive\"}\n");
    return 200;
}

static unsigned answer_ready(const struct view *view, buffer_t *out) {
    buffer_text(out, "{");
    bool answer_ready_requests = troubles_write(view, out);
    buffer_text(out, "}\n");
    return answer_ready_requests ? 200 : 503;
}

// As the archiver says it: the age of the last backup is watched, so that a timer that fails shows.
static void write_backup_metric(const struct watch *watch, buffer_t *out) {
    for (size_t i = 0; i < watch->n_services; i++) {
        const Heartbeat *last = watch->services[i].last;
        if (!last || !last->has_backup_at) continue;
        buffer_text(out, "# HELP tradecast_backup_timestamp_seconds When the archive was last "
                         "backed up.\n# TYPE tradecast_backup_timestamp_seconds gauge\n");
        buffer_format(out, "tradecast_backup_timestamp_seconds %llu\n",
                      (unsigned long long)(last->backup_at / 1000000000));
    }
}

static unsigned answer_metrics(const struct view *view, buffer_t *out) {
    metrics_write(view, out);
    metrics_storage_write(view->watch, out);
    redis_metrics_write(&view->watch->redis, out);
    write_backup_metric(view->watch, out);
    return 200;
}

static unsigned answer_with_status(const struct view *view, buffer_t *out) {
    status_write(view, out);
    buffer_text(out, "\n");
    return 200;
}

static const struct {
    const char *path, *type;
    unsigned (*answer)(const struct view *view, buffer_t *out);
} pages[] = {
    {"/healthz", JSON, answer_health},
    {"/readyz", JSON, answer_ready},
    {"/metrics", PLAIN, answer_metrics},
    {"/api/v1/status", JSON, answer_with_status},
};

static unsigned refuse_request(unsigned status, const char *code, const char *message,
                               buffer_t *out) {
    buffer_format(out, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\",\"field\":null}}\n", code,
                  message);
    return status;
}

unsigned monitor_answer(struct monitor *self, const char *method, const char *path,
                        const char **type, buffer_t *out) {
    *type = JSON;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(pages[i].path, path) != 0) continue;
        if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
            return refuse_request(405, "method_not_allowed", "only GET is answered here", out);
        }
        *type = pages[i].type;
        struct view view = monitor_view(self);
        return pages[i].answer(&view, out);
    }
    return refuse_request(404, "not_found",
                          "there is /healthz, /readyz, /metrics and /api/v1/status", out);
}

static void take_request_at_door(void *arg, exchange_t *exchange) {
    buffer_t out = {0};
    const char *type;
    const struct monitor *self = arg;
    if (!http_host_is_ours(exchange_header(exchange, "Host"), self->settings->http_names)) {
        http_answer(exchange, 421, JSON, span_of(MISDIRECTED), 0, NULL);
        return;
    }
    unsigned status =
        monitor_answer(arg, exchange_method(exchange), exchange_path(exchange), &type, &out);
    http_answer(exchange, status, type, (struct span){out.data, out.length}, 0, NULL);
    buffer_destroy(&out);
}

static err_t answer_ready_requests(void *arg, batch_t *batch) {
    (void)batch; // nothing here is committed
    http_run(((struct monitor *)arg)->http);
    return ERR_OK;
}

void monitor_door(const void *settings, struct http_options *out) {
    const struct monitor_settings *s = settings;
    *out = (struct http_options){
        .address = s->http_address,
        .port = s->http_port,
        .body_max = 4096,
        .connections_max = 256,
        .connections_per_ip_max = 64,
        .idle_s = 30,
    };
}

err_t monitor_serve(struct monitor *self, reactor_t *reactor) {
    struct http_options options;
    monitor_door(self->settings, &options);
    options.listener = self->context->listener;
    self->http = http_new(&options, take_request_at_door, self);
    if (!self->http) {
        log_event(LOG_LEVEL_ERROR, "cannot_listen",
                  "address=%s port=%lld why=%s option=TRADECAST_MONITOR_HTTP_PORT", options.address,
                  (long long)options.port, log_quote(strerror(errno)));
        return ERR_SYSTEM;
    }
    log_event(LOG_LEVEL_INFO, "listening", "address=%s port=%u", options.address,
              http_port(self->http));
    reactor_add_fd(reactor, http_fd(self->http), answer_ready_requests, INTAKE_DOOR);
    return ERR_OK;
}
