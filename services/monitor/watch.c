// watch - what the monitor has heard: services, topics and lags, accounts, instances, and counts of
// what happened.
// SPDX-License-Identifier: MIT
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/schema/record.h"

#define OF(type, m) ((const type *)(m))

void watch_start(struct watch *self, unsigned shards, uint64_t lag_max, uint64_t mono_ns) {
    struct instance all[INSTANCES_MAX];
    *self = (struct watch){
        .started_at = mono_ns, .lag_max = lag_max, .mode = RISK_STATE__MODE__trading};
    self->n_services = topology_instances(shards, all);
    for (size_t i = 0; i < self->n_services; i++) {
        memcpy(self->services[i].name, all[i].name, NAME_TEXT);
        self->services[i].heard_at = mono_ns;
        self->services[i].optional = role_processes(all[i].role) == ONE_IF_WANTED;
    }
}

static void release_message(void *message) {
    if (message) protobuf_c_message_free_unpacked(message, NULL);
}

static void *copy_of(const void *message) { return record_copy(message, NULL); }

void watch_end(struct watch *self) {
    for (size_t i = 0; i < self->n_services; i++) release_message(self->services[i].last);
    for (size_t i = 0; i < self->n_copies; i++) release_message(self->copies[i].last);
    for (size_t i = 0; i < self->n_cells; i++) release_message(self->cells[i].last);
    struct account_seen *account, *next_account;
    HASH_ITER(hh, self->accounts, account, next_account) {
        HASH_DEL(self->accounts, account);
        release_message(account->state);
        free(account);
    }
    struct symbol_heard *symbol, *next_symbol;
    HASH_ITER(hh, self->symbols, symbol, next_symbol) {
        HASH_DEL(self->symbols, symbol);
        free(symbol);
    }
    struct instance_seen *instance, *next_instance;
    HASH_ITER(hh, self->instances, instance, next_instance) {
        HASH_DEL(self->instances, instance);
        release_message(instance->state);
        free(instance);
    }
    struct alerts_heard *alert, *next_alert;
    HASH_ITER(hh, self->alerts, alert, next_alert) {
        HASH_DEL(self->alerts, alert);
        free(alert);
    }
    struct topic_seen *topic, *next_topic;
    HASH_ITER(hh, self->topics, topic, next_topic) {
        HASH_DEL(self->topics, topic);
        free(topic);
    }
}

struct watched *watch_find(struct watch *self, const char *service) {
    for (size_t i = 0; i < self->n_services; i++) {
        if (strcmp(self->services[i].name, service) == 0) return &self->services[i];
    }
    return NULL;
}

const TopicHead *watch_head(const struct watch *self, const char *topic) {
    for (size_t i = 0; i < self->n_services; i++) {
        const Heartbeat *heartbeat = self->services[i].last;
        for (size_t t = 0; heartbeat && t < heartbeat->n_topics; t++) {
            if (strcmp(heartbeat->topics[t]->topic, topic) == 0) return heartbeat->topics[t];
        }
    }
    return NULL;
}

static struct lag *lag_of(struct watch *self, const char *topic, const char *consumer) {
    for (size_t i = 0; i < self->n_lags; i++) {
        if (strcmp(self->lags[i].topic, topic) == 0 &&
            strcmp(self->lags[i].consumer, consumer) == 0)
            return &self->lags[i];
    }
    if (self->n_lags == LAGS_MAX) return NULL;
    struct lag *lag = &self->lags[self->n_lags++];
    *lag = (struct lag){.entries = 0};
    snprintf(lag->topic, sizeof lag->topic, "%s", topic);
    snprintf(lag->consumer, sizeof lag->consumer, "%s", consumer);
    return lag;
}

static void see_lag(struct watch *self, const char *consumer, const TopicLag *input,
                    uint64_t mono_ns) {
    struct lag *lag = lag_of(self, input->topic, consumer);
    const TopicHead *topic = watch_head(self, input->topic);
    struct entry_id head, position;
    if (!lag) return;
    lag->behind = input->behind;
    if (!topic || entry_id_parse(topic->head, strlen(topic->head), &head) ||
        entry_id_parse(input->position, strlen(input->position), &position)) {
        return;
    }
    lag->entries = lag_between(position, head);
    if (lag->entries <= self->lag_max)
        lag->over_since = 0;
    else if (!lag->over_since)
        lag->over_since = mono_ns;
}

void watch_heartbeat(struct watch *self, const Heartbeat *heartbeat, uint64_t mono_ns) {
    struct watched *service = watch_find(self, heartbeat->service);
    if (!service) return;
    release_message(service->last);
    service->last = copy_of(heartbeat);
    service->heard_at = mono_ns;
    for (size_t i = 0; i < heartbeat->n_inputs; i++)
        see_lag(self, heartbeat->service, heartbeat->inputs[i], mono_ns);
}

