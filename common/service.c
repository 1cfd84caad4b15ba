// service - main() of every service: options, lock, epoch, load, loop.
// SPDX-License-Identifier: MIT
#include "common/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/store_io.h"

#define AT(field) offsetof(struct settings, field)
#define MIB INT64_C(1048576)

static const struct option common_options[] = {
    {"run_dir", OPTION_TEXT, AT(run_dir), "var/run", "Directory of sockets and lock files, private to the user", 0, 0, NULL},
    {"lock_dir", OPTION_TEXT, AT(lock_dir), NULL, "Directory of lock files, if not run_dir", 0, 0, NULL},
    {"redis", OPTION_TEXT, AT(redis), NULL, "Redis: unix:/path or tcp:host:port; preset unix:<run_dir>/redis.sock", 0, 0, NULL},
    {"redis_user", OPTION_TEXT, AT(redis_user), NULL, "ACL user; preset: the service's name", 0, 0, NULL},
    {"redis_password_file", OPTION_FILE, AT(redis_password), NULL, "File that holds the ACL user's password", 0, 0, NULL},
    {"answer_within", OPTION_DURATION, AT(answer_within_ms), "2s", "How long Redis may take before input stops", 50, 60000, NULL},
    {"profile", OPTION_CHOICE, AT(profile), "standard", "What the AOF is set to: everysec, or always", 0, 0, "standard|strict"},
    {"shards", OPTION_INTEGER, AT(shards), "1", "Number of executors", 1, 32, NULL},
    {"shard", OPTION_INTEGER, AT(shard), "0", "Which executor this one is", 0, 31, NULL},
    {"batch_max", OPTION_INTEGER, AT(batch_max), "256", "Most messages in one transaction", 1, 4096, NULL},
    {"gather_count", OPTION_INTEGER, AT(gather_count), "0", "Messages worth a transaction while more are coming", 0, 4096, NULL},
    {"gather_for", OPTION_DURATION, AT(gather_for_ms), "0ms", "Longest wait for that many", 0, 60000, NULL},
    {"tick", OPTION_DURATION, AT(tick_ms), "50ms", "How often timers are looked at", 1, 10000, NULL},
    {"idle_read", OPTION_DURATION, AT(idle_read_ms), "500ms", "A topic that is silent so long is looked up in its journal", 10, 60000, NULL},
    {"journal_keep", OPTION_DURATION, AT(journal_keep_ms), "15s", "How long an entry stays after every consumer has it", 1000, 86400000, NULL},
    {"journal_max", OPTION_INTEGER, AT(journal_max), "1000000", "Entries beyond which input is held back", 100, 100000000, NULL},
    {"ring_bytes", OPTION_SIZE, AT(ring_bytes), "64m", "Memory for the batches that Redis may still forget", 1 * MIB, 1024 * MIB, NULL},
    {"ring_age", OPTION_DURATION, AT(ring_age_ms), "10s", "How long they are kept", 3000, 600000, NULL},
    {"look_for", OPTION_DURATION, AT(look_for_ms), "10m", "How long finished state stays in Redis to be looked at", 1000, 86400000, NULL},
    {"memory_most", OPTION_INTEGER, AT(memory_most), "80", "Percent of Redis' memory beyond which input is held back", 10, 99, NULL},
    {"queue", OPTION_INTEGER, AT(queue), "1000", "High-water mark of each ZeroMQ queue", 1, 1000000, NULL},
    {"heartbeat", OPTION_DURATION, AT(heartbeat_ms), "1s", "How often the service says how it is", 50, 60000, NULL},
    {"log_level", OPTION_CHOICE, AT(log_level), "info", "Least level that is logged", 0, 0, "debug|info|warning|error"},
    {0},
};

static int complain(const char *text) {
    fprintf(stderr, "%s\n", text);
    return 2;
}

// --- options

