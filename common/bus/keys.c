// keys - CURVE on tcp: shows this process's key, takes nobody for whom he is not, lets in who may
// come, and counts who may not.
// SPDX-License-Identifier: MIT
#include "common/bus/keys.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/bus/keyed_socket.h"

// every door of a process, and one for each that it connects to; the last one is for all beyond
#define TALLIES_MAX 192
#define MEND_EVERY  NS_PER_S
#define TELL_EVERY  (60 * NS_PER_S)

struct tally {
    char door[160];
    struct refused refused;
    uint64_t told_at;
};

static struct {
    pthread_mutex_t lock, asking; // of what is counted; of the porter's pipe. Never both
    char dir[300], name[OWNER_TEXT];
    struct porter_options options;
    zactor_t *porter;
    unsigned open, opened; // ports with keys: now, ever
    struct tally tallies[TALLIES_MAX];
    size_t n_tallies;
} keys = {.lock = PTHREAD_MUTEX_INITIALIZER, .asking = PTHREAD_MUTEX_INITIALIZER};

void keys_start(const char *dir, const char *name) {
    (void)snprintf(keys.dir, sizeof keys.dir, "%s", dir ? dir : "");
    (void)snprintf(keys.name, sizeof keys.name, "%s", name);
}

void keys_pair(struct key_pair *out) {
    if (zmq_curve_keypair(out->public, out->secret) != 0) abort(); // libzmq without CURVE
}

// --- who was turned away

static struct tally *tally_of_door(const char *door) {
    pthread_mutex_lock(&keys.lock);
    size_t i = 0;
    while (i < keys.n_tallies && strcmp(keys.tallies[i].door, door) != 0) i++;
    if (i == TALLIES_MAX) i--;
    struct tally *found = &keys.tallies[i];
    if (i == keys.n_tallies) {
        keys.n_tallies++;
        (void)snprintf(found->door, sizeof found->door, "%s",
                       i + 1 < TALLIES_MAX ? door : "others");
        found->refused.door = found->door;
    }
    pthread_mutex_unlock(&keys.lock);
    return found;
}

static struct tally *tally_of_own(const char *door) {
    char name[160];
    (void)snprintf(name, sizeof name, "%s.%.20s", keys.name, door);
    return tally_of_door(name);
}

void keys_count(struct tally *tally, const char *who, const char *why) {
    pthread_mutex_lock(&keys.lock);
    tally->refused.count++;
    (void)snprintf(tally->refused.last, sizeof tally->refused.last, "%s%s%s", who, *who ? ": " : "",
                   why);
    pthread_mutex_unlock(&keys.lock);
}

uint64_t keys_refused(uint64_t mono_ns, refused_fn *tell, void *arg) {
    uint64_t all = 0;
    if (!keys.opened) return 0;
    for (size_t i = 0; i < TALLIES_MAX; i++) {
        pthread_mutex_lock(&keys.lock);
        struct tally *t = &keys.tallies[i];
        struct refused now = t->refused;
        bool due =
            tell && now.count > now.before && (!t->told_at || mono_ns >= t->told_at + TELL_EVERY);
        if (due) t->refused.before = now.count, t->told_at = mono_ns;
        pthread_mutex_unlock(&keys.lock);
        all += now.count;
        if (due) tell(arg, &now);
    }
    return all;
}

static void log_refused(void *arg, const struct refused *what) {
    (void)arg;
    log_event(LOG_LEVEL_WARNING, "refused", "door=%s count=%llu last=%s", log_quote(what->door),
              (unsigned long long)(what->count - what->before), log_quote(what->last));
}

uint64_t keys_log_refused(uint64_t mono_ns) { return keys_refused(mono_ns, log_refused, NULL); }

// --- the porter

static void stop_porter(void) {
    // with ports open libzmq would wait for somebody to hear it
    if (!keys.open) zactor_destroy(&keys.porter);
}

static void tell_porter(const char *what, struct keyed *whom) {
    pthread_mutex_lock(&keys.asking);
    if (!keys.porter) {
        keys.options = (struct porter_options){keys.dir, keys.name, tally_of_own};
        keys.porter = zactor_new(zap_handler, &keys.options);
        if (!keys.porter) abort();
        (void)atexit(stop_porter); // before czmq's own, which came first
    }
    zsock_t *pipe = zactor_sock(keys.porter);
    (void)zsock_send(pipe, "sp", what, whom);
    (void)zsock_wait(pipe);
    pthread_mutex_unlock(&keys.asking);
}

// --- ports

// The key that the process at the other end is taken to have, in the place of `before` if there is
// another.
static bool find_public_key(const struct endpoint *at, char key[static KEY_TEXT]) {
    char found[2][KEY_TEXT];
    size_t n = keyring_public(keys.dir, at->owner, found);
    if (n) memcpy(key, found[n > 1 && strcmp(found[0], key) == 0], KEY_TEXT);
    explicit_bzero(found, sizeof found);
    return n > 0;
}

// Every user of this host reaches what is on loopback: whoever comes to a door there without a key
// is whom he says, an operator too.
static bool is_open_to_this_host(void) {
    const char *said = getenv("TRADECAST_LOOPBACK_OPEN");
    return said && strcmp(said, "true") == 0;
}

