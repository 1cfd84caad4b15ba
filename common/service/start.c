// start - from options to a running loop: lock, takeover, topics, the service's own state, ports.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/program/notify.h"
#include "common/program/stop.h"
#include "common/redis/journal.h"
#include "common/service/loop.h"

static void print_start_error(const char *text) { fprintf(stderr, "%s\n", text); }

// --- the host

// One process of a name on a host. The lock goes with the process, however it ends. The file holds
// the newest incarnation, which Redis may forget: with a clock that was set back, the next one
// would look old to consumers that are ahead.
static uint64_t locked_incarnation(const struct loop *l) {
    char text[24] = "";
    ssize_t n = pread(l->lock_file, text, sizeof text - 1, 0);
    return n > 0 ? strtoull(text, NULL, 10) : 0;
}

static err_t lock_incarnation(const struct loop *l, uint64_t incarnation) {
    char text[24];
    int n = snprintf(text, sizeof text, "%020llu\n", (unsigned long long)incarnation);
    if (pwrite(l->lock_file, text, (size_t)n, 0) == n && fdatasync(l->lock_file) == 0)
        return ERR_OK;
    print_start_error("cannot write the lock file: disk full?");
    return ERR_SYSTEM;
}

static err_t take_lock(struct loop *l) {
    char path[512], text[800];
    if (mkdir(l->settings.lock_dir, 0700) != 0 && errno != EEXIST) {
        snprintf(text, sizeof text, "%s: cannot make the directory %s: %s", l->me.name,
                 l->settings.lock_dir, strerror(errno));
        print_start_error(text);
        return ERR_SYSTEM;
    }
    snprintf(path, sizeof path, "%s/%s.lock", l->settings.lock_dir, l->me.name);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        snprintf(text, sizeof text, "%s: cannot write %s: %s", l->me.name, path, strerror(errno));
        print_start_error(text);
        return ERR_SYSTEM;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        snprintf(text, sizeof text,
                 "%s: another %s is running on this host (%s is locked); stop it first", l->me.name,
                 l->me.name, path);
        print_start_error(text);
        return ERR_FENCED;
    }
    l->lock_file = fd;
    return ERR_OK;
}

static err_t bind_ports(struct loop *l) {
    static const struct {
        const char *door;
        enum port_kind kind;
        size_t place;
    } doors[] = {
        {"inbox", PORT_PULL, offsetof(struct sockets, inbox)},
        {"events", PORT_PUB, offsetof(struct sockets, events)},
        {"control", PORT_ROUTER, offsetof(struct sockets, control)},
    };
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++) {
        struct endpoint at = endpoint_of(l->settings.run_dir, l->me.name, doors[i].door);
        port_t *port =
            transport_bind(l->context.transport, doors[i].kind, &at, (int)l->settings.queue);
        if (!port) {
            log_event(LOG_LEVEL_ERROR, "cannot_bind", "endpoint=%s why=%s", at.address,
                      log_quote(port_why()));
            return ERR_SYSTEM;
        }
        *(port_t **)((char *)&l->sockets + doors[i].place) = port;
    }
    return ERR_OK;
}

// --- Redis

// Whoever comes to the door meanwhile is told, and nothing else is done.
static void wait_for_redis(struct loop *l) {
    struct http_options door = {0};
    if (!l->redis.early_door && l->service->door) {
        l->service->door(l->own, &door);
        l->redis.early_door = early_door_new(&door);
    }
    if (l->redis.early_door)
        early_door_wait(l->redis.early_door, 100);
    else
        ports_wait(NULL, 0, 100);
}

static err_t take_over_ledger(struct loop *l) {
    l->context.strict = strcmp(l->settings.profile, "strict") == 0;
    struct store_options store = {l->settings.redis, l->settings.redis_user,
                                  l->settings.redis_password, l->settings.answer_within_ms};
    struct ledger_options options = {
        .name = l->me.name,
        .store = &store,
        .ring_bytes = (size_t)l->settings.ring_bytes,
        .ring_age_ns = (uint64_t)l->settings.ring_age_ms * NS_PER_MS,
        .strict = l->context.strict,
        .fit = shards_fit,
        .fit_arg = l,
    };
    l->redis.ledger = ledger_new(&options);
    char why[200], last[200] = "";
    for (;;) {
        err_t e = ledger_take_over(l->redis.ledger, why);
        if (!e || error_policy(e) == POLICY_STOP || stop_asked) {
            if (e)
                log_event(LOG_LEVEL_ERROR, "redis_unfit", "error=%s why=%s", error_name(e),
                          log_quote(why));
            return e;
        }
        if (strcmp(why, last) != 0)
            log_event(LOG_LEVEL_WARNING, "waiting_for_redis", "address=%s why=%s",
                      l->settings.redis, log_quote(why));
        memcpy(last, why, sizeof last);
        notify_status(why);
        wait_for_redis(l);
    }
}

// --- topics