// The common table with the presets that this service has of its own.
static void table_for(const struct service *s, struct option out[static 32]) {
    static char count[24], wait[24];
    memcpy(out, common_options, sizeof common_options);
    snprintf(count, sizeof count, "%lld", (long long)s->gather_count);
    snprintf(wait, sizeof wait, "%lldms", (long long)s->gather_for_ms);
    for (struct option *o = out; o->name; o++) {
        if (strcmp(o->name, "gather_count") == 0 && s->gather_count) o->preset = count;
        if (strcmp(o->name, "gather_for") == 0 && s->gather_for_ms) o->preset = wait;
    }
}

static void each_table(const struct service *s, void (*print)(const struct option *, const char *, FILE *)) {
    struct option table[32];
    table_for(s, table);
    if (s->options) print(s->options, role_name(s->role), stdout);
    print(table, role_name(s->role), stdout);
}

static void print_help(const struct service *s) {
    printf("tradecast-%s - %s\n\nUsage: tradecast-%s [--shard N | --help | --env | --reference | --check]\n\n"
           "  --env        print an environment file with every option and its preset\n"
           "  --reference  print the options as a Markdown table\n"
           "  --check      read the options, say what is wrong, and stop\n\n"
           "Options come from the environment: TRADECAST_%s_<NAME>, else TRADECAST_<NAME>.\n\n",
           role_name(s->role), s->purpose, role_name(s->role), "SERVICE");
    each_table(s, options_help);
    for (const struct control *c = s->controls; c && c->verb; c++) printf("  control %-20s %s\n", c->verb, c->words);
}

static char *text_or(const char *text, const char *format, const char *part) {
    char out[512];
    if (text && *text) return (char *)text;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(out, sizeof out, format, part);
#pragma GCC diagnostic pop
    return strdup(out);
}

static err_t read_options(struct loop *l, void *own) {
    struct option table[32];
    char wrong[256];
    table_for(l->service, table);
    err_t e = options_read(table, role_name(l->me.role), &l->settings, wrong);
    if (!e && l->service->options) e = options_read(l->service->options, role_name(l->me.role), own, wrong);
    if (e) {
        complain(wrong);
        return e;
    }
    if (l->settings.shard >= l->settings.shards) {
        complain("TRADECAST_SHARD must be less than TRADECAST_SHARDS");
        return ERR_CONFIG;
    }
    l->me.shard = l->me.role == EXECUTOR ? (unsigned)l->settings.shard : 0;
    instance_name(l->me.role, l->me.shard, l->me.name);
    l->settings.redis = text_or(l->settings.redis, "unix:%s/redis.sock", l->settings.run_dir);
    l->settings.redis_user = text_or(l->settings.redis_user, "%s", l->me.name);
    l->settings.lock_dir = text_or(l->settings.lock_dir, "%s", l->settings.run_dir);
    return ERR_OK;
}

// --- the host

// One process of a name on a host. The lock goes with the process, however it ends.
static err_t take_lock(const struct loop *l) {
    char path[512], text[800];
    if (mkdir(l->settings.lock_dir, 0700) != 0 && errno != EEXIST) {
        snprintf(text, sizeof text, "%s: cannot make the directory %s: %s", l->me.name, l->settings.lock_dir, strerror(errno));
        complain(text);
        return ERR_SYSTEM;
    }
    snprintf(path, sizeof path, "%s/%s.lock", l->settings.lock_dir, l->me.name);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        snprintf(text, sizeof text, "%s: cannot write %s: %s", l->me.name, path, strerror(errno));
        complain(text);
        return ERR_SYSTEM;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        snprintf(text, sizeof text, "%s: another %s is running on this host (%s is locked); stop it first", l->me.name, l->me.name, path);
        complain(text);
        return ERR_FENCED;
    }
    return ERR_OK; // fd stays open: it is the lock
}