void watch_copy(struct watch *self, const SyncState *state, uint64_t mono_ns) {
    size_t at = 0;
    while (at < self->n_copies && strcmp(self->copies[at].last->name, state->name) != 0) at++;
    if (at == COPIES_MAX) return;
    if (at == self->n_copies) self->copies[self->n_copies++] = (struct copy_seen){0};
    release_message(self->copies[at].last);
    self->copies[at] = (struct copy_seen){copy_of(state), mono_ns};
}

bool watch_is_alive(const struct watched *service, uint64_t mono_ns, uint64_t silent_ns) {
    return service->last && watch_since(service->heard_at, mono_ns) <= silent_ns;
}

// Empty: it is well.
static void service_trouble_of(const struct watched *service, uint64_t mono_ns, uint64_t silent_ns,
                               char why[static 240]) {
    *why = 0;
    if (!service->last) {
        snprintf(why, 240, "%s has not been heard", service->name);
    } else if (!watch_is_alive(service, mono_ns, silent_ns)) {
        unsigned long long silent_ms = watch_since(service->heard_at, mono_ns) / 1000000;
        snprintf(why, 240, "%s was last heard %llu ms ago", service->name, silent_ms);
    } else if (service->last->stalled) {
        snprintf(why, 240, "%s is stalled: %.150s", service->name,
                 service->last->trouble ? service->last->trouble : "cannot commit");
    } else if (service->last->cut_off) {
        snprintf(
            why, 240,
            "the socket of Redis is gone: %s goes on, and cannot be started again until Redis is",
            service->name);
    }
}

size_t watch_troubles(const struct watch *self, uint64_t mono_ns, uint64_t silent_ns,
                      trouble_fn *visit, void *arg) {
    char why[240];
    size_t n = 0;
    for (size_t i = 0; i < self->n_services; i++) {
        if (self->services[i].optional) continue;
        service_trouble_of(&self->services[i], mono_ns, silent_ns, why);
        if (*why && ++n && visit) visit(arg, why);
    }
    for (const struct instance_seen *i = self->instances; i; i = i->hh.next) {
        if (!i->expected || (i->state && i->state->state == INSTANCE_STATE__STATE__ready)) continue;
        const char *state =
            i->state ? record_enum_name(&instance_state__state__descriptor, (int)i->state->state)
                     : "not connected";
        snprintf(why, sizeof why, "gateway %s is %s", i->id, state);
        if (++n && visit) visit(arg, why);
    }
    return n;
}

bool watch_is_new(struct watch *self, const char *topic, struct entry_id id) {
    if (entry_id_cmp(id, ENTRY_ID_NONE) == 0) return true;
    struct topic_seen *seen;
    HASH_FIND_STR(self->topics, topic, seen);
    if (!seen) {
        if (HASH_COUNT(self->topics) >= LAGS_MAX || strlen(topic) >= sizeof seen->name) return true;
        seen = alloc_zeroed(1, sizeof *seen);
        snprintf(seen->name, sizeof seen->name, "%s", topic);
        HASH_ADD_STR(self->topics, name, seen);
    }
    if (entry_id_cmp(id, seen->last) <= 0) return false;
    seen->last = id;
    return true;
}

static void count_state(uint64_t by_state[STATES_MAX], int state) {
    if (state >= 0 && state < STATES_MAX) by_state[state]++;
}

static void see_signal(struct watch *self, const ProtobufCMessage *m) {
    const Signal *signal = OF(Signal, m);
    if (signal->has_decided_at) return; // counted when it came
    self->counts.accepted++;
    if (signal->created_at > self->signal_at) self->signal_at = signal->created_at;
}

static void see_rejection(struct watch *self, const ProtobufCMessage *m) {
    (void)m;
    self->counts.rejected++;
}

static void see_routing(struct watch *self, const ProtobufCMessage *m) {
    // decisions by reason come with the router's heartbeat
    self->counts.orders += OF(Routing, m)->orders;
}

static void see_execution(struct watch *self, const ProtobufCMessage *m) {
    const Execution *execution = OF(Execution, m);
    count_state(self->counts.trades, (int)execution->trade->state);
    if (execution->result) count_state(self->counts.results, (int)execution->result->state);
}

static void see_outcome(struct watch *self, const ProtobufCMessage *m) {
    const Outcome *outcome = OF(Outcome, m);
    if (outcome->trade)
        count_state(self->counts.reconciliations, (int)outcome->trade->reconciliation_status);
    if (!outcome->signal || outcome->signal->status == SIGNAL__STATUS__processing) return;
    if (outcome->signal->status == SIGNAL__STATUS__completed)
        self->counts.completed++;
    else if (outcome->signal->outcome == SIGNAL_EXECUTION_STATUS__OUTCOME__skipped)
        self->counts.skipped++;
    else
        self->counts.failed++;
}

static void see_account(struct watch *self, const ProtobufCMessage *m) {
    const AccountState *state = OF(AccountState, m);
    struct account_seen *seen;
    HASH_FIND_STR(self->accounts, state->account_id, seen);
    if (!seen) {
        if (HASH_COUNT(self->accounts) >= SUBJECTS_MAX ||
            strlen(state->account_id) >= sizeof seen->id)
            return;
        seen = alloc_zeroed(1, sizeof *seen);
        snprintf(seen->id, sizeof seen->id, "%s", state->account_id);
        HASH_ADD_STR(self->accounts, id, seen);
    }
    release_message(seen->state);
    seen->state = copy_of(state);
}