static unsigned consumer_index(struct loop *l, const struct instance *who) {
    for (unsigned i = 0; i < l->outputs.n_consumers; i++) {
        if (strcmp(l->outputs.consumers[i].who.name, who->name) == 0) return i;
    }
    struct consumer *c = &l->outputs.consumers[l->outputs.n_consumers];
    struct endpoint at = endpoint_of(l->settings.run_dir, who->name, "inbox");
    c->who = *who;
    c->inbox = transport_connect(l->context.transport, PORT_PUSH, &at, (int)l->settings.queue);
    return (unsigned)l->outputs.n_consumers++;
}

// The last id of a journal: what the next entry's prev_id is.
static err_t read_outlet_head(struct loop *l, struct outlet *outlet) {
    char key[JOURNAL_KEY_TEXT];
    buffer_t answer = {0};
    journal_key(outlet->name, key);
    struct span argv[] = {span_of("XREVRANGE"), span_of(key),     span_of("+"),
                          span_of("-"),         span_of("COUNT"), span_of("1")};
    err_t e = store_command(ledger_store(l->redis.ledger), 6, argv, &answer);
    const char *text = buffer_string(&answer);
    if (!e && entry_id_parse(text, strcspn(text, "\n"), &outlet->head))
        outlet->head = ENTRY_ID_NONE;
    buffer_destroy(&answer);
    return e;
}

static err_t read_position(struct loop *l, const char *service, const char *topic,
                           struct entry_id *out) {
    char key[80];
    buffer_t text = {0};
    snprintf(key, sizeof key, "position:%s", service);
    err_t e = store_field(ledger_store(l->redis.ledger), key, topic, &text);
    if (!e && entry_id_parse(buffer_string(&text), text.length, out)) *out = ENTRY_ID_NONE;
    buffer_destroy(&text);
    return e;
}

// The newest incarnation that this service is known to have had: in Redis, in its journals, in its
// lock file.
static uint64_t newest_of_own(const struct loop *l) {
    uint64_t newest = ledger_stored_incarnation(l->redis.ledger), locked = locked_incarnation(l);
    if (locked > newest) newest = locked;
    for (size_t i = 0; i < l->outputs.n; i++) {
        if (l->outputs.outlets[i].head.incarnation > newest)
            newest = l->outputs.outlets[i].head.incarnation;
    }
    return newest;
}

static err_t open_outlet(struct loop *l, size_t i, const struct stream *stream) {
    struct instance consumers[INSTANCES_MAX];
    struct outlet *o = &l->outputs.outlets[i];
    o->topic = stream->topic;
    o->shard = stream->shard;
    memcpy(o->name, stream->name, sizeof o->name);
    l->outputs.topics[i].n_consumers =
        topology_consumers(stream, (unsigned)l->settings.shards, consumers);
    for (size_t c = 0; c < l->outputs.topics[i].n_consumers; c++)
        l->outputs.topics[i].consumers[c] = consumer_index(l, &consumers[c]);
    return read_outlet_head(l, o);
}

// Above what its consumers have, too.
static err_t choose_incarnation(struct loop *l) {
    err_t e = ERR_OK;
    l->context.started_at = clock_utc_ns();
    uint64_t next = incarnation_next(l->context.started_at / NS_PER_MS, newest_of_own(l), NULL, 0);
    for (size_t i = 0; !e && i < l->outputs.n; i++) {
        struct entry_id at[INSTANCES_MAX];
        size_t n = l->outputs.topics[i].n_consumers;
        for (size_t c = 0; !e && c < n; c++)
            e = read_position(l, l->outputs.consumers[l->outputs.topics[i].consumers[c]].who.name,
                              l->outputs.outlets[i].name, &at[c]);
        if (!e) next = incarnation_next(next, 0, at, n);
    }
    l->context.incarnation = next;
    return e;
}

static err_t open_outlets(struct loop *l) {
    struct stream streams[INSTANCES_MAX];
    l->outputs.n = topology_outlets(&l->me, (unsigned)l->settings.shards, streams);
    err_t e = ERR_OK;
    for (size_t i = 0; !e && i < l->outputs.n; i++) e = open_outlet(l, i, &streams[i]);
    if (!e) e = choose_incarnation(l);
    return e ? e : lock_incarnation(l, l->context.incarnation);
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
    err_t unread = shards_inlets(l, streams, &l->inputs.n);
    if (unread) return unread;
    for (size_t i = 0; i < l->inputs.n; i++) {
        struct slot *s = &l->inputs.slots[i];
        s->stream = streams[i];
        topology_owner(&streams[i], s->owner);
        s->forward = is_forward(l->service, streams[i].topic);
        err_t e = read_position(l, l->me.name, s->stream.name, &s->in.position);
        if (e) return e;
        // A position is registered even when it is the beginning: a consumer that has none holds
        // the trimming.
        s->stored = entry_id_cmp(s->in.position, ENTRY_ID_NONE) ? s->in.position
                                                                : (struct entry_id){UINT64_MAX, 0};
        s->in.behind = true;
        s->gap = "it starts";
        at[i] = (struct inlet_position){s->stream.name, s->in.position};
    }
    if (l->service->positions) l->service->positions(l->self, at, l->inputs.n);
    for (size_t i = 0; i < l->inputs.n; i++) l->inputs.slots[i].in.position = at[i].position;
    return shards_bar(l);
}

