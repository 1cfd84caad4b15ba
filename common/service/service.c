// service - main() of every service: options, signals, run.
// SPDX-License-Identifier: MIT
#include "common/service/service.h"

#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/log.h"
#include "common/bus/keys.h"
#include "common/program/stop.h"
#include "common/program/version.h"
#include "common/service/loop.h"
#include "common/service/rerun.h"

#define AT(field)   offsetof(struct settings, field)
#define MIB         INT64_C(1048576)
#define OPTIONS_MAX 48

static const struct option common_options[] = {
    OPTION_RUN_DIR(AT(run_dir)),
    {"lock_dir", OPTION_TEXT, AT(lock_dir), NULL, "Directory of lock files, if not run_dir", 0, 0,
     NULL},
    {"redis", OPTION_TEXT, AT(redis), NULL,
     "Redis: unix:/path or tcp:host:port; preset unix:<run_dir>/redis.sock", 0, 0, NULL},
    {"redis_plain", OPTION_FLAG, AT(redis_plain), "false",
     "Redis may be on another host without a tunnel: the network is private", 0, 0, NULL},
    {"redis_user", OPTION_TEXT, AT(redis_user), NULL, "ACL user; preset: the service's name", 0, 0,
     NULL},
    {"redis_password_file", OPTION_FILE, AT(redis_password), NULL,
     "File that holds the ACL user's password", 0, 0, NULL},
    {"keys_dir", OPTION_TEXT, AT(keys_dir), NULL,
     "Directory of keys, for doors on tcp; see tradecast keys", 0, 0, NULL},
    {"loopback_open", OPTION_FLAG, AT(loopback_open), "false",
     "Doors on a loopback address need no keys, so that every user of this host may do what the "
     "operator may",
     0, 0, NULL},
    {"answer_within", OPTION_DURATION, AT(answer_within_ms), "2s",
     "How long Redis may take to answer before the service stops taking input", 50, 60000, NULL},
    {"profile", OPTION_CHOICE, AT(profile), "standard",
     "What the AOF is set to: everysec, or always", 0, 0, "standard|strict"},
    {"shards", OPTION_INTEGER, AT(shards), "1", "Number of executors", 1, 32, NULL},
    {"cell", OPTION_TEXT, AT(cell), NULL, "Name of this cell, where there are several", 0, 0, NULL},
    {"cells", OPTION_TEXT, AT(cells), NULL,
     "Names of the other cells that signals are handed to, with blanks between them", 0, 0, NULL},
    {"optional", OPTION_TEXT, AT(optional), NULL,
     "Names of the optional services that run, with blanks between them; the same for every "
     "service",
     0, 0, NULL},
    {"shard", OPTION_INTEGER, AT(shard), "0", "The number of this executor, from 0", 0, 31, NULL},
    OPTION_BATCH_MAX(AT(batch_max)),
    {"gather_count", OPTION_INTEGER, AT(gather_count), "0",
     "While more messages are coming, a transaction waits until it has this many", 0, 4096, NULL},
    {"gather_for", OPTION_DURATION, AT(gather_for_ms), "0ms",
     "Longest wait for gather_count messages", 0, 60000, NULL},
    {"tick", OPTION_DURATION, AT(tick_ms), "50ms", "How often due timers run", 1, 10000, NULL},
    {"idle_read", OPTION_DURATION, AT(idle_read_ms), "500ms",
     "The service reads a topic's journal when no message of it came for so long", 10, 60000, NULL},
    {"journal_keep", OPTION_DURATION, AT(journal_keep_ms), "15s",
     "How long an entry stays in the journal after every consumer has it", 1000, 86400000, NULL},
    {"journal_max", OPTION_INTEGER, AT(journal_max), "1000000",
     "Entries in a journal beyond which the service holds back input", 100, 100000000, NULL},
    {"ring_bytes", OPTION_SIZE, AT(ring_bytes), "64m",
     "Memory for the batches that Redis may still lose", 1 * MIB, 1024 * MIB, NULL},
    {"ring_age", OPTION_DURATION, AT(ring_age_ms), "10s", "How long these batches are kept", 3000,
     600000, NULL},
    {"look_for", OPTION_DURATION, AT(look_for_ms), "10m",
     "How long the record of what is finished stays in Redis for people to look at", 1000, 86400000,
     NULL},
    {"memory_most", OPTION_INTEGER, AT(memory_most), "80",
     "The service holds back input when Redis uses more than this percentage of its memory", 10, 99,
     NULL},
    {"queue", OPTION_INTEGER, AT(queue), "1000", "High-water mark of each ZeroMQ queue", 1, 1000000,
     NULL},
    {"heartbeat", OPTION_DURATION, AT(heartbeat_ms), "1s",
     "How often the service publishes its heartbeat", 50, 60000, NULL},
    {"log_lines", OPTION_INTEGER, AT(log_lines), "20",
     "Most lines a second about signals of each kind (accepted, refused, routed, executed, "
     "completed); a line says how many more there were; level debug writes all",
     0, 1000000, NULL},
    {"sample_every", OPTION_DURATION, AT(sample_ms), "1m",
     "How often the service records how it is in performance_log", 100, 3600000, NULL},
    {"replaced_waits", OPTION_FLAG, AT(replaced_waits), "false",
     "A process that another one has replaced waits to be stopped, instead of ending with status "
     "3; for supervisors that restart whatever ends (Docker)",
     0, 0, NULL},
    OPTION_LOG_LEVEL(AT(log_level)),
    {0},
};

