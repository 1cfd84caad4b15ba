// keyring - the files of keys: a directory with the secrets that are here, and public/ with
// everybody's public keys.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // memmem
#include "common/bus/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/delivery/peers.h"

#define FILE_MAX   4096
#define PATH_TEXT  512
#define NEW_PUBLIC ".pub"
#define OLD_PUBLIC ".pub-old"

// --- reading

// Z85 (ZeroMQ RFC 32): five characters for four bytes. czmq would end the process over others.
static bool is_z85(const char *key) {
    static const char digits[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    uint64_t four = 0;
    for (size_t i = 0; i < KEY_TEXT - 1; i++) {
        const char *digit = key[i] ? strchr(digits, key[i]) : NULL;
        if (!digit) return false;
        four = (i % 5 ? four * 85 : 0) + (uint64_t)(digit - digits);
        if (four > UINT32_MAX) return false;
    }
    return true;
}

// What stands between the quotes behind `name`: 40 characters of Z85.
static bool read_key(struct span text, const char *name, char out[static KEY_TEXT]) {
    const char *at = memmem(text.data, text.length, name, strlen(name)),
               *end = (const char *)text.data + text.length;
    if (at) at = memchr(at, '"', (size_t)(end - at));
    if (!at || end - at < KEY_TEXT + 1 || at[KEY_TEXT] != '"' || memchr(at + 1, '"', KEY_TEXT - 1))
        return false;
    memcpy(out, at + 1, KEY_TEXT - 1);
    out[KEY_TEXT - 1] = 0;
    return is_z85(out);
}

bool keyring_read(struct span text, char out[static KEY_TEXT]) {
    return read_key(text, "public-key", out);
}

static ssize_t read_file(int fd, char out[static FILE_MAX]) {
    size_t used = 0;
    for (ssize_t n = 1; n > 0 && used < FILE_MAX; used += (size_t)n) {
        n = read(fd, out + used, FILE_MAX - used);
        if (n < 0) return -1;
    }
    return (ssize_t)used;
}

// A secret belongs to its user alone. What systemd hands over (LoadCredential) it guards by an
// access list, which shows as the group's.
static bool is_open_to_others(int fd, const char *path) {
    const char *handed = getenv("CREDENTIALS_DIRECTORY");
    struct stat s;
    bool ours = handed && *handed && strncmp(path, handed, strlen(handed)) == 0;
    return fstat(fd, &s) != 0 || (s.st_mode & (ours ? S_IRWXO : S_IRWXG | S_IRWXO));
}

static void path_of(const char *dir, const char *name, const char *ending,
                    char out[static PATH_TEXT]) {
    (void)snprintf(out, PATH_TEXT, "%.300s/%s%.100s%s", dir,
                   strcmp(ending, ".key") == 0 ? "" : "public/", name, ending);
}

bool keyring_secret(const char *dir, const char *name, struct key_pair *out,
                    char why[static KEYS_WHY]) {
    char path[PATH_TEXT], text[FILE_MAX];
    path_of(dir, name, ".key", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        (void)snprintf(
            why, KEYS_WHY,
            "the key of %.60s cannot be read: %.100s: %.40s; `tradecast keys` makes keys", name,
            path, strerror(errno));
        return false;
    }
    bool open_to_others = is_open_to_others(fd, path);
    ssize_t n = open_to_others ? -1 : read_file(fd, text);
    struct span all = {text, n < 0 ? 0 : (size_t)n};
    bool right = n > 0 && read_key(all, "public-key", out->public) &&
                 read_key(all, "secret-key", out->secret);
    (void)close(fd);
    explicit_bzero(text, sizeof text);
    if (!right) explicit_bzero(out, sizeof *out);
    if (open_to_others)
        (void)snprintf(why, KEYS_WHY,
                       "%.160s can be read by others than its user: chmod 600 it; if others did "
                       "read it, make a new one",
                       path);
    else if (!right)
        (void)snprintf(why, KEYS_WHY, "%.180s is no certificate with a public and a secret key",
                       path);
    return right;
}

static bool others_may_write(int fd) {
    struct stat s;
    return fstat(fd, &s) != 0 || (s.st_mode & (S_IWGRP | S_IWOTH));
}

// A file that others may write holds nobody's key: they could put theirs there.
static bool read_public(const char *path, char out[static KEY_TEXT]) {
    char text[FILE_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    if (others_may_write(fd)) return (void)close(fd), false;
    ssize_t n = read_file(fd, text);
    (void)close(fd);
    return n > 0 && keyring_read((struct span){text, (size_t)n}, out);
}

size_t keyring_public(const char *dir, const char *name, char out[static 2][KEY_TEXT]) {
    static const char *const endings[] = {NEW_PUBLIC, OLD_PUBLIC};
    char path[PATH_TEXT];
    size_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        path_of(dir, name, endings[i], path);
        n += read_public(path, out[n]);
    }
    return n;
}

// The name in "router.pub" and "router.pub-old".
static bool name_of_key_file(const char *file, char out[static 128], bool *old) {
    const char *dot = strrchr(file, '.');
    *old = dot && strcmp(dot, OLD_PUBLIC) == 0;
    if (!dot || (!*old && strcmp(dot, NEW_PUBLIC) != 0) || dot - file > 100) return false;
    (void)snprintf(out, 128, "%.*s", (int)(dot - file), file);
    return peer_name_is_right(out);
}

static DIR *open_public(const char *dir, char why[static KEYS_WHY]) {
    char path[PATH_TEXT];
    (void)snprintf(path, sizeof path, "%.300s/public", dir);
    DIR *all = opendir(path);
    if (!all) {
        (void)snprintf(why, KEYS_WHY, "%.140s cannot be read: %.60s; `tradecast keys` makes it",
                       path, strerror(errno));
    } else if (others_may_write(dirfd(all))) {
        (void)snprintf(
            why, KEYS_WHY,
            "%.140s can be written by others, who could let in whom they like: chmod go-w it",
            path);
        (void)closedir(all);
        all = NULL;
    }
    return all;
}

// Of public/ and each key in it.
bool keyring_is_safe(const char *dir, char why[static KEYS_WHY]) {
    char name[128];
    bool old, safe = true;
    DIR *all = open_public(dir, why);
    if (!all) return false;
    for (const struct dirent *entry; safe && (entry = readdir(all));) {
        if (!name_of_key_file(entry->d_name, name, &old)) continue;
        int fd = openat(dirfd(all), entry->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        safe = fd < 0 || !others_may_write(fd); // one that went meanwhile lets nobody in
        if (!safe)
            (void)snprintf(why, KEYS_WHY,
                           "%.100s/public/%.100s can be written by others, who could put a key of "
                           "theirs there: chmod go-w it",
                           dir, entry->d_name);
        if (fd >= 0) (void)close(fd);
    }
    (void)closedir(all);
    return safe;
}

bool keyring_each(const char *dir, key_visit_fn *visit, void *arg, char why[static KEYS_WHY]) {
    char path[PATH_TEXT], name[128], key[KEY_TEXT];
    bool old;
    DIR *all = open_public(dir, why);
    if (!all) return false;
    size_t n = 0;
    for (const struct dirent *entry; n < KEYS_MAX && (entry = readdir(all));) {
        if (!name_of_key_file(entry->d_name, name, &old)) continue;
        path_of(dir, name, old ? OLD_PUBLIC : NEW_PUBLIC, path);
        if (!read_public(path, key)) continue;
        visit(arg, name, key, old);
        n++;
    }
    (void)closedir(all);
    return true;
}

// --- writing

// What root makes belongs to whom the directory belongs to, which is the services' user.
static void give_to_owner(int fd, const char *dir) {
    struct stat s;
    // then they say that they cannot read it
    if (geteuid() == 0 && stat(dir, &s) == 0 && fchown(fd, s.st_uid, s.st_gid) != 0) return;
}

static bool make_directory(const char *path, const char *in, char why[static KEYS_WHY]) {
    bool made = mkdir(path, 0700) == 0;
    int fd = made && in ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) give_to_owner(fd, in), (void)close(fd);
    if (made || errno == EEXIST) return true;
    (void)snprintf(why, KEYS_WHY, "cannot make the directory %.140s: %.60s", path, strerror(errno));
    return false;
}

static bool write_new(const char *dir, const char *path, struct span text, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) return false;
    (void)fchmod(fd, mode); // whatever the umask: what is public can be read
    give_to_owner(fd, dir);
    bool written = write(fd, text.data, text.length) == (ssize_t)text.length && fsync(fd) == 0;
    return close(fd) == 0 && written;
}