// --- the service's own state

// Whoever reads goes on without it; what hangs on it is the service's to say.
static void note_unreadable(void *arg, const struct unreadable *what) {
    struct loop *l = arg;
    unreadables_note(l->redis.unreadable, ledger_store(l->redis.ledger), what);
    if (l->self && l->service->unreadable) l->service->unreadable(l->self, what);
}

static err_t load_unreadable(struct loop *l) {
    store_t *store = ledger_store(l->redis.ledger);
    l->redis.unreadable = unreadables_new(l->me.name);
    store_on_unreadable(store, note_unreadable, l);
    return unreadables_load(l->redis.unreadable, store);
}

static err_t read_last_run(struct loop *l) {
    char key[96];
    buffer_t text = {0};
    store_t *store = ledger_store(l->redis.ledger);
    snprintf(key, sizeof key, "%s:trying", l->me.name);
    err_t e = store_get(store, key, &text);
    snprintf(l->careful.last_run, sizeof l->careful.last_run, "%s", buffer_string(&text));
    snprintf(key, sizeof key, "deadletter:%s", l->me.name);
    if (!e) e = store_command(store, 2, (struct span[]){span_of("XLEN"), span_of(key)}, &text);
    if (!e) batch_buried_before(l->batch, strtoull(buffer_string(&text), NULL, 10));
    buffer_destroy(&text);
    if (!ledger_was_clean(l->redis.ledger)) l->careful.left = (unsigned)l->settings.batch_max;
    return e;
}

static void fill_context(struct loop *l) {
    l->context.name = l->me.name;
    l->context.shard = l->me.shard;
    l->context.shards = (unsigned)l->settings.shards;
    l->context.run_dir = l->settings.run_dir;
    l->context.cell = cell_own();
    l->context.cells = (unsigned)cells_count();
    l->context.book = l->book;
    l->context.epoch = ledger_epoch(l->redis.ledger);
    l->message_log.most = (unsigned)l->settings.log_lines;
    l->context.sample_ns = (uint64_t)l->settings.sample_ms * NS_PER_MS;
}

static err_t load_service_state(struct loop *l) {
    store_t *store = ledger_store(l->redis.ledger);
    // Whoever owns the configuration has it in its own store, not in Redis.
    bool has_book = l->book_is_given || topic_is_of(TOPIC_config, l->me.role);
    err_t e = has_book ? ERR_OK : book_load(l->book, store);
    if (!e && l->service->load) e = l->service->load(l->self, store);
    if (!e) e = open_inlets(l);
    if (!e) e = read_last_run(l);
    if (!e) e = bind_ports(l);
    if (!e && l->service->configured) l->service->configured(l->self);
    l->context.listener = early_door_leave(&l->redis.early_door);
    if (!e && l->service->open) e = l->service->open(l->self, &l->sockets.reactor);
    if (!e) trace_open(l);
    return e;
}

err_t loop_start(struct loop *l, const void *own) {
    err_t e = take_lock(l);
    l->own = own;
    if (!e) e = take_over_ledger(l);
    if (e) return e;
    l->book_is_given = l->book != NULL;
    if (!l->book) l->book = book_new();
    e = load_unreadable(l);
    if (!e) e = open_outlets(l);
    if (e) return e;
    fill_context(l);
    ledger_begin(l->redis.ledger, l->context.incarnation);
    l->batch = batch_new(l->me.name, l->service->slice, l->outputs.outlets, l->outputs.n);
    batch_look_for(l->batch, (uint64_t)l->settings.look_for_ms * NS_PER_MS);
    l->redis.connections = ledger_connections(l->redis.ledger);
    l->self = l->service->new (&l->context, own);
    return l->self ? load_service_state(l) : ERR_CONFIG;
}

void loop_end(struct loop *l) {
    if (l->self) l->service->destroy(&l->self);
    int listener = early_door_leave(&l->redis.early_door);
    if (listener > 0) (void)close(listener);
    port_destroy(&l->sockets.inbox);
    port_destroy(&l->sockets.events);
    port_destroy(&l->sockets.control);
    for (size_t i = 0; i < l->outputs.n_consumers; i++)
        port_destroy(&l->outputs.consumers[i].inbox);
    batch_destroy(&l->batch);
    histogram_destroy(&l->sampled.stage_us);
    histogram_destroy(&l->sampled.commit_us);
    book_destroy(&l->book);
    unreadables_destroy(&l->redis.unreadable);
    ledger_destroy(&l->redis.ledger);
    trace_close(l);
    buffer_destroy(&l->outputs.asking);
    buffer_destroy(&l->heartbeat.frame);
    arena_destroy(&l->heartbeat.arena);
    if (l->lock_file > 0) (void)close(l->lock_file);
}
