// keyring - the files of keys: a directory with the secrets that are here, and public/ with
// everybody's public keys.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buffer.h"

// <dir>/<name>.key             both keys of a process that runs here, for its user alone (0600)
// <dir>/public/<name>.pub      its public key
// <dir>/public/<name>.pub-old  the one it had before, good until it is retired
// Files are czmq certificates (ZPL); keys are in Z85.
#define KEY_TEXT         41
#define KEYS_WHY         400  // a sentence
#define KEYS_MAX         4096 // in public/
#define FINGERPRINT_TEXT 20

struct key_pair {
    char public[KEY_TEXT], secret[KEY_TEXT];
};

// False: `why` says what is wrong with the file, and what to do. The caller wipes `out` when it is
// done with it (explicit_bzero).
bool keyring_secret(const char *dir, const char *name, struct key_pair *out,
                    char why[static KEYS_WHY]);

// False: public/ is not there, or others may write into it or a key in it, and so let in whom they
// like.
bool keyring_is_safe(const char *dir, char why[static KEYS_WHY]);

// The public keys of `name`, the newest first: 0, 1 or 2. A file that others may write counts for
// nothing, here and in keyring_each.
size_t keyring_public(const char *dir, const char *name, char out[static 2][KEY_TEXT]);

// Every public key that is there, in no order, KEYS_MAX at most. False: the directory cannot be
// read, or is not safe.
typedef void key_visit_fn(void *arg, const char *name, const char *key, bool old);
bool keyring_each(const char *dir, key_visit_fn *visit, void *arg, char why[static KEYS_WHY]);

// Whole or not at all, each by a new file that takes the place of the old one. The directories are
// made; what root writes belongs to the owner of `dir`.
bool keyring_write_secret(const char *dir, const char *name, const struct key_pair *pair,
                          char why[static KEYS_WHY]);
bool keyring_write_public(const char *dir, const char *name, const char *key, bool old,
                          char why[static KEYS_WHY]);
// a public key; true when there was none
bool keyring_forget(const char *dir, const char *name, bool old, char why[static KEYS_WHY]);

// The public key in the text of a certificate, or of a key pair. False: there is none.
bool keyring_read(struct span text, char out[static KEY_TEXT]);

// Of a public key: "3f2a-90bc-…", to compare by eye.
void keyring_fingerprint(const char *key, char out[static FINGERPRINT_TEXT]);