static int print_service_error(const char *text) {
    fprintf(stderr, "%s\n", text);
    return STATUS_WRONG;
}

// --- options

// The common table with the presets that this service has of its own.
struct option_table {
    struct option rows[OPTIONS_MAX];
    char presets[3][24];
};

static void table_for(const struct service *s, struct option_table *table) {
    const struct {
        const char *name, *unit;
        int64_t preset;
    } own[] = {{"batch_max", "", s->batch_max},
               {"gather_count", "", s->gather_count},
               {"gather_for", "ms", s->gather_for_ms}};
    static_assert(sizeof common_options <= sizeof table->rows);
    memcpy(table->rows, common_options, sizeof common_options);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        snprintf(table->presets[i], sizeof table->presets[i], "%lld%s", (long long)own[i].preset,
                 own[i].unit);
        if (own[i].preset) option_set_preset(table->rows, own[i].name, table->presets[i]);
    }
}

static void each_table(const struct service *s, options_print_fn *print) {
    struct option_table table;
    table_for(s, &table);
    if (s->options) {
        print(s->options, role_name(s->role), stdout);
        printf("\n");
    }
    print(table.rows, role_name(s->role), stdout);
}

// How a process is told which of several it is: "--shard N | ".
static void print_which(const struct service *s) {
    switch (role_processes(s->role)) {
    case ONE_PROCESS:
    case ONE_IF_WANTED:
        break;
    case ONE_EACH_SHARD:
        printf("--shard N | ");
        break;
    case ONE_EACH_CELL:
        printf("--%s CELL | ", s->which_option);
        break;
    }
}

static void print_service_help(const struct service *s) {
    const char *name = role_name(s->role);
    printf("tradecast-%s - %s\n\nUsage: tradecast-%s [", name, s->purpose, name);
    print_which(s);
    printf(
        "--help | --env | --reference | --check | --slice | --rerun]\n\n" OPTIONS_USAGE
        "  --slice      print the keys of Redis that it owns, or what they begin with\n"
        "  --rerun      do again what was recorded of it; for tradecast-replay\n\n"
        "Options come from the environment: TRADECAST_SERVICE_<NAME>, else TRADECAST_<NAME>.\n\n");
    each_table(s, options_help);
    for (const struct control *c = s->controls; c && c->verb; c++)
        printf("  control %-20s %s\n", c->verb, c->words);
}

static void print_slice(const struct service *s) {
    for (const char *const *prefix = s->slice; *prefix; prefix++) puts(*prefix);
}

static bool has_option_text(const char *text) { return text && *text; }