static err_t bind_ports(struct loop *l) {
    static const struct {
        const char *door;
        enum port_kind kind;
        size_t place;
    } doors[] = {
        {"inbox", PORT_PULL, offsetof(struct loop, inbox)},
        {"events", PORT_PUB, offsetof(struct loop, events)},
        {"control", PORT_ROUTER, offsetof(struct loop, control)},
    };
    char endpoint[256];
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++) {
        endpoint_of(l->settings.run_dir, l->me.name, doors[i].door, endpoint);
        port_t *port = port_bind(doors[i].kind, endpoint, (int)l->settings.queue);
        if (!port) {
            log_event(LOG_LEVEL_ERROR, "cannot_bind", "endpoint=%s why=%s", endpoint, log_quote(strerror(errno)));
            return ERR_SYSTEM;
        }
        *(port_t **)((char *)l + doors[i].place) = port;
    }
    return ERR_OK;
}

// --- Redis

static err_t take_over(struct loop *l) {
    struct store_options store = {l->settings.redis, l->settings.redis_user, l->settings.redis_password, l->settings.answer_within_ms};
    l->ledger = ledger_new(
        &(struct ledger_options){l->me.name, &store, (size_t)l->settings.ring_bytes, (uint64_t)l->settings.ring_age_ms * NS_PER_MS});
    char why[200], last[200] = "";
    for (;;) {
        err_t e = ledger_take_over(l->ledger, why);
        if (!e || error_policy(e) == POLICY_STOP || loop_stop_asked) {
            if (e) log_event(LOG_LEVEL_ERROR, "redis_unfit", "error=%s why=%s", error_name(e), log_quote(why));
            return e;
        }
        if (strcmp(why, last) != 0) log_event(LOG_LEVEL_WARNING, "waiting_for_redis", "address=%s why=%s", l->settings.redis, log_quote(why));
        memcpy(last, why, sizeof last);
        ports_wait(NULL, 0, 100);
    }
}

// --- topics

static unsigned consumer_index(struct loop *l, const char *name) {
    for (unsigned i = 0; i < l->n_consumers; i++) {
        if (strcmp(l->consumers[i].name, name) == 0) return i;
    }
    struct consumer *c = &l->consumers[l->n_consumers];
    char endpoint[256];
    snprintf(c->name, sizeof c->name, "%s", name);
    endpoint_of(l->settings.run_dir, name, "inbox", endpoint);
    c->inbox = port_connect(PORT_PUSH, endpoint, (int)l->settings.queue);
    return (unsigned)l->n_consumers++;
}

// The last id of a journal: what the next entry's prev_id is.
static err_t read_head(struct loop *l, struct outlet *outlet) {
    char key[96];
    buffer_t answer = {0};
    snprintf(key, sizeof key, "journal:%s", outlet->name);
    struct span argv[] = {span_of("XREVRANGE"), span_of(key), span_of("+"), span_of("-"), span_of("COUNT"), span_of("1")};
    err_t e = store_command(ledger_store(l->ledger), 6, argv, &answer);
    const char *text = buffer_string(&answer);
    if (!e && entry_id_parse(text, strcspn(text, "\n"), &outlet->head)) outlet->head = ENTRY_ID_NONE;
    buffer_destroy(&answer);
    return e;
}

static err_t read_position(struct loop *l, const char *service, const char *topic, struct entry_id *out) {
    char key[80];
    buffer_t text = {0};
    snprintf(key, sizeof key, "position:%s", service);
    err_t e = store_field(ledger_store(l->ledger), key, topic, &text);
    if (!e && entry_id_parse(buffer_string(&text), text.length, out)) *out = ENTRY_ID_NONE;
    buffer_destroy(&text);
    return e;
}

