// porter - a thread that answers who may come in (ZAP, ZeroMQ RFC 27), and hears of handshakes that
// failed.
// SPDX-License-Identifier: MIT
//
// czmq's zauth has one list of keys for a whole process, so that a sender of signals could speak to
// the control door of ingest; and it does not say whom it turned away. Everything here is bounded:
// whoever knocks makes a count grow, and the keys to be read once a second.
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/bus/keyed_socket.h"
#include "common/delivery/peers.h"

#define READ_EVERY NS_PER_S
#define KEY_BYTES  32
// in turn, before it is held against the key: a process that ends hangs up, too
#define HUNG_UP 3

struct known {
    char name[OWNER_TEXT], key[KEY_TEXT];
};

struct zap_handler {
    const struct porter_options *options;
    zsock_t *pipe, *zap;
    struct keyed *watched[WATCHED_MAX];
    size_t n_watched;
    struct known *known;
    size_t n_known;
    uint64_t read_at;
    bool stopped;
};

// --- who may come in

static void learn_key(void *arg, const char *name, const char *key, bool old) {
    struct zap_handler *self = arg;
    (void)old;
    struct known *k = &self->known[self->n_known++];
    (void)snprintf(k->name, sizeof k->name, "%s", name);
    (void)snprintf(k->key, sizeof k->key, "%s", key);
}

// NULL, or why nobody can be let in.
static const char *read_keys(struct zap_handler *self, char why[static KEYS_WHY]) {
    uint64_t now = clock_mono_ns();
    if (self->read_at && now - self->read_at < READ_EVERY) return NULL;
    self->read_at = now;
    self->n_known = 0;
    return keyring_each(self->options->dir, learn_key, self, why) ? NULL : why;
}

// The name under which the key may come in there; NULL, and `why`.
static const char *admit_key(struct zap_handler *self, const char *key, const char *door,
                             char why[static KEYS_WHY]) {
    char shown[FINGERPRINT_TEXT];
    const char *known = NULL;
    if (read_keys(self, why)) return NULL;
    for (size_t i = 0; i < self->n_known; i++) {
        if (strcmp(self->known[i].key, key) != 0) continue;
        known = self->known[i].name;
        if (peers_may(known, self->options->name, door)) return known;
    }
    keyring_fingerprint(key, shown);
    if (known)
        (void)snprintf(why, KEYS_WHY, "the key of %.100s may not come in here", known);
    else
        (void)snprintf(why, KEYS_WHY, "an unknown key (%s)", shown);
    return NULL;
}

static void answer_zap(struct zap_handler *self, const char *version, const char *id,
                       const char *user) {
    (void)zsock_send(self->zap, "ssssss", version, id, user ? "200" : "400",
                     user ? "OK" : "refused", user ? user : "", "");
}

static void take_zap_request(struct zap_handler *self) {
    zmsg_t *request = zmsg_recv(self->zap);
    if (!request) return;
    char *version = zmsg_popstr(request), *id = zmsg_popstr(request), *door = zmsg_popstr(request),
         *from = zmsg_popstr(request);
    char *identity = zmsg_popstr(request), *mechanism = zmsg_popstr(request);
    zframe_t *shown = zmsg_pop(request);
    char key[KEY_TEXT] = "", why[KEYS_WHY] = "no key";
    const char *user = NULL;
    if (shown && mechanism && strcmp(mechanism, "CURVE") == 0 && zframe_size(shown) == KEY_BYTES) {
        (void)zmq_z85_encode(key, zframe_data(shown), KEY_BYTES);
        user = admit_key(self, key, door, why);
    }
    if (!user) keys_count(self->options->door(door ? door : ""), from ? from : "", why);
    answer_zap(self, version ? version : "1.0", id ? id : "", user);
    zstr_free(&version), zstr_free(&id), zstr_free(&door), zstr_free(&from), zstr_free(&identity),
        zstr_free(&mechanism);
    zframe_destroy(&shown);
    zmsg_destroy(&request);
}

