// test_keys - the files of keys, and ports that ask for them.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/bus/keys.h"
#include "common/bus/port.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define WITHIN_NS    (10 * NS_PER_S)
#define MESSAGE      ((struct span){"hello", 5})

static char dir[64], why[KEYS_WHY];

static void path_of(const char *file, char out[static 128]) {
    (void)snprintf(out, 128, "%s/%s", dir, file);
}

static void set_mode(const char *file, mode_t mode) {
    char path[128];
    path_of(file, path);
    assert_int_equal(chmod(path, mode), 0);
}

static void put_file(const char *file, const char *text) {
    char path[128];
    path_of(file, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(fd);
}

static struct key_pair make(const char *name, bool known) {
    struct key_pair pair;
    keys_pair(&pair);
    assert_true(keyring_write_secret(dir, name, &pair, why));
    if (known) assert_true(keyring_write_public(dir, name, pair.public, false, why));
    return pair;
}

static int start(void **state) {
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/keys-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int end(void **state) {
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command); // NOLINT(cert-env33-c)
}

// --- files

static void a_pair_that_is_written_is_read_again(void **state) {
    char public[2][KEY_TEXT];
    struct key_pair read, pair = make("executor.0", true);
    (void)state;
    assert_true(keyring_secret(dir, "executor.0", &read, why));
    assert_string_equal(read.secret, pair.secret);
    assert_string_equal(read.public, pair.public);
    assert_int_equal(keyring_public(dir, "executor.0", public), 1);
    assert_string_equal(public[0], pair.public);
    assert_true(keyring_write_public(dir, "executor.0", "oldoldoldoldoldoldoldoldoldoldoldoldoldo",
                                     true, why));
    assert_int_equal(keyring_public(dir, "executor.0", public), 2);
    assert_string_equal(public[1], "oldoldoldoldoldoldoldoldoldoldoldoldoldo");
    assert_true(keyring_forget(dir, "executor.0", true, why));
    assert_int_equal(keyring_public(dir, "executor.0", public), 1);
    assert_int_equal(keyring_public(dir, "executor.1", public), 0);
}

static void a_secret_is_for_its_user_alone(void **state) {
    static const struct {
        mode_t mode;
        bool right;
    } rows[] = {{0600, true},  {0400, true},  {0640, false}, {0604, false},
                {0660, false}, {0601, false}, {0644, false}};
    struct key_pair read, pair = make("router", true);
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        set_mode("router.key", rows[i].mode);
        assert_int_equal(keyring_secret(dir, "router", &read, why), rows[i].right);
        if (!rows[i].right) assert_non_null(strstr(why, "chmod 600"));
        assert_null(strstr(why, pair.secret));
    }
}

static void a_file_that_is_no_key_is_refused(void **state) {
    static const char *const texts[] = {
        "",
        "public-key",
        "public-key = \"short\"\nsecret-key = \"short\"",
        "curve\n    public-key = \"0123456789012345678901234567890123456789\"\n",
        "curve\n    public-key = \"0123456789012345678901234567890123456789\"\n    secret-key = "
        "\"01234567890123456789",
        "curve\n    secret-key = \"0123456789012345678901234567890123456789\"\n",
    };
    static const char *const no_z85[] = {
        "~123456789012345678901234567890123456789", "01234567890123456789 1234567890123456789",
        "0123456789\"123456789012345678901234567890", "#####56789012345678901234567890123456789"};
    struct key_pair read;
    char text[200], key[KEY_TEXT];
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        put_file("router.key", texts[i]);
        assert_false(keyring_secret(dir, "router", &read, why));
    }
    for (size_t i = 0; i < COUNT(no_z85); i++) {
        (void)snprintf(text, sizeof text, "public-key = \"%s\"", no_z85[i]);
        assert_false(keyring_read(span_of(text), key));
    }
    // RFC 26's
    assert_true(
        keyring_read(span_of("public-key = \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\""), key));
    assert_false(keyring_secret(dir, "nobody", &read, why));
    assert_non_null(strstr(why, "tradecast keys"));
}

static void keys_that_others_could_slip_in_let_nobody_in(void **state) {
    (void)state;
    make("router", true);
    assert_true(keyring_is_safe(dir, why));
    set_mode("public", 0755);
    assert_true(keyring_is_safe(dir, why));
    set_mode("public", 0775);
    assert_false(keyring_is_safe(dir, why));
    set_mode("public", 0777);
    assert_false(keyring_is_safe(dir, why));
    assert_non_null(strstr(why, "chmod go-w"));
}

static void count_name(void *arg, const char *name, const char *key, bool old);