// Which of its role's processes this one is.
static bool find_itself(struct loop *l, const void *own, char wrong[static 256]) {
    const struct service *s = l->service;
    if (!cells_set(l->settings.cell, l->settings.cells, wrong)) return false;
    if (!topology_want(l->settings.optional, wrong)) return false;
    if (!topology_is_wanted(s->role))
        return snprintf(wrong, 256,
                        "TRADECAST_OPTIONAL must name %s, for every service: else nobody "
                        "hears it",
                        role_name(s->role)),
               false;
    if (l->settings.shard >= l->settings.shards)
        return snprintf(wrong, 256, "TRADECAST_SHARD must be less than TRADECAST_SHARDS"), false;
    l->me.shard = role_processes(s->role) == ONE_EACH_SHARD ? (unsigned)l->settings.shard : 0;
    return !s->which || s->which(own, &l->me.shard, wrong);
}

err_t loop_settings(struct loop *l, void *own, char wrong[static 256]) {
    struct option_table table;
    table_for(l->service, &table);
    err_t e = options_read(table.rows, role_name(l->me.role), &l->settings, wrong);
    if (!e && l->service->options)
        e = options_read(l->service->options, role_name(l->me.role), own, wrong);
    if (e) return e;
    if (!find_itself(l, own, wrong)) return ERR_CONFIG;
    instance_name(l->me.role, l->me.shard, l->me.name);
    snprintf(l->redis.preset, sizeof l->redis.preset, "unix:%s/redis.sock", l->settings.run_dir);
    if (!has_option_text(l->settings.redis)) l->settings.redis = l->redis.preset;
    if (!has_option_text(l->settings.redis_user)) l->settings.redis_user = l->me.name;
    if (!has_option_text(l->settings.lock_dir)) l->settings.lock_dir = l->settings.run_dir;
    return ERR_OK;
}

// Its own doors, and those that it sends to: what would be refused later is said before anything is
// taken.
static err_t look_at_doors(const struct loop *l) {
    static const char *const own[] = {"inbox", "events", "control"};
    struct stream out[INSTANCES_MAX];
    struct instance to[INSTANCES_MAX];
    char why[KEYS_WHY];
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        struct endpoint at = endpoint_of(l->settings.run_dir, l->me.name, own[i]);
        if (!keys_allow(&at, true, why)) return print_service_error(why), ERR_CONFIG;
    }
    size_t n = topology_outlets(&l->me, (unsigned)l->settings.shards, out);
    for (size_t i = 0; i < n; i++) {
        size_t consumers = topology_consumers(&out[i], (unsigned)l->settings.shards, to);
        for (size_t c = 0; c < consumers; c++) {
            struct endpoint at = endpoint_of(l->settings.run_dir, to[c].name, "inbox");
            if (!keys_allow(&at, false, why)) return print_service_error(why), ERR_CONFIG;
        }
    }
    return ERR_OK;
}

static err_t read_options(struct loop *l, void *own) {
    char wrong[256];
    err_t e = loop_settings(l, own, wrong);
    if (e) return print_service_error(wrong), e;
    if (!endpoint_redis_may(l->settings.redis, l->settings.redis_plain, wrong))
        return print_service_error(wrong), ERR_CONFIG;
    keys_start(l->settings.keys_dir, l->me.name);
    return look_at_doors(l);
}

// --- running

static void catch_signals(void) {
    stop_on_signals(0);
    signal(SIGPIPE, SIG_IGN); // hiredis writes without MSG_NOSIGNAL
}

// Who was replaced must not come back: started again it would replace the other one, which would be
// started again, for ever.
static int status_of(err_t e, bool fenced) {
    return fenced ? STATUS_REPLACED : e ? STATUS_FAILED : 0;
}

// Recorded with the first batch.
static void note_start(struct loop *l) {
    const ledger_t *ledger = l->redis.ledger;
    const char *before = ledger_is_first(ledger) ? "first start"
                         : ledger_was_clean(ledger)
                             ? "clean"
                             : "unclean: the process before it did not stop in order";
    events_note(&l->events, SYSTEM_EVENT_start, NULL,
                "%s; version %s, incarnation %llu, epoch %llu", before, TRADECAST_VERSION,
                (unsigned long long)l->context.incarnation, (unsigned long long)l->context.epoch);
    if (ledger_shut_out(ledger))
        events_note(&l->events, SYSTEM_EVENT_fenced, NULL,
                    "a process that still ran is shut out: it has an epoch below %llu",
                    (unsigned long long)l->context.epoch);
}

