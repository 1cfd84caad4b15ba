// keys - the keys of processes on several hosts: makes them, shows whose may connect where, changes
// them, and packs what a host needs.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/files.h"
#include "cli/place.h"
#include "cli/text.h"
#include "common/base/own.h"
#include "common/bus/endpoint.h"
#include "common/bus/keyring.h"
#include "common/bus/keys.h"
#include "common/delivery/peers.h"
#include "common/delivery/topology.h"
#include "proto/doors.h"

#define NAMES_MAX 512
#define FILE_MOST 4096

#define SYNC_NAME(name) name,
static const char *const syncs[] = {SYNCS(SYNC_NAME)};
#undef SYNC_NAME
#define DOOR_NAME(name, number) #name,
static const char *const doors[] = {DOORS(DOOR_NAME)};
#undef DOOR_NAME
#define COUNT(array) (sizeof(array) / sizeof *(array))

struct names {
    char all[NAMES_MAX][OWNER_TEXT];
    size_t n;
};

static bool has_name(const struct names *names, const char *name) {
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->all[i], name) == 0) return true;
    }
    return false;
}

static void add_key_name(struct names *names, const char *name) {
    if (names->n < NAMES_MAX && !has_name(names, name))
        (void)snprintf(names->all[names->n++], OWNER_TEXT, "%s", name);
}

static int compare_key_names(const void *a, const void *b) { return strcmp(a, b); }

static bool is_here(const char *dir, const char *name) {
    char path[512];
    (void)snprintf(path, sizeof path, "%.300s/%.100s.key", dir, name);
    return access(path, F_OK) == 0;
}

static bool wrong_name(const char *name) {
    if (peer_name_is_right(name)) return false;
    (void)complain_of_call(WRONG_USE,
                           "\"%.100s\" is no name of a key: a process (executor.0), "
                           "gateway.<instance_id>, bot.<name>, operator; @<cell> behind "
                           "it: of another cell",
                           name);
    return true;
}

// --- make

// Who there is in this installation: by TRADECAST_SHARDS and TRADECAST_CELLS.
static void list_key_owners(const struct call *call, struct names *out) {
    struct instance all[INSTANCES_MAX];
    char relay[OWNER_TEXT];
    const char *cells = getenv("TRADECAST_CELLS");
    size_t n = topology_instances(call->place.shards, all), length;
    for (size_t i = 0; i < n; i++) add_key_name(out, all[i].name);
    for (size_t i = 0; i < COUNT(syncs); i++) add_key_name(out, syncs[i]);
    for (const char *at = cells ? cells : ""; *(at += strspn(at, " ,\t")); at += length) {
        length = strcspn(at, " ,\t");
        (void)snprintf(relay, sizeof relay, "relay.%.*s", (int)length, at);
        add_key_name(out, relay);
    }
    add_key_name(out, "operator");
}

// What is given to others first, what this key is good for last: a crash between leaves the old one
// working.
static bool make_key(const char *dir, const char *name, char why[static KEYS_WHY]) {
    struct key_pair pair;
    keys_pair(&pair);
    bool made = keyring_write_public(dir, name, pair.public, false, why) &&
                keyring_write_secret(dir, name, &pair, why);
    explicit_bzero(&pair, sizeof pair);
    return made;
}

static enum outcome run_keys_make(struct call *call) {
    static struct names names;
    const char *dir = call->place.keys;
    char why[KEYS_WHY], known[2][KEY_TEXT];
    unsigned made = 0, kept = 0;
    list_key_owners(call, &names);
    for (unsigned i = 1; i < call->n_args; i++) {
        if (wrong_name(call->args[i])) return WRONG_USE;
        if (strchr(call->args[i], '@'))
            return complain_of_call(
                WRONG_USE, "%s is of another cell, which makes its own keys: tradecast keys add",
                call->args[i]);
        add_key_name(&names, call->args[i]);
    }
    for (size_t i = 0; i < names.n; i++) {
        if (keyring_public(dir, names.all[i], known)) { // the secret may be on another host
            kept++;
            continue;
        }
        if (!make_key(dir, names.all[i], why)) return complain_of_call(NO_REACH, "%s", why);
        made++;
    }
    printf(call->json ? "{\"made\":%u,\"kept\":%u}\n" : "%u keys made, %u kept\n", made, kept);
    return DONE;
}

// --- list

static void take_key_name(void *arg, const char *name, const char *key, bool old) {
    (void)key, (void)old;
    add_key_name(arg, name);
}

