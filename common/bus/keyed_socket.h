// keyed_socket - the inside of keys.h: what keys.c has with port.c and with the porter.
// SPDX-License-Identifier: MIT
#pragma once

#include <czmq.h>
#include <stdatomic.h>

#include "common/bus/endpoint.h"
#include "common/bus/keyring.h"
#include "common/bus/keys.h"

#define WATCHED_MAX 256

// A port on tcp with keys.
struct tally;
struct keyed {
    struct tally *tally;
    bool bound;
    struct endpoint at; // of whom it connects to
    char key[KEY_TEXT]; // the one that he is taken to have
    void *socket;       // libzmq's
    atomic_bool failed; // a handshake did
    uint64_t mended_at;
    bool watched; // of so many ports at once there is no room to hear
    // the porter's
    char monitor[64];
    zsock_t *events;
    unsigned hung_up; // in turn
};

// Sets up a new socket on tcp, before it binds or connects. *out NULL: it goes without keys. False:
// `why` says why it must not be opened.
bool keys_open(zsock_t *socket, const struct endpoint *at, bool bind, struct keyed **out,
               char why[static KEYS_WHY]);
void keys_close(struct keyed **self); // before its socket is

// libzmq does not try again where it was refused, and would show an old key for ever: connects
// again, to the key that public/ has now. Called often, by the socket's thread; does something at
// most once a second.
void keys_mend(struct keyed *self);

// Counts one more who was turned away. Any thread.
void keys_count(struct tally *tally, const char *who, const char *why);

// porter.c: a thread that answers who may come in (ZAP, ZeroMQ RFC 27) and hears of handshakes that
// failed. It is told by its pipe: "WATCH" keyed, "LEAVE" keyed (each is answered by a signal).
struct porter_options {
    const char *dir, *name;                  // of this process's keys
    struct tally *(*door)(const char *door); // where to count
};
void zap_handler(zsock_t *pipe, void *options);
