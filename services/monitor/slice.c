// slice - the keys the monitor owns: system:state, metrics:performance, alert:<code>:<subject> and
// the set of those that are active.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/domain/sessions.h"
#include "monitor.h"

#define STATE       "system:state"
#define PERFORMANCE "metrics:performance"
#define ALERT       "alert:"
#define ACTIVE      "alert:active" // members "<code>:<subject>"
#define KEY_TEXT    256

// token_store is its own as well; nothing writes it yet.
const char *const monitor_slice[] = {
    STATE, PERFORMANCE, "positions:monitoring:", "token_store:", ALERT, NULL};

static void member_of(const struct condition *condition, char out[static KEY_TEXT]) {
    snprintf(out, KEY_TEXT, "%s:%s", alert_code(condition->kind), condition->subject);
}

static void alert_key_of(const struct condition *condition, char out[static KEY_TEXT]) {
    snprintf(out, KEY_TEXT, ALERT "%s:%s", alert_code(condition->kind), condition->subject);
}

void slice_raised(batch_t *batch, const struct condition *condition) {
    char key[KEY_TEXT], member[KEY_TEXT], id[ID_TEXT];
    const char *code = alert_code(condition->kind);
    alert_key_of(condition, key);
    member_of(condition, member);
    id_new(batch_now(batch), id);
    Alert alert = ALERT__INIT;
    alert.alert_id = id;
    alert.service = (char *)"monitor";
    alert.severity = (Alert__Severity)alert_severity(condition->kind);
    alert.code = (char *)code;
    alert.text = (char *)condition->text;
    alert.subject = (char *)condition->subject;
    alert.created_at = batch_now(batch);
    batch_drop(batch, key); // one that was cleared may still be there to be looked at
    batch_keep(batch, key, &alert.base);
    batch_member(batch, ACTIVE, member);
    batch_alert(batch, alert_severity(condition->kind), code, condition->subject, "%s",
                condition->text);
}

void slice_cleared(batch_t *batch, const struct condition *condition) {
    char key[KEY_TEXT], member[KEY_TEXT], code[64], at[TIME_TEXT];
    alert_key_of(condition, key);
    member_of(condition, member);
    snprintf(code, sizeof code, "%s_over", alert_code(condition->kind));
    time_print(batch_now(batch), at);
    batch_field(batch, key, "cleared_at", at);
    batch_expire_at(batch, key, batch_look_until(batch));
    batch_member_drop(batch, ACTIVE, member);
    batch_alert(batch, ALERT__SEVERITY__info, code, condition->subject, "%s %s", condition->subject,
                alert_over(condition->kind));
}

// Sets what differs, its timestamp left aside, from what was set last.
static void set_changed(batch_t *batch, const char *key, const ProtobufCMessage *m,
                        uint64_t *timestamp, buffer_t *shown) {
    buffer_t json = {0};
    *timestamp = 0;
    record_to_json(m, &json);
    bool same = json.length == shown->length && memcmp(json.data, shown->data, json.length) == 0;
    buffer_clear(same ? &json : shown);
    if (!same) {
        buffer_add(shown, json.data, json.length);
        buffer_clear(&json);
        *timestamp = batch_now(batch);
        record_to_json(m, &json);
        batch_set(batch, key, (struct span){json.data, json.length});
    }
    buffer_destroy(&json);
}

static SystemState__State instance_state_of(const struct monitor *self, uint64_t mono_ns) {
    if (self->watch.mode == RISK_STATE__MODE__halted) return SYSTEM_STATE__STATE__halted;
    if (self->watch.mode == RISK_STATE__MODE__reduce_only) return SYSTEM_STATE__STATE__reduce_only;
    if (watch_troubles(&self->watch, mono_ns, self->limits.silent_ns, NULL, NULL))
        return SYSTEM_STATE__STATE__degraded;
    return SYSTEM_STATE__STATE__running;
}