static struct instance_seen *instance_of(struct watch *self, const char *id) {
    struct instance_seen *seen;
    HASH_FIND_STR(self->instances, id, seen);
    if (seen || HASH_COUNT(self->instances) >= SUBJECTS_MAX || strlen(id) >= sizeof seen->id)
        return seen;
    seen = alloc_zeroed(1, sizeof *seen);
    snprintf(seen->id, sizeof seen->id, "%s", id);
    HASH_ADD_STR(self->instances, id, seen);
    return seen;
}

bool watch_has_price(const struct watch *self, const char *symbol) {
    struct symbol_heard *heard;
    HASH_FIND_STR(self->symbols, symbol, heard);
    return heard != NULL;
}

void watch_price(struct watch *self, const char *symbol, uint64_t mono_ns) {
    if (mono_ns > self->price_at) self->price_at = mono_ns;
    struct symbol_heard *heard;
    bool passed_over = watch_has_price(self, symbol) || HASH_COUNT(self->symbols) >= SUBJECTS_MAX ||
                       strlen(symbol) >= sizeof heard->name;
    if (passed_over) return;
    heard = alloc_zeroed(1, sizeof *heard);
    snprintf(heard->name, sizeof heard->name, "%s", symbol);
    HASH_ADD_STR(self->symbols, name, heard);
}

void watch_expect_none(struct watch *self) {
    for (struct instance_seen *i = self->instances; i; i = i->hh.next) i->expected = false;
}

void watch_expect(struct watch *self, const char *instance_id) {
    struct instance_seen *seen = instance_of(self, instance_id);
    if (seen) seen->expected = true;
}

static void see_instance(struct watch *self, const ProtobufCMessage *m) {
    struct instance_seen *seen = instance_of(self, OF(InstanceState, m)->instance_id);
    if (!seen) return;
    release_message(seen->state);
    seen->state = copy_of(m);
}

static void see_alert(struct watch *self, const ProtobufCMessage *m) {
    const Alert *alert = OF(Alert, m);
    char key[sizeof((struct alerts_heard *)0)->key];
    snprintf(key, sizeof key, "%s %s %s", alert->service,
             record_enum_name(&alert__severity__descriptor, (int)alert->severity), alert->code);
    struct alerts_heard *heard;
    HASH_FIND_STR(self->alerts, key, heard);
    if (!heard) {
        if (HASH_COUNT(self->alerts) >= SUBJECTS_MAX) return;
        heard = alloc_zeroed(1, sizeof *heard);
        memcpy(heard->key, key, sizeof key);
        HASH_ADD_STR(self->alerts, key, heard);
    }
    heard->count++;
}

static void see_command(struct watch *self, const ProtobufCMessage *m) {
    const Command *command = OF(Command, m);
    if (command->account_id || command->trade_id || command->source) return;
    switch (command->action) {
    case COMMAND__ACTION__halt:
        self->mode = RISK_STATE__MODE__halted;
        break;
    case COMMAND__ACTION__resume:
        self->mode = RISK_STATE__MODE__trading;
        break;
    case COMMAND__ACTION__reduce_only:
        self->mode = RISK_STATE__MODE__reduce_only;
        break;
    case COMMAND__ACTION__unlock:
    case COMMAND__ACTION__approve: // these two are ingest's
    case COMMAND__ACTION__refuse:
    case COMMAND__ACTION__release:
    case COMMAND__ACTION__cancel:
    case COMMAND__ACTION__close:
    case _COMMAND__ACTION_IS_INT_SIZE:
        break;
    }
}

void watch_event(struct watch *self, const ProtobufCMessage *event) {
    static const struct {
        const ProtobufCMessageDescriptor *type;
        void (*see)(struct watch *self, const ProtobufCMessage *m);
    } rows[] = {
        {&signal__descriptor, see_signal},           {&signal_rejection__descriptor, see_rejection},
        {&routing__descriptor, see_routing},         {&execution__descriptor, see_execution},
        {&outcome__descriptor, see_outcome},         {&account_state__descriptor, see_account},
        {&instance_state__descriptor, see_instance}, {&alert__descriptor, see_alert},
        {&command__descriptor, see_command},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].type == event->descriptor) rows[i].see(self, event);
    }
}

uint64_t watch_decisions(const struct watch *self, Reason__Code reason) {
    uint64_t sum = 0;
    for (size_t i = 0; i < self->n_services; i++) {
        const Heartbeat *last = self->services[i].last;
        for (size_t k = 0; last && k < last->n_decisions; k++) {
            if (last->decisions[k]->reason == reason) sum += last->decisions[k]->count;
        }
    }
    return sum;
}

uint64_t watch_open_positions(const struct watch *self) {
    uint64_t open = 0;
    for (const struct account_seen *a = self->accounts; a; a = a->hh.next)
        open += a->state->has_open_positions ? a->state->open_positions : 0;
    return open;
}
