// test_doctor - what is right for a profile, and which profile is right for a disk; and where the
// installation is.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/doctor/doctor.h"
#include "common/base/clock.h"

static void a_setting_is_judged_by_the_profile(void **state) {
    (void)state;
    const char *wanted;
    assert_int_equal(judge_setting("appendfsync", "everysec", "standard", &wanted), FINE);
    assert_int_equal(judge_setting("appendfsync", "everysec", "strict", &wanted), WRONG);
    assert_string_equal(wanted, "always");
    assert_int_equal(judge_setting("appendonly", "no", "standard", &wanted), WRONG);
    assert_int_equal(judge_setting("maxmemory-policy", "allkeys-lru", "standard", &wanted), WRONG);
    assert_int_equal(judge_setting("maxmemory", "1073741824", "standard", &wanted), DOUBTFUL);
    assert_int_equal(judge_setting("maxmemory", "2147483648", "strict", &wanted), FINE);
}

static void a_quick_disk_can_be_waited_for(void **state) {
    (void)state;
    const char *why;
    assert_string_equal(profile_for(200 * NS_PER_US, &why), "strict");
    assert_string_equal(profile_for(2 * NS_PER_MS, &why), "strict");
    assert_string_equal(profile_for(15 * NS_PER_MS, &why), "standard");
    assert_true(*why);
}

static void forget_environment(void) {
    static const char *const names[] = {"TRADECAST_DIR", "TRADECAST_RUN_DIR", "TRADECAST_REDIS",
                                        "TRADECAST_ARCHIVER_DATABASE", "TRADECAST_SHARDS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
}

static void the_option_goes_before_the_environment(void **state) {
    (void)state;
    struct place place;
    forget_environment();
    place_find(&place, NULL);
    assert_string_equal(place.redis, "unix:var/run/redis.sock");
    assert_string_equal(place.archive, "var/data/archive.db");
    assert_int_equal(place.shards, 1);
    setenv("TRADECAST_RUN_DIR", "/srv/tc/run", 1);
    setenv("TRADECAST_SHARDS", "3", 1);
    place_find(&place, NULL);
    assert_string_equal(place.dir, "/srv/tc");
    assert_string_equal(place.secrets, "/srv/tc/secrets");
    assert_int_equal(place.shards, 3);
    place_find(&place, "/other");
    assert_string_equal(place.run, "/other/run");
    assert_string_equal(place.redis, "unix:/other/run/redis.sock");
    forget_environment();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_setting_is_judged_by_the_profile),
        cmocka_unit_test(a_quick_disk_can_be_waited_for),
        cmocka_unit_test(the_option_goes_before_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