static err_t open_outlets(struct loop *l) {
    struct stream streams[INSTANCES_MAX];
    struct instance consumers[INSTANCES_MAX];
    unsigned shards = (unsigned)l->settings.shards;
    l->n_outlets = topology_outlets(&l->me, shards, streams);
    uint64_t newest = ledger_stored_incarnation(l->ledger);
    err_t e = ERR_OK;
    for (size_t i = 0; !e && i < l->n_outlets; i++) {
        struct outlet *o = &l->outlets[i];
        o->topic = streams[i].topic;
        o->shard = streams[i].shard;
        memcpy(o->name, streams[i].name, sizeof o->name);
        e = read_head(l, o);
        if (o->head.incarnation > newest) newest = o->head.incarnation;
        l->outs[i].n_consumers = topology_consumers(&streams[i], shards, consumers);
        for (size_t c = 0; !e && c < l->outs[i].n_consumers; c++) {
            l->outs[i].consumers[c] = consumer_index(l, consumers[c].name);
            struct entry_id at;
            e = read_position(l, consumers[c].name, o->name, &at);
            if (!e && at.incarnation > newest) newest = at.incarnation;
        }
    }
    l->context.incarnation = incarnation_next(clock_utc_ns() / NS_PER_MS, newest, NULL, 0);
    return e;
}

static bool is_forward(const struct service *s, enum topic topic) {
    for (const struct route *r = s->routes; r && r->handle; r++) {
        if (r->topic == topic && r->forward) return true;
    }
    return false;
}

static err_t open_inlets(struct loop *l) {
    struct stream streams[INLETS_MAX];
    struct inlet_position at[INLETS_MAX];
    l->n_slots = topology_inlets(&l->me, (unsigned)l->settings.shards, streams);
    for (size_t i = 0; i < l->n_slots; i++) {
        struct slot *s = &l->slots[i];
        s->stream = streams[i];
        s->forward = is_forward(l->service, streams[i].topic);
        err_t e = read_position(l, l->me.name, s->stream.name, &s->in.position);
        if (e) return e;
        // A position is registered even when it is the beginning: a consumer that has none holds the trimming.
        s->stored = entry_id_cmp(s->in.position, ENTRY_ID_NONE) ? s->in.position : (struct entry_id){UINT64_MAX, 0};
        s->in.behind = true;
        at[i] = (struct inlet_position){s->stream.name, s->in.position};
    }
    if (l->service->positions) l->service->positions(l->self, at, l->n_slots);
    for (size_t i = 0; i < l->n_slots; i++) l->slots[i].in.position = at[i].position;
    return ERR_OK;
}

// --- starting and stopping

static err_t read_last_run(struct loop *l) {
    char key[96];
    buffer_t text = {0};
    store_t *store = ledger_store(l->ledger);
    snprintf(key, sizeof key, "%s:trying", l->me.name);
    err_t e = store_get(store, key, &text);
    snprintf(l->tried, sizeof l->tried, "%s", buffer_string(&text));
    snprintf(key, sizeof key, "deadletter:%s", l->me.name);
    if (!e) e = store_command(store, 2, (struct span[]){span_of("XLEN"), span_of(key)}, &text);
    if (!e) l->deadletters = strtoull(buffer_string(&text), NULL, 10);
    buffer_destroy(&text);
    if (!ledger_was_clean(l->ledger)) l->careful = (unsigned)l->settings.batch_max;
    return e;
}

static void fill_context(struct loop *l) {
    l->context.name = l->me.name;
    l->context.shard = l->me.shard;
    l->context.shards = (unsigned)l->settings.shards;
    l->context.run_dir = l->settings.run_dir;
    l->context.book = l->book;
    l->context.epoch = ledger_epoch(l->ledger);
    l->context.started_at = clock_utc_ns();
}

static err_t load(struct loop *l) {
    store_t *store = ledger_store(l->ledger);
    err_t e = l->me.role == ARCHIVER ? ERR_OK : book_load(l->book, store);
    if (!e && l->service->load) e = l->service->load(l->self, store);
    if (!e) e = open_inlets(l);
    if (!e) e = read_last_run(l);
    if (!e) e = bind_ports(l);
    if (!e && l->service->configured) l->service->configured(l->self);
    if (!e && l->service->open) e = l->service->open(l->self, &l->reactor);
    return e;
}