static bool read_names(const char *dir, struct names *out) {
    char why[KEYS_WHY];
    out->n = 0;
    if (!keyring_each(dir, take_key_name, out, why))
        return complain_of_call(NO_REACH, "%s", why), false;
    qsort(out->all, out->n, sizeof *out->all, compare_key_names);
    return true;
}

// "router.inbox archiver.inbox": whose doors this key opens, of those that have a key here.
static void say_doors(const struct names *names, const char *peer, buffer_t *out) {
    for (size_t i = 0; i < names->n; i++) {
        for (size_t d = 0; d < COUNT(doors); d++) {
            bool there = endpoint_port(names->all[i], doors[d]) >= 0 && !strchr(names->all[i], '@');
            if (!there || strcmp(names->all[i], peer) == 0 ||
                !peers_may(peer, names->all[i], doors[d]))
                continue;
            buffer_format(out, "%s%s.%s", out->length ? " " : "", names->all[i], doors[d]);
        }
    }
}

static void list_one(struct sheet *sheet, const struct call *call, const struct names *names,
                     const char *name) {
    char keys[2][KEY_TEXT] = {"", ""}, mark[FINGERPRINT_TEXT] = "", before[FINGERPRINT_TEXT] = "";
    own(buffer) may = {0};
    size_t n = keyring_public(call->place.keys, name, keys);
    if (n) keyring_fingerprint(keys[0], mark);
    if (n > 1) keyring_fingerprint(keys[1], before);
    say_doors(names, name, &may);
    sheet_add(sheet, name);
    sheet_add(sheet, is_here(call->place.keys, name) ? "here" : "");
    sheet_add(sheet, mark);
    sheet_add(sheet, before);
    sheet_add(sheet, keys[0]);
    sheet_add(sheet, buffer_string(&may));
}

static enum outcome run_keys_list(struct call *call) {
    static struct names names;
    struct sheet sheet = {0};
    if (!read_names(call->place.keys, &names)) return NO_REACH;
    sheet_start(&sheet, "NAME|SECRET|FINGERPRINT|BEFORE|PUBLIC|MAY CONNECT TO");
    for (size_t i = 0; i < names.n; i++) list_one(&sheet, call, &names, names.all[i]);
    print_sheet(call, &sheet);
    return DONE;
}

// --- add, remove, rotate, retire

static enum outcome run_keys_add(struct call *call) {
    char why[KEYS_WHY], key[KEY_TEXT], mark[FINGERPRINT_TEXT];
    own(buffer) text = {0};
    if (call->n_args != 3)
        return complain_of_call(WRONG_USE, "usage: tradecast keys add NAME FILE.pub");
    const char *name = call->args[1], *file = call->args[2];
    if (wrong_name(name)) return WRONG_USE;
    if (!file_read(file, FILE_MOST, &text))
        return complain_of_call(WRONG_USE, "%s: %s", file, strerror(errno));
    bool read = keyring_read(buffer_span(&text), key);
    explicit_bzero(text.data, text.length);
    if (!read) return complain_of_call(WRONG_USE, "%s holds no public key", file);
    if (!keyring_write_public(call->place.keys, name, key, false, why))
        return complain_of_call(NO_REACH, "%s", why);
    keyring_fingerprint(key, mark);
    printf(call->json ? "{\"name\":\"%s\",\"fingerprint\":\"%s\"}\n" : "%s %s\n", name, mark);
    return DONE;
}

static enum outcome forget_key(struct call *call, bool old) {
    char why[KEYS_WHY];
    if (call->n_args != 2)
        return complain_of_call(WRONG_USE, "usage: tradecast keys %s NAME", call->args[0]);
    if (wrong_name(call->args[1])) return WRONG_USE;
    if (!keyring_forget(call->place.keys, call->args[1], true, why))
        return complain_of_call(NO_REACH, "%s", why);
    if (!old && !keyring_forget(call->place.keys, call->args[1], false, why))
        return complain_of_call(NO_REACH, "%s", why);
    return DONE;
}

static enum outcome remove_key(struct call *call) { return forget_key(call, false); }
static enum outcome run_keys_retire(struct call *call) { return forget_key(call, true); }