// Whether any symbol of any broker is in its hours; one without hours is always.
struct hours {
    uint64_t now;
    bool any, on;
};

static void look_at_hours(void *arg, const BrokerConfig *broker) {
    struct hours *h = arg;
    zone_t *zone = zone_new(broker->time_zone);
    for (size_t i = 0; zone && !h->on && i < broker->n_symbols; i++) {
        const SymbolConfig *s = broker->symbols[i];
        h->any = true;
        h->on = sessions_hold(s->sessions, s->n_sessions, zone, h->now);
    }
    if (zone) zone_destroy(&zone);
}

static SystemState__Market market_of(const struct monitor *self, uint64_t utc_ns,
                                     uint64_t mono_ns) {
    struct hours hours = {.now = utc_ns};
    book_each_broker(self->context->book, look_at_hours, &hours);
    if (hours.any && !hours.on) return SYSTEM_STATE__MARKET__closed;
    if (!self->watch.price_at) return SYSTEM_STATE__MARKET__unknown;
    bool quiet =
        watch_since(self->watch.price_at, mono_ns) > (uint64_t)self->settings->quiet_ms * NS_PER_MS;
    return quiet ? SYSTEM_STATE__MARKET__closed : SYSTEM_STATE__MARKET__open;
}

void slice_state(struct monitor *self, batch_t *batch) {
    SystemState now = SYSTEM_STATE__INIT;
    now.state = instance_state_of(self, batch_mono(batch));
    now.market_status = market_of(self, batch_now(batch), batch_mono(batch));
    now.active_positions_count = self->overview.positions_at
                                     ? self->overview.positions
                                     : (uint32_t)watch_open_positions(&self->watch);
    now.watchlist_count = self->overview.watchlist;
    now.last_scan_time = self->watch.signal_at > self->overview.scan_at ? self->watch.signal_at
                                                                        : self->overview.scan_at;
    now.has_last_scan_time = now.last_scan_time > 0;
    now.timestamp = batch_now(batch);
    buffer_t *json = batch_scratch(batch);
    record_to_json(&now.base, json);
    batch_set(batch, STATE, (struct span){json->data, json->length});
}

static bool add_balance(decimal_t *sum, const struct account_seen *account) {
    return account->state->has_balance && decimal_add(*sum, D(account->state->balance), sum);
}

static decimal_t balance_of(const struct monitor *self, const char *currency) {
    decimal_t sum = {0};
    for (const struct account_seen *a = self->watch.accounts; a; a = a->hh.next) {
        if (!a->state->currency || strcmp(a->state->currency, currency) == 0)
            (void)add_balance(&sum, a);
    }
    return sum;
}

struct performance *monitor_day(struct monitor *self, const char *currency) {
    size_t i = 0;
    while (i < self->n_days && strcmp(self->days[i].currency, currency) != 0) i++;
    if (i == CURRENCIES_MAX || strlen(currency) >= sizeof self->days[i].currency) return NULL;
    if (i == self->n_days) {
        self->days[self->n_days++] = (struct day_book){.day = {0}};
        memcpy(self->days[i].currency, currency, strlen(currency) + 1);
    }
    return &self->days[i].day;
}

static void write_day(struct monitor *self, struct day_book *book, uint64_t utc_ns,
                      TradingPerformance *out) {
    performance_turn(&book->day, utc_ns);
    performance_write(&book->day, balance_of(self, book->currency), utc_ns, out);
    out->currency = book->currency;
}

void slice_performance(struct monitor *self, batch_t *batch) {
    TradingPerformance now, days[CURRENCIES_MAX], *others[CURRENCIES_MAX];
    (void)monitor_day(self, self->settings->currency);
    write_day(self, &self->days[0], batch_now(batch), &now);
    for (size_t i = 1; i < self->n_days; i++) {
        write_day(self, &self->days[i], batch_now(batch), &days[i]);
        days[i].timestamp = 0; // the whole has one
        others[now.n_others++] = &days[i];
    }
    now.others = others;
    set_changed(batch, PERFORMANCE, &now.base, &now.timestamp, &self->shown);
}