static err_t start(struct loop *l, const void *own) {
    err_t e = take_lock(l);
    if (!e) e = take_over(l);
    if (e) return e;
    l->book = book_new();
    e = open_outlets(l);
    if (e) return e;
    fill_context(l);
    ledger_begin(l->ledger, l->context.incarnation);
    l->batch = batch_new(l->me.name, l->service->slice, l->outlets, l->n_outlets);
    batch_look_for(l->batch, (uint64_t)l->settings.look_for_ms * NS_PER_MS);
    l->seen_connections = ledger_connections(l->ledger);
    l->self = l->service->new(&l->context, own);
    return l->self ? load(l) : ERR_CONFIG;
}

static void stop(struct loop *l) {
    if (l->self) l->service->destroy(&l->self);
    port_destroy(&l->inbox);
    port_destroy(&l->events);
    port_destroy(&l->control);
    for (size_t i = 0; i < l->n_consumers; i++) port_destroy(&l->consumers[i].inbox);
    batch_destroy(&l->batch);
    book_destroy(&l->book);
    ledger_destroy(&l->ledger);
}

static void on_signal(int number) {
    (void)number;
    loop_stop_asked = 1;
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN); // hiredis writes without MSG_NOSIGNAL
}

static int run(struct loop *l, const void *own) {
    err_t e = start(l, own);
    if (!e) {
        catch_signals(); // again: opening the first port may have set czmq's own
        log_event(LOG_LEVEL_INFO, "started", "incarnation=%llu epoch=%llu clean=%d", (unsigned long long)l->context.incarnation,
                  (unsigned long long)l->context.epoch, ledger_was_clean(l->ledger));
        e = loop_run(l);
        if (!e && !l->sealed && ledger_mark_clean(l->ledger)) log_event(LOG_LEVEL_WARNING, "not_marked_clean", "why=redis");
    }
    const char *said = l->ledger ? store_trouble(ledger_store(l->ledger)) : "";
    if (e && !loop_stop_asked) log_event(LOG_LEVEL_ERROR, "stopping", "error=%s why=%s store=%s", error_name(e), log_quote(error_words(e)), log_quote(said));
    else log_event(LOG_LEVEL_INFO, "stopped", "batches=%llu", (unsigned long long)l->batches);
    stop(l);
    return e && !loop_stop_asked ? 1 : 0;
}

static bool wants(int argc, char **argv, const char *flag) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], flag) == 0) return true;
    }
    return false;
}

static bool arguments_are_known(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--shard") == 0 && i + 1 < argc) setenv("TRADECAST_SHARD", argv[++i], 1);
        else if (strcmp(argv[i], "--check") != 0) return false;
    }
    return true;
}

int service_main(const struct service *service, int argc, char **argv) {
    static struct loop l; // one a process; large
    if (wants(argc, argv, "--help")) return print_help(service), 0;
    if (wants(argc, argv, "--env")) return each_table(service, options_env_file), 0;
    if (wants(argc, argv, "--reference")) return each_table(service, options_reference), 0;
    if (!arguments_are_known(argc, argv)) return complain("unknown argument; --help says what there is");
    if (sodium_init() < 0) return complain("libsodium does not start: no random numbers on this machine");
    l.service = service;
    l.me.role = service->role;
    void *own = calloc(1, service->settings_size ? service->settings_size : 1);
    if (!own) return complain("out of memory");
    err_t e = read_options(&l, own);
    if (e || wants(argc, argv, "--check")) {
        free(own);
        return e ? 2 : 0;
    }
    log_start(l.me.name, log_level_from(l.settings.log_level));
    catch_signals();
    int status = run(&l, own);
    free(own);
    return status;
}