// --- handshakes that failed

static void turned_away(struct keyed *k, int event) {
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return keys_count(k->tally, "", "it does not let our key in");
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        return keys_count(k->tally, "", "it does not ask for keys, or is somebody else");
    default:
        if (++k->hung_up >= HUNG_UP)
            keys_count(k->tally, "",
                       "it hangs up while being greeted: the key in public/ is not its own, or the "
                       "network fails");
    }
}

static void turned_us_down(struct keyed *k, int event) {
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return; // counted when it was decided
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        return keys_count(
            k->tally, "",
            "somebody without a key, or who takes us for another (a wrong public key)");
    default:
        return keys_count(k->tally, "", "somebody without a key, who hung up or said nothing");
    }
}

static void handle_socket_event(struct keyed *k) {
    uint16_t event = 0;
    zmsg_t *m = zmsg_recv(k->events);
    if (!m) return;
    if (zmsg_first(m) && zframe_size(zmsg_first(m)) >= sizeof event)
        memcpy(&event, zframe_data(zmsg_first(m)), sizeof event);
    zmsg_destroy(&m);
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        k->hung_up = 0;
    } else if (k->bound) {
        turned_us_down(k, event);
    } else {
        turned_away(k, event);
        atomic_store(&k->failed, true);
    }
}

// --- being told

static void watch_handshakes(struct zap_handler *self, struct keyed *k) {
    if (!k->watched || self->n_watched == WATCHED_MAX) return;
    k->events = zsock_new(ZMQ_PAIR);
    if (!k->events || zmq_connect(zsock_resolve(k->events), k->monitor) != 0) abort();
    self->watched[self->n_watched++] = k;
}

static void leave_keyed(struct zap_handler *self, struct keyed *k) {
    size_t i = 0;
    while (i < self->n_watched && self->watched[i] != k) i++;
    if (i == self->n_watched) return;
    self->watched[i] = self->watched[--self->n_watched];
    zsock_destroy(&k->events);
}

static void take_order(struct zap_handler *self) {
    char *what = NULL;
    void *whom = NULL;
    if (zsock_recv(self->pipe, "sp", &what, &whom) != 0 || strcmp(what, "$TERM") == 0)
        self->stopped = true;
    else if (strcmp(what, "WATCH") == 0)
        watch_handshakes(self, whom);
    else
        leave_keyed(self, whom);
    if (!self->stopped) (void)zsock_signal(self->pipe, 0);
    zstr_free(&what);
}

static void handle_readable(struct zap_handler *self) {
    zmq_pollitem_t items[WATCHED_MAX + 2] = {{zsock_resolve(self->pipe), 0, ZMQ_POLLIN, 0},
                                             {zsock_resolve(self->zap), 0, ZMQ_POLLIN, 0}};
    size_t n = self->n_watched;
    for (size_t i = 0; i < n; i++)
        items[i + 2] = (zmq_pollitem_t){zsock_resolve(self->watched[i]->events), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(items, (int)n + 2, -1) < 0 && errno == ETERM) self->stopped = true;
    for (size_t i = 0; i < n; i++) {
        if (items[i + 2].revents) handle_socket_event(self->watched[i]);
    }
    if (items[1].revents) take_zap_request(self);
    if (items[0].revents) take_order(self);
}

void zap_handler(zsock_t *pipe, void *options) {
    struct zap_handler self = {.options = options, .pipe = pipe, .zap = zsock_new(ZMQ_REP)};
    self.known = alloc_zeroed(KEYS_MAX, sizeof *self.known);
    if (!self.zap || zmq_bind(zsock_resolve(self.zap), "inproc://zeromq.zap.01") != 0) abort();
    zsock_signal(pipe, 0);
    while (!self.stopped) handle_readable(&self);
    while (self.n_watched) leave_keyed(&self, self.watched[0]);
    zsock_destroy(&self.zap);
    free(self.known);
}