static int run_service_loop(struct loop *l, const void *own) {
    err_t e = loop_start(l, own);
    if (!e) {
        catch_signals(); // again: opening the first port may have set czmq's own
        log_event(LOG_LEVEL_INFO, "started", "incarnation=%llu epoch=%llu clean=%d",
                  (unsigned long long)l->context.incarnation, (unsigned long long)l->context.epoch,
                  ledger_was_clean(l->redis.ledger));
        note_start(l);
        e = loop_run_until_stop(l);
        if (!e && loop_has_landed(l) && ledger_mark_clean(l->redis.ledger))
            log_event(LOG_LEVEL_WARNING, "not_marked_clean", "why=redis");
    }
    const char *said = l->redis.ledger ? store_trouble(ledger_store(l->redis.ledger)) : "";
    if (e && !stop_asked)
        log_event(LOG_LEVEL_ERROR, "stopping", "error=%s why=%s store=%s", error_name(e),
                  log_quote(error_words(e)), log_quote(said));
    else
        log_event(LOG_LEVEL_INFO, "stopped", "batches=%llu", (unsigned long long)l->counts.batches);
    bool fenced = e == ERR_FENCED && l->redis.ledger; // without one it never was the owner
    bool waits = fenced && l->settings.replaced_waits;
    loop_end(l);
    while (waits && !stop_asked) ports_wait(NULL, 0, 1000);
    return stop_asked ? 0 : status_of(e, fenced);
}

static bool has_argument_flag(int argc, char **argv, const char *flag) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], flag) == 0) return true;
    }
    return false;
}

static bool is_flag(const char *argument, const char *name) {
    return name && strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, name) == 0;
}

static bool arguments_are_known(const struct service *s, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (is_flag(argv[i], "shard") && has_value)
            option_give(NULL, "shard", argv[++i]);
        else if (is_flag(argv[i], s->which_option) && has_value)
            option_give(role_name(s->role), s->which_option, argv[++i]);
        else if (!is_flag(argv[i], "check") && !is_flag(argv[i], "rerun"))
            return false;
    }
    return true;
}

int service_main(const struct service *service, int argc, char **argv) {
    static struct loop l; // one a process; large
    if (has_argument_flag(argc, argv, "--help")) return print_service_help(service), 0;
    if (has_argument_flag(argc, argv, "--env")) return each_table(service, options_env_file), 0;
    if (has_argument_flag(argc, argv, "--reference"))
        return each_table(service, options_reference), 0;
    if (has_argument_flag(argc, argv, "--slice")) return print_slice(service), 0;
    if (!arguments_are_known(service, argc, argv))
        return print_service_error("unknown argument; --help says what there is");
    (void)umask(umask(0) | 0077); // what it writes (archive, audit log, lock) is its own
    if (sodium_init() < 0)
        return print_service_error("libsodium does not start: no random numbers on this machine");
    if (has_argument_flag(argc, argv, "--rerun"))
        return service->traced
                   ? rerun_main(service)
                   : print_service_error(
                         "what this service does is not recorded: it cannot be run again");
    l.service = service;
    l.me.role = service->role;
    l.context.transport = &transport_zmq;
    void *own = calloc(1, service->settings_size ? service->settings_size : 1);
    if (!own) return print_service_error("out of memory");
    err_t e = read_options(&l, own);
    if (e || has_argument_flag(argc, argv, "--check")) {
        free(own);
        return e ? STATUS_WRONG : 0;
    }
    // What a batch frees the next one takes again: memory does not go back to the system and come
    // again, page by page.
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 32 << 20);
    log_start(l.me.name, log_level_from(l.settings.log_level));
    catch_signals();
    int status = run_service_loop(&l, own);
    free(own);
    return status;
}