static void a_public_key_that_others_may_write_lets_nobody_in(void **state) {
    static const mode_t modes[] = {0664, 0646, 0666};
    char found[2][KEY_TEXT];
    (void)state;
    make("router", true);
    make("ingest", true);
    set_mode("public/ingest.pub", 0644);
    assert_true(keyring_is_safe(dir, why));
    for (size_t i = 0; i < COUNT(modes); i++) {
        char names[1000] = "";
        set_mode("public/ingest.pub", modes[i]);
        assert_false(keyring_is_safe(dir, why));
        assert_non_null(strstr(why, "public/ingest.pub can be written by others"));
        assert_int_equal(keyring_public(dir, "ingest", found), 0);
        assert_true(keyring_each(dir, count_name, names, why));
        assert_string_equal(names, "router ");
    }
}

static void count_name(void *arg, const char *name, const char *key, bool old) {
    (void)key;
    (void)snprintf((char *)arg + strlen(arg), 200, "%s%s ", name, old ? "-" : "");
}

static void only_certificates_under_right_names_are_keys(void **state) {
    static const char right[] = "    public-key = \"0123456789012345678901234567890123456789\"\n";
    char names[1000] = "";
    (void)state;
    make("router", true);
    put_file("public/bot.x.pub", right);
    put_file("public/bot.y.pub-old", right);
    put_file("public/bot.z.pub.new", right); // one being written
    put_file("public/README", right);
    put_file("public/.hidden.pub", right);
    put_file("public/a b.pub", right);
    put_file("public/empty.pub", "");
    assert_true(keyring_each(dir, count_name, names, why));
    assert_non_null(strstr(names, "router "));
    assert_non_null(strstr(names, "bot.x "));
    assert_non_null(strstr(names, "bot.y- "));
    assert_int_equal(strlen(names), strlen("router bot.x bot.y- "));
}

// --- ports

static struct endpoint somewhere(const char *owner, const char *door) {
    char address[64];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    (void)close(fd);
    (void)snprintf(address, sizeof address, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
    return endpoint_at(address, owner, door);
}

// Sends until something comes, as a service does, and says whose key it came with.
static bool comes_through(port_t *from, port_t *to, char user[static 100], uint64_t within_ns) {
    struct waiter waiters[] = {{.port = to}, {.port = from}};
    for (uint64_t until = clock_mono_ns() + within_ns; clock_mono_ns() < until;) {
        struct parcel p;
        (void)port_send(from, "t", MESSAGE);
        (void)ports_wait(waiters, 2, 20);
        if (!port_receive(to, &p)) continue;
        (void)snprintf(user, 100, "%s", p.user ? p.user : "");
        return true;
    }
    return false;
}

// All in one process: the porter asks whether bot.x may come to itself, which it may when its key
// is known.
static port_t *bind_as_router(const struct endpoint *at) {
    keys_start(dir, "router");
    port_t *port = port_bind(PORT_ROUTER, at, 0);
    if (!port) fail_msg("%s", port_why());
    keys_start(dir, "bot.x");
    return port;
}

static void who_is_let_in_later_comes_in_without_being_started_again(void **state) {
    char user[100];
    struct endpoint at = somewhere("router", "control");
    (void)state;
    make("router", true);
    struct key_pair bot = make("bot.x", false);
    port_t *to = bind_as_router(&at), *from = port_connect(PORT_DEALER, &at, 0);
    assert_non_null(from);
    assert_false(comes_through(from, to, user, NS_PER_S / 2));
    assert_true(keyring_write_public(dir, "bot.x", bot.public, false, why));
    assert_true(comes_through(from, to, user, WITHIN_NS));
    assert_string_equal(user, "bot.x");
    port_destroy(&from);
    port_destroy(&to);
}

static void who_has_a_new_key_is_found_again(void **state) {
    char user[100];
    struct endpoint at = somewhere("router", "control");
    (void)state;
    struct key_pair before = make("router", true);
    make("bot.x", true);
    port_t *to = bind_as_router(&at), *from = port_connect(PORT_DEALER, &at, 0);
    assert_true(comes_through(from, to, user, WITHIN_NS));
    port_destroy(&to);
    make("router", true); // `rotate`, and a restart
    assert_true(keyring_write_public(dir, "router", before.public, true, why));
    to = bind_as_router(&at);
    assert_true(comes_through(from, to, user, WITHIN_NS));
    port_destroy(&from);
    port_destroy(&to);
}

static void count_told(void *arg, const struct refused *what) {
    if (strcmp(what->door, "bot.x.control") == 0) *(uint64_t *)arg += what->count - what->before;
}

// Tries until it was turned away once more.
static void knock(port_t *from, port_t *to) {
    char user[100];
    uint64_t before = keys_refused(0, NULL, NULL);
    for (uint64_t until = clock_mono_ns() + WITHIN_NS;
         keys_refused(0, NULL, NULL) == before && clock_mono_ns() < until;) {
        assert_false(comes_through(from, to, user, NS_PER_S / 10));
    }
    assert_true(keys_refused(0, NULL, NULL) > before);
}

static void those_turned_away_are_told_of_once_a_minute(void **state) {
    // as if: long after the tests before
    uint64_t told = 0, later = clock_mono_ns() + 600 * NS_PER_S;
    struct endpoint at = somewhere("router", "control");
    (void)state;
    make("router", true);
    make("bot.x", false);
    port_t *to = bind_as_router(&at), *from = port_connect(PORT_DEALER, &at, 0);
    knock(from, to);
    (void)keys_refused(later, count_told, &told);
    assert_true(told >= 1);
    knock(from, to); // it tries again
    told = 0;
    (void)keys_refused(later + 59 * NS_PER_S, count_told, &told);
    assert_int_equal(told, 0);
    uint64_t all = keys_refused(later + 61 * NS_PER_S, count_told, &told);
    assert_true(told >= 1 && all > told);
    port_destroy(&from);
    port_destroy(&to);
}

static void what_others_reach_needs_keys(void **state) {
    static const struct {
        const char *address;
        bool keys, allowed;
    } rows[] = {
        {"tcp://127.0.0.1:7400", false, false}, {"tcp://127.0.0.1:7400", true, true},
        {"tcp://[::1]:7400", false, false},     {"ipc:///tmp/x", false, true},
        {"ipc:///tmp/x", true, true},           {"tcp://10.0.0.1:7400", false, false},
        {"tcp://*:7400", false, false},         {"tcp://host.lan:7400", false, false},
        {"tcp://10.0.0.1:7400", true, true},    {"tcp://[fd00::1]:7400", false, false},
    };
    (void)state;
    make("router", true);
    make("ingest", true);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct endpoint at = endpoint_at(rows[i].address, "ingest", "inbox");
        keys_start(rows[i].keys ? dir : NULL, "router");
        assert_int_equal(keys_allow(&at, true, why), rows[i].allowed);
        assert_int_equal(keys_allow(&at, false, why), rows[i].allowed);
        if (!rows[i].allowed) assert_non_null(strstr(why, "TRADECAST_KEYS_DIR"));
    }
    keys_start(NULL, "router");
    struct endpoint loopback = endpoint_at("tcp://127.0.0.1:7400", "ingest", "inbox"),
                    network = endpoint_at("tcp://10.0.0.1:7400", "ingest", "inbox");
    setenv("TRADECAST_LOOPBACK_OPEN", "true", 1);
    assert_true(keys_allow(&loopback, true, why) && keys_allow(&loopback, false, why));
    assert_false(keys_allow(&network, true, why) || keys_allow(&network, false, why));
    unsetenv("TRADECAST_LOOPBACK_OPEN");
    struct endpoint other = endpoint_at("tipc://{5560,0,0}", "ingest", "inbox"); // knows no keys
    assert_false(keys_allow(&other, true, why));
    keys_start(dir, "router");
    struct endpoint unknown = endpoint_at("tcp://10.0.0.1:7400", "reconciler", "inbox");
    assert_false(keys_allow(&unknown, false, why));
    assert_non_null(strstr(why, "public key of reconciler"));
}

