// test_id - identities: the same parts give the same id, and only the same parts.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/id.h"

#define NS UINT64_C(1742638530123456000)

static void derive(char out[static ID_TEXT], const char *parent, const char *a, const char *b) {
    id_derive(out, parent, 2, (const char *const[]){a, b});
}

static void assert_uuid(const char *id, char version) {
    assert_int_equal(strlen(id), 36);
    assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
    assert_true(id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-');
    assert_int_equal(id[14], version);
    assert_non_null(strchr("89ab", id[19]));
}

static void a_new_id_is_a_version_7_uuid_of_its_time(void **state) {
    (void)state;
    char a[ID_TEXT], b[ID_TEXT], later[ID_TEXT];
    id_new(NS, a);
    id_new(NS, b);
    id_new(NS + 1000000, later);
    assert_uuid(a, '7');
    assert_memory_equal(a, "0195bd59-be4b", 13); // 1742638530123 ms
    assert_string_not_equal(a, b);
    assert_true(strcmp(a, later) < 0 && strcmp(b, later) < 0);
}

static void the_same_parts_give_the_same_id(void **state) {
    (void)state;
    char parent[ID_TEXT], a[ID_TEXT], b[ID_TEXT], c[ID_TEXT];
    id_new(NS, parent);
    derive(a, parent, "trade", "account-1");
    derive(b, parent, "trade", "account-1");
    derive(c, parent, "trade", "account-2");
    assert_uuid(a, '8');
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
}

static void parts_do_not_run_into_each_other(void **state) {
    (void)state;
    char a[ID_TEXT], b[ID_TEXT], c[ID_TEXT];
    derive(a, NULL, "ab", "c");
    derive(b, NULL, "a", "bc");
    derive(c, NULL, "abc", "");
    assert_string_not_equal(a, b);
    assert_string_not_equal(a, c);
    assert_string_not_equal(b, c);
}

static void a_derived_id_sorts_beside_its_parent(void **state) {
    (void)state;
    char parent[ID_TEXT], child[ID_TEXT], grandchild[ID_TEXT];
    id_new(NS, parent);
    derive(child, parent, "x", "y");
    derive(grandchild, child, "x", "y");
    assert_memory_equal(child, parent, 13);
    assert_memory_equal(grandchild, parent, 13);
}

// Ids of an earlier version must come out the same, however long the parts are.
static void ids_do_not_change_from_version_to_version(void **state) {
    (void)state;
    char id[ID_TEXT], x[301] = "", y[301] = "", z[1001] = "";
    memset(x, 'x', 300), memset(y, 'y', 300), memset(z, 'z', 1000);
    derive(id, NULL, "x", "y");
    assert_string_equal(id, "788c80f3-616c-8e49-be8b-8575406e37b2");
    derive(id, NULL, x, y);
    assert_string_equal(id, "65410feb-2940-85ab-b7a2-a2b37ca389f8");
    derive(id, NULL, z, "y");
    assert_string_equal(id, "31925eb7-30b5-8c32-aced-d9d3ef658498");
}

static void any_text_may_be_a_parent(void **state) {
    (void)state;
    static const char *const parents[] = {NULL,
                                          "",
                                          "my-signal-1",
                                          "0195bd48-43cb-4abc-8000-000000000000",
                                          "0195bd48-43cb-7abc-8000-00000000000g",
                                          "0195bd48-43cb-7abc-8000x000000000000"};
    char first[ID_TEXT], other[ID_TEXT];
    derive(first, NULL, "x", "y");
    assert_uuid(first, '8');
    for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
        derive(other, parents[i], "x", "y");
        assert_string_equal(first, other);
    }
}

static void an_id_at_a_time_carries_that_time(void **state) {
    (void)state;
    char id[ID_TEXT];
    id_derive_at(id, 1742638530123, 1, (const char *const[]){"x"});
    assert_uuid(id, '8');
    assert_memory_equal(id, "0195bd59-be4b", 13);
}

static void digests_are_blake2b(void **state) {
    (void)state;
    // b2sum -l 128 and -l 256 of "abc"
    static const uint8_t abc[16] = {0xcf, 0x4a, 0xb7, 0x91, 0xc6, 0x2b, 0x8d, 0x2b,
                                    0x21, 0x09, 0xc9, 0x02, 0x75, 0x28, 0x78, 0x16};
    struct digest d = digest_text("abc");
    assert_memory_equal(d.bytes, abc, 16);
    assert_int_equal(digest_u64("abc", 3), 0xcf4ab791c62b8d2bu);
    char text[65];
    token_hash("abc", 3, text);
    assert_string_equal(text, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_id_is_a_version_7_uuid_of_its_time),
        cmocka_unit_test(the_same_parts_give_the_same_id),
        cmocka_unit_test(parts_do_not_run_into_each_other),
        cmocka_unit_test(a_derived_id_sorts_beside_its_parent),
        cmocka_unit_test(ids_do_not_change_from_version_to_version),
        cmocka_unit_test(any_text_may_be_a_parent),
        cmocka_unit_test(an_id_at_a_time_carries_that_time),
        cmocka_unit_test(digests_are_blake2b),
    };
    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
