// test_config_kinds - each kind of configuration is whole, wherever kinds are listed.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <string.h>

#include "common/schema/record.h"
#include "proto/config_kinds.h"
#include "proto/tables.h"

static const struct table_form *table_named(const char *name) {
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (strcmp(table_forms[i].name, name) == 0) return &table_forms[i];
    }
    fail_msg("there is no table %s", name);
    return NULL;
}

static void every_kind_of_change_is_listed(void **state) {
    (void)state;
    const ProtobufCEnumDescriptor *all = &config_change__kind__descriptor;
    assert_int_equal(all->n_values, CONFIG_KIND_COUNT);
    for (unsigned i = 0; i < all->n_values; i++) {
        const struct config_kind *k = config_kind_of((config_kind_t)all->values[i].value);
        if (!k) fail_msg("%s is no kind", all->values[i].name);
        assert_string_equal(k->table, all->values[i].name);
    }
    assert_null(config_kind_of((config_kind_t)1000));
}

static void every_kind_has_its_table_its_id_and_its_version(void **state) {
    (void)state;
    static const char *const ids[CONFIG_KIND_COUNT] = {
#define ID(table, row, section, id, ...) #id,
        CONFIG_KINDS(ID)};
    for (size_t i = 0; i < CONFIG_KIND_COUNT; i++) {
        const struct config_kind *k = &config_kinds[i];
        const struct table_form *table = table_named(k->table);
        assert_ptr_equal(table->type, k->type);
        assert_string_equal(table->key, ids[i]);
        assert_string_equal(k->type->fields[0].name, ids[i]);
        assert_non_null(record_field(k->type, span_of("version")));
    }
}

static void a_change_has_the_row_of_its_kind(void **state) {
    (void)state;
    for (size_t i = 0; i < CONFIG_KIND_COUNT; i++) {
        ConfigChange change = CONFIG_CHANGE__INIT;
        ProtobufCMessage row = {.descriptor = config_kinds[i].type};
        change.kind = config_kinds[i].kind;
        assert_null(config_change_row(&change));
        *(ProtobufCMessage **)((char *)&change + config_kinds[i].row) = &row;
        assert_ptr_equal(config_change_row(&change), &row);
        for (size_t k = 0; k < CONFIG_KIND_COUNT; k++) {
            change.kind = config_kinds[k].kind;
            assert_int_equal(config_change_row(&change) != NULL, k == i);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_change_is_listed),
        cmocka_unit_test(every_kind_has_its_table_its_id_and_its_version),
        cmocka_unit_test(a_change_has_the_row_of_its_kind),
    };
    return cmocka_run_group_tests_name("config_kinds", tests, NULL, NULL);
}