// Reading back, at start.

static err_t load_active(void *arg, struct span member) {
    struct monitor *self = arg;
    struct condition condition = {.text = "raised before the monitor was started again"};
    char text[KEY_TEXT];
    snprintf(text, sizeof text, "%.*s", (int)member.length, (const char *)member.data);
    char *colon = strchr(text, ':');
    if (!colon) return ERR_OK;
    *colon = 0;
    if (!alert_kind_of(text, &condition.kind)) return ERR_OK;
    snprintf(condition.subject, sizeof condition.subject, "%.*s", ALERT_SUBJECT - 1, colon + 1);
    alerts_put(&self->alerts, &condition);
    return ERR_OK;
}

static err_t load_instance_state(void *arg, const ProtobufCMessage *m) {
    watch_event(&((struct monitor *)arg)->watch, m);
    return ERR_OK;
}

static void resume_day(struct monitor *self, const TradingPerformance *stored, uint64_t utc_ns) {
    struct performance *day =
        monitor_day(self, stored->currency ? stored->currency : self->settings->currency);
    TradingPerformance of_its_day = *stored;
    of_its_day.timestamp = utc_ns;
    if (day) trading_performance_resume(day, &of_its_day, clock_utc_ns());
}

static err_t load_performance(struct monitor *self, store_t *store) {
    own(buffer) json = {0};
    own(arena) *arena = arena_new(0);
    ProtobufCMessage *stored;
    struct fault fault;
    (void)monitor_day(self, self->settings->currency); // the first
    err_t e = store_get(store, PERFORMANCE, &json);
    if (e || !json.length) return e;
    if (record_from_json(&trading_performance__descriptor, buffer_string(&json), json.length, "",
                         arena, &stored, &fault)) {
        log_event(LOG_LEVEL_WARNING, "performance_unreadable", "path=%s rule=%s", fault.path,
                  log_quote(fault.rule));
        return ERR_OK; // for looking only: the day starts anew
    }
    const TradingPerformance *before = (const TradingPerformance *)stored;
    resume_day(self, before, before->timestamp);
    for (size_t i = 0; i < before->n_others; i++)
        resume_day(self, before->others[i], before->timestamp);
    return ERR_OK;
}

static err_t load_risk_mode(struct monitor *self, store_t *store) {
    own(arena) *arena = arena_new(0);
    ProtobufCMessage *risk;
    err_t e = store_record(store, "risk:global", &risk_state__descriptor, arena, &risk);
    if (!e && risk) self->watch.mode = ((RiskState *)risk)->mode;
    return e;
}

// When the last signal was heard outlives the monitor.
static err_t load_scan_time(struct monitor *self, store_t *store) {
    own(buffer) json = {0};
    own(arena) *arena = arena_new(0);
    ProtobufCMessage *stored;
    struct fault fault;
    err_t e = store_get(store, STATE, &json);
    if (!e && json.length &&
        !record_from_json(&system_state__descriptor, buffer_string(&json), json.length, "", arena,
                          &stored, &fault))
        self->watch.signal_at = ((const SystemState *)stored)->last_scan_time;
    return e;
}

err_t monitor_slice_load(struct monitor *self, store_t *store) {
    err_t e = store_members(store, ACTIVE, load_active, self);
    if (!e) e = load_scan_time(self, store);
    if (!e) e = load_performance(self, store);
    if (!e) e = load_risk_mode(self, store);
    return e ? e : slice_look(self, store);
}

err_t slice_look(struct monitor *self, store_t *store) {
    err_t e =
        store_records(store, "account_config:index", "account_state:", &account_state__descriptor,
                      load_instance_state, self);
    if (!e)
        e = store_records(store, "instance_config:index",
                          "instance_state:", &instance_state__descriptor, load_instance_state,
                          self);
    return e;
}
