// decisions - what a decision costs the router, without sockets and store: its own handlers on a
// batch. Prints a line for each case: configured accounts, subscribed accounts, ns (of CPU) a
// decision alone (desk), ns with its order, written (handler), ns with none (refused).
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/batch/batch_commit.h"
#include "common/program/options.h"
#include "services/router/router.h"

#define BROKERS   10
#define DECISIONS 200000 // of each case, at least one signal's
#define LOT       DECIMAL_SCALE
#define NOW       (UINT64_C(1742638530) * NS_PER_S)

static struct outlet outlets[] = {
    {.name = "orders.0", .topic = TOPIC_orders},
    {.name = "routings", .topic = TOPIC_routings},
    {.name = "incidents.router", .topic = TOPIC_incidents},
};

// CPU time: others may be at work on this machine.
static uint64_t cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void apply(book_t *book, ConfigChange *change) {
    change->version = book_version(book) + 1;
    change->changed_at = NOW;
    if (book_apply(book, change)) abort();
}

static void add_broker(book_t *book, unsigned n) {
    char id[24];
    SymbolConfig symbols[20], *listed[20];
    char names[20][12];
    (void)snprintf(id, sizeof id, "broker-%u", n);
    for (unsigned i = 0; i < 20; i++) {
        symbol_config__init(&symbols[i]);
        (void)snprintf(names[i], sizeof names[i], i == 19 ? "EURUSD" : "SYM%03u", i);
        symbols[i].symbol = names[i];
        listed[i] = &symbols[i];
    }
    BrokerConfig broker = BROKER_CONFIG__INIT;
    broker.broker_id = id;
    broker.symbols = listed;
    broker.n_symbols = 20;
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.kind = CONFIG_CHANGE__KIND__broker_config;
    change.id = id;
    change.broker = &broker;
    apply(book, &change);
}

static void add_account(book_t *book, unsigned n, const char *source) {
    char id[24], broker[24];
    Subscription subscription = SUBSCRIPTION__INIT, *all = &subscription;
    AccountConfig account = ACCOUNT_CONFIG__INIT;
    (void)snprintf(id, sizeof id, "account-%06u", n);
    (void)snprintf(broker, sizeof broker, "broker-%u", n % BROKERS);
    subscription.source = (char *)(uintptr_t)source;
    subscription.has_multiplier = true;
    subscription.multiplier = LOT / 2;
    account.account_id = id;
    account.broker_id = broker;
    account.subscriptions = &all;
    account.n_subscriptions = 1;
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.kind = CONFIG_CHANGE__KIND__account_config;
    change.id = id;
    change.account = &account;
    apply(book, &change);
}

// The subscribed ones lie among the others.
static book_t *book_of(unsigned configured, unsigned subscribed) {
    book_t *book = book_new();
    for (unsigned i = 0; i < BROKERS; i++) add_broker(book, i);
    for (unsigned i = 0; i < configured; i++)
        add_account(book, i, i % (configured / subscribed) == 0 ? "tv" : "another");
    return book;
}

static Signal signal_of(const char *id, const char *symbol) {
    Signal s = SIGNAL__INIT;
    s.signal_id = (char *)(uintptr_t)id;
    s.source = (char *)"tv";
    s.symbol = (char *)(uintptr_t)symbol;
    s.order_type = SIGNAL__ORDER_TYPE__market;
    s.direction = SIGNAL__DIRECTION__buy;
    s.has_lot_size = s.has_price = true;
    s.lot_size = LOT;
    s.price = LOT + LOT / 10;
    s.created_at = NOW;
    return s;
}

struct world {
    struct context context;
    void *settings, *router;
    batch_t *batch;
    unsigned signals; // made
};

static void count(void *arg, const struct turn *turn) { *(uint64_t *)arg += turn->result->reason; }

static double alone(struct world *w, unsigned subscribed) {
    unsigned signals = DECISIONS / subscribed + 1;
    const Signal s = signal_of("decided-and-forgotten", "EURUSD");
    uint64_t sum = 0, began;
    // seats are made once
    (void)desk_fan_out(&((struct router *)w->router)->desk, &s, NOW, count, &sum);
    began = cpu_ns();
    for (unsigned i = 0; i < signals; i++)
        (void)desk_fan_out(&((struct router *)w->router)->desk, &s, NOW, count, &sum);
    double took = (double)(cpu_ns() - began);
    return sum ? took / ((double)signals * subscribed) : 0;
}

static double handled(struct world *w, unsigned subscribed, const char *symbol) {
    unsigned signals = DECISIONS / subscribed + 1;
    uint64_t took = 0;
    for (unsigned i = 0; i < signals; i++) {
        char id[ID_TEXT];
        char number[16];
        (void)snprintf(number, sizeof number, "%u", w->signals++);
        id_derive_at(id, NOW / NS_PER_MS, 1, (const char *const[]){number});
        const Signal s = signal_of(id, symbol);
        batch_begin(w->batch, 1, NOW, NOW);
        uint64_t began = cpu_ns();
        if (router_service.routes[0].handle(w->router, w->batch, &s.base)) abort();
        took += cpu_ns() - began;
    }
    return (double)took / ((double)signals * subscribed);
}

static void measure(unsigned configured, unsigned subscribed) {
    char wrong[256];
    book_t *book = book_of(configured, subscribed);
    struct world w = {.context = {.name = "router", .shards = 1, .book = book}};
    w.settings = calloc(1, router_service.settings_size);
    if (options_read(router_service.options, "router", w.settings, wrong)) abort();
    w.router = router_service.new(&w.context, w.settings);
    w.batch = batch_new("router", router_service.slice, outlets, sizeof outlets / sizeof *outlets);
    double decision = alone(&w, subscribed), refused = handled(&w, subscribed, "UNLISTED"),
           ordered = handled(&w, subscribed, "EURUSD");
    printf("%u %u %.0f %.0f %.0f\n", configured, subscribed, decision, ordered, refused);
    batch_destroy(&w.batch);
    router_service.destroy(&w.router);
    free(w.settings);
    book_destroy(&book);
}

int main(void) {
    static const unsigned cases[][2] = {
        {100, 100}, {1000, 1000}, {10000, 100}, {10000, 1000}, {10000, 10000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) measure(cases[i][0], cases[i][1]);
    return 0;
}