static bool may_go_without(const struct endpoint *at, bool bind, char why[static KEYS_WHY]) {
    bool local = endpoint_is_local(at->address);
    if (local && is_open_to_this_host()) return true;
    if (local) {
        (void)snprintf(why, KEYS_WHY,
                       "%.80s is reached by every user of this host, and %.60s has no keys: set "
                       "TRADECAST_KEYS_DIR to a directory made by "
                       "`tradecast keys make`, or say TRADECAST_LOOPBACK_OPEN=true if all of them "
                       "may do what the operator may",
                       at->address, keys.name);
        return false;
    }
    (void)snprintf(why, KEYS_WHY,
                   "%.80s is %s, and %s has no keys: set TRADECAST_KEYS_DIR to a directory made by "
                   "`tradecast keys make`",
                   at->address, bind ? "open to other hosts" : "on another host", keys.name);
    return false;
}

bool keys_allow(const struct endpoint *at, bool bind, char why[static KEYS_WHY]) {
    struct key_pair own;
    char theirs[2][KEY_TEXT];
    if (!endpoint_is_tcp(at->address)) {
        bool local = endpoint_is_local(at->address);
        if (!local)
            (void)snprintf(why, KEYS_WHY, "\"%.80s\" is no address: ipc://… or tcp://host:port",
                           at->address);
        return local;
    }
    if (!*keys.dir) return may_go_without(at, bind, why);
    if (!keyring_is_safe(keys.dir, why) || !keyring_secret(keys.dir, keys.name, &own, why))
        return false;
    explicit_bzero(&own, sizeof own);
    if (bind || keyring_public(keys.dir, at->owner, theirs)) return true;
    (void)snprintf(
        why, KEYS_WHY,
        "the public key of %.60s is not in %.100s/public: bring it there (tradecast keys add)",
        at->owner, keys.dir);
    return false;
}

static bool show_own_key(zsock_t *socket, char why[static KEYS_WHY]) {
    struct key_pair own;
    if (!keyring_secret(keys.dir, keys.name, &own, why)) return false;
    zsock_set_curve_publickey(socket, own.public);
    zsock_set_curve_secretkey(socket, own.secret);
    explicit_bzero(&own, sizeof own);
    return true;
}

static void ask_for_keys(zsock_t *socket, const struct endpoint *at) {
    zsock_set_curve_server(socket, 1);
    zsock_set_zap_domain(socket, at->door);
    zsock_set_zap_enforce_domain(socket, 1); // nobody comes in when the porter does not answer
}

static void watch_strangers(struct keyed *self) {
    char name[160];
    (void)snprintf(name, sizeof name, "to %.100s.%s", self->at.owner, self->at.door);
    self->tally = self->bound ? tally_of_own(self->at.door) : tally_of_door(name);
    pthread_mutex_lock(&keys.lock);
    (void)snprintf(self->monitor, sizeof self->monitor, "inproc://keys-%u", ++keys.opened);
    self->watched = keys.open++ < WATCHED_MAX;
    pthread_mutex_unlock(&keys.lock);
    int events = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                 ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    if (!self->bound) events |= ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    if (self->watched && zmq_socket_monitor(self->socket, self->monitor, events) != 0) abort();
    tell_porter("WATCH", self); // even so: it must be there
}

bool keys_open(zsock_t *socket, const struct endpoint *at, bool bind, struct keyed **out,
               char why[static KEYS_WHY]) {
    *out = NULL;
    if (!keys_allow(at, bind, why)) return false;
    if (!*keys.dir) return true;
    if (!show_own_key(socket, why)) return false;
    struct keyed *self = alloc_zeroed(1, sizeof *self);
    *self = (struct keyed){.bound = bind, .at = *at, .socket = zsock_resolve(socket)};
    if (bind) ask_for_keys(socket, at);
    // else it has gone this very moment: mended
    if (!bind && find_public_key(at, self->key)) zsock_set_curve_serverkey(socket, self->key);
    watch_strangers(self);
    *out = self;
    return true;
}

void keys_close(struct keyed **self) {
    if (!*self) return;
    // while there is still somebody to hear it
    if ((*self)->watched) (void)zmq_socket_monitor((*self)->socket, NULL, 0);
    tell_porter("LEAVE", *self);
    pthread_mutex_lock(&keys.lock);
    keys.open--;
    pthread_mutex_unlock(&keys.lock);
    free(*self);
    *self = NULL;
}

void keys_mend(struct keyed *self) {
    if (!atomic_load_explicit(&self->failed, memory_order_relaxed)) return;
    uint64_t now = clock_mono_ns();
    if (now - self->mended_at < MEND_EVERY) return;
    self->mended_at = now;
    atomic_store(&self->failed, false);
    (void)find_public_key(&self->at, self->key);
    (void)zmq_disconnect(self->socket, self->at.address);
    (void)zmq_setsockopt(self->socket, ZMQ_CURVE_SERVERKEY, self->key, KEY_TEXT);
    (void)zmq_connect(self->socket, self->at.address);
}