static enum outcome run_keys_rotate(struct call *call) {
    char why[KEYS_WHY], known[2][KEY_TEXT], mark[FINGERPRINT_TEXT];
    const char *dir = call->place.keys, *name = call->n_args == 2 ? call->args[1] : "";
    if (call->n_args != 2) return complain_of_call(WRONG_USE, "usage: tradecast keys rotate NAME");
    if (wrong_name(name)) return WRONG_USE;
    size_t n = keyring_public(dir, name, known);
    if (!n)
        return complain_of_call(WRONG_USE, "%s has no key in %s; tradecast keys make %s makes one",
                                name, dir, name);
    if (n > 1)
        return complain_of_call(
            ANSWER_NO,
            "%s still has its key from before: tradecast keys retire %s, once nothing uses it",
            name, name);
    if (!keyring_write_public(dir, name, known[0], true, why) || !make_key(dir, name, why))
        return complain_of_call(NO_REACH, "%s", why);
    (void)keyring_public(dir, name, known);
    keyring_fingerprint(known[0], mark);
    if (call->json) return printf("{\"name\":\"%s\",\"fingerprint\":\"%s\"}\n", name, mark), DONE;
    printf("%s %s\nBring public/ to every host, %s.key to its own, restart %s, then: tradecast "
           "keys retire %s\n",
           name, mark, name, name, name);
    return DONE;
}

// --- export

struct packing {
    const char *to;
    bool failed;
    char why[KEYS_WHY];
};

static void pack_public(void *arg, const char *name, const char *key, bool old) {
    struct packing *p = arg;
    if (!p->failed && !keyring_write_public(p->to, name, key, old, p->why)) p->failed = true;
}

static bool pack_secret(const char *dir, const char *name, struct packing *p) {
    struct key_pair pair;
    bool packed = keyring_secret(dir, name, &pair, p->why) &&
                  keyring_write_secret(p->to, name, &pair, p->why);
    explicit_bzero(&pair, sizeof pair);
    return packed;
}

// By its host: TRADECAST_HOST_<NAME>, of a gateway by its instance_id; or it is named.
static bool runs_on(const struct call *call, const char *host, const char *name) {
    const char *process = strncmp(name, "gateway.", 8) == 0 ? name + 8 : name,
               *its = endpoint_host(process);
    for (unsigned i = 3; i < call->n_args; i++) {
        if (strcmp(call->args[i], name) == 0) return true;
    }
    return its && strcmp(its, host) == 0 && !strchr(name, '@');
}

static enum outcome run_keys_pack(struct call *call) {
    static struct names names;
    own(buffer) out = {0};
    unsigned packed = 0;
    if (call->n_args < 3)
        return complain_of_call(WRONG_USE, "usage: tradecast keys export HOST DIR [NAME]...");
    const char *dir = call->place.keys, *host = call->args[1];
    struct packing p = {.to = call->args[2]};
    if (!read_names(dir, &names)) return NO_REACH;
    for (size_t i = 0; i < names.n; i++) {
        if (!runs_on(call, host, names.all[i])) continue;
        if (!pack_secret(dir, names.all[i], &p)) return complain_of_call(NO_REACH, "%s", p.why);
        buffer_format(&out, "%s%s", packed++ ? " " : "", names.all[i]);
    }
    if (!packed)
        return complain_of_call(ANSWER_NO,
                                "no process has TRADECAST_HOST_<NAME>=%s; name those that run "
                                "there: tradecast keys export %s %s operator",
                                host, host, p.to);
    if (!keyring_each(dir, pack_public, &p, p.why) || p.failed)
        return complain_of_call(NO_REACH, "%s", p.why);
    printf("%s: the keys of %s, and %zu public ones\n", p.to, buffer_string(&out), names.n);
    return DONE;
}

enum outcome run_keys(struct call *call) {
    static const struct {
        const char *verb;
        enum outcome (*run)(struct call *call);
    } verbs[] = {{"make", run_keys_make},  {"list", run_keys_list},     {"add", run_keys_add},
                 {"remove", remove_key},   {"rotate", run_keys_rotate}, {"retire", run_keys_retire},
                 {"export", run_keys_pack}};
    if (!*call->place.keys)
        return complain_of_call(
            WRONG_USE, "it is not known where the keys are; set TRADECAST_KEYS_DIR, or --dir");
    for (size_t i = 0; i < COUNT(verbs); i++) {
        if (strcmp(call->args[0], verbs[i].verb) == 0) return verbs[i].run(call);
    }
    return complain_of_call(WRONG_USE,
                            "tradecast keys has no word %.40s; tradecast keys --help lists them",
                            call->args[0]);
}