static void a_name_that_means_this_host_only_here_is_not_bound(void **state) {
    struct endpoint at = endpoint_at("tcp://127.1:7999", "router", "inbox"); // read as a name
    (void)state;
    make("router", true);
    keys_start(dir, "router");
    assert_null(port_bind(PORT_PULL, &at, 0));
    assert_non_null(strstr(port_why(), "tcp://127.0.0.1:7999 on this host"));
}

static void redis_on_another_host_needs_a_tunnel_or_a_word(void **state) {
    static const struct {
        const char *address;
        bool right;
    } rows[] = {
        {"unix:/run/redis.sock", true}, {"tcp:127.0.0.1:6379", true}, {"127.0.0.1:6379", true},
        {"tcp:localhost:6379", true},   {"tcp:::1:6379", true},       {"tcp:10.0.0.1:6379", false},
        {"10.0.0.1:6379", false},       {"tcp:redis:6379", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(endpoint_redis_may(rows[i].address, false, why), rows[i].right);
        assert_true(endpoint_redis_may(rows[i].address, true, why));
    }
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        ONE(a_pair_that_is_written_is_read_again),
        ONE(a_secret_is_for_its_user_alone),
        ONE(a_file_that_is_no_key_is_refused),
        ONE(keys_that_others_could_slip_in_let_nobody_in),
        ONE(a_public_key_that_others_may_write_lets_nobody_in),
        ONE(only_certificates_under_right_names_are_keys),
        ONE(who_is_let_in_later_comes_in_without_being_started_again),
        ONE(who_has_a_new_key_is_found_again),
        ONE(those_turned_away_are_told_of_once_a_minute),
        ONE(what_others_reach_needs_keys),
        ONE(a_name_that_means_this_host_only_here_is_not_bound),
        ONE(redis_on_another_host_needs_a_tunnel_or_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