static bool write_file(const char *dir, const char *path, struct span text, mode_t mode) {
    char aside[PATH_TEXT + 8];
    (void)snprintf(aside, sizeof aside, "%s.new", path);
    (void)unlink(aside);
    if (!write_new(dir, aside, text, mode) || rename(aside, path) != 0) {
        int why = errno;
        (void)unlink(aside);
        errno = why;
        return false;
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) (void)fsync(fd), (void)close(fd);
    return true;
}

static bool write_certificate(const char *dir, const char *path, buffer_t *text, mode_t mode) {
    bool written = write_file(dir, path, buffer_span(text), mode);
    explicit_bzero(text->data, text->length);
    buffer_destroy(text);
    return written;
}

static void print_certificate(buffer_t *out, const char *name, const char *public) {
    buffer_reserve(out, 1024); // so that a secret is never copied by growing
    buffer_format(out,
                  "#   A key of tradecast, a czmq certificate (ZPL).\n\nmetadata\n    name = "
                  "\"%s\"\ncurve\n    public-key = \"%s\"\n",
                  name, public);
}

bool keyring_write_secret(const char *dir, const char *name, const struct key_pair *pair,
                          char why[static KEYS_WHY]) {
    char path[PATH_TEXT];
    buffer_t text = {0};
    if (!make_directory(dir, NULL, why)) return false;
    path_of(dir, name, ".key", path);
    print_certificate(&text, name, pair->public);
    buffer_format(&text, "    secret-key = \"%s\"\n", pair->secret);
    if (write_certificate(dir, path, &text, 0600)) return true;
    (void)snprintf(why, KEYS_WHY, "cannot write %.150s: %.60s", path, strerror(errno));
    return false;
}

bool keyring_write_public(const char *dir, const char *name, const char *key, bool old,
                          char why[static KEYS_WHY]) {
    char path[PATH_TEXT], public[PATH_TEXT];
    buffer_t text = {0};
    (void)snprintf(public, sizeof public, "%.300s/public", dir);
    if (!make_directory(dir, NULL, why) || !make_directory(public, dir, why)) return false;
    path_of(dir, name, old ? OLD_PUBLIC : NEW_PUBLIC, path);
    print_certificate(&text, name, key);
    if (write_certificate(public, path, &text, 0644)) return true;
    (void)snprintf(why, KEYS_WHY, "cannot write %.150s: %.60s", path, strerror(errno));
    return false;
}

bool keyring_forget(const char *dir, const char *name, bool old, char why[static KEYS_WHY]) {
    char path[PATH_TEXT];
    path_of(dir, name, old ? OLD_PUBLIC : NEW_PUBLIC, path);
    if (unlink(path) == 0 || errno == ENOENT) return true;
    (void)snprintf(why, KEYS_WHY, "cannot remove %.150s: %.60s", path, strerror(errno));
    return false;
}

void keyring_fingerprint(const char *key, char out[static FINGERPRINT_TEXT]) {
    unsigned char hash[16];
    char hex[33];
    (void)crypto_generichash(hash, sizeof hash, (const unsigned char *)key, strlen(key), NULL, 0);
    (void)sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    (void)snprintf(out, FINGERPRINT_TEXT, "%.4s-%.4s-%.4s-%.4s", hex, hex + 4, hex + 8, hex + 12);
}
