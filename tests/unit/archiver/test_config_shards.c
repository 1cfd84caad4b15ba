// Which executor accounts are with follows from the configuration only for what is new.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka needs those before it
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/own.h"

#define BROKER  "\"brokers\":[{\"broker_id\":\"x\"}],"
#define A       "{\"account_id\":\"a\",\"broker_id\":\"x\"}"
#define B       "{\"account_id\":\"b\",\"broker_id\":\"x\"}"
#define A_AT(n) "{\"account_id\":\"a\",\"broker_id\":\"x\",\"shard\":" #n "}"
#define B_AT(n) "{\"account_id\":\"b\",\"broker_id\":\"x\",\"shard\":" #n "}"
#define GW(id, accounts, more)                                                                     \
    "{\"instance_id\":\"" id "\",\"broker_id\":\"x\",\"accounts\":[" accounts "]" more "}"
#define DOC(accounts, instances)                                                                   \
    "{" BROKER "\"accounts\":[" accounts "],\"instances\":[" instances "]}"

struct row {
    const char *what;
    unsigned executors;
    int recorded_a, recorded_b; // -1: not
    const char *held, *wanted;  // held NULL: nothing
    const char *complaint;      // NULL: none
};

static const struct row rows[] = {
    {"a new account begins where it says", 2, -1, -1, NULL, DOC(A_AT(1), GW("g", "\"a\"", "")),
     NULL},
    {"or its instance does", 2, -1, -1, NULL, DOC(A "," B, GW("g", "\"a\",\"b\"", ",\"shard\":1")),
     NULL},
    {"there are no more executors than there are", 2, -1, -1, NULL,
     DOC(A_AT(2), GW("g", "\"a\"", "")),
     "accounts[0].shard: must be less than 2, the number of executors"},
    {"an instance's neither", 2, -1, -1, NULL, DOC(A, GW("g", "\"a\"", ",\"shard\":2")),
     "instances[0].shard: must be less than 2"},
    {"a gateway has one executor", 2, -1, -1, NULL,
     DOC(A_AT(0) "," B_AT(1), GW("g", "\"a\",\"b\"", "")), "accounts[1].shard: is with executor 0"},
    {"with one executor nothing can contradict", 1, -1, -1, NULL,
     DOC(A_AT(0) "," B, GW("g", "\"a\",\"b\"", "")), NULL},
    {"it is not moved by saying so", 2, -1, -1, DOC(A_AT(0), GW("g", "\"a\"", "")),
     DOC(A_AT(1), GW("g", "\"a\"", "")), "is moved by: tradecast shards move a --to 1"},
    {"nor its instance", 2, -1, -1, DOC(A, GW("g", "\"a\"", ",\"shard\":0")),
     DOC(A, GW("g", "\"a\"", ",\"shard\":1")), "is moved by: tradecast shards move"},
    {"where it was moved to it may be said to be", 2, 1, -1, DOC(A_AT(0), GW("g", "\"a\"", "")),
     DOC(A_AT(1), GW("g", "\"a\"", "")), NULL},
    {"what was said before it was moved may stay", 2, 1, -1, DOC(A_AT(0), GW("g", "\"a\"", "")),
     DOC(A_AT(0) "," B, GW("g", "\"a\"", "")), NULL},
    {"another gateway of the same executor may take it", 2, 1, 1,
     DOC(A "," B, GW("g", "\"a\"", "") "," GW("h", "\"b\"", "")),
     "{\"replace\":true," BROKER "\"accounts\":[" A "," B
     "],\"instances\":[" GW("h", "\"a\",\"b\"", "") "]}",
     NULL},
    {"of another executor it may not", 2, 0, 1,
     DOC(A "," B, GW("g", "\"a\"", "") "," GW("h", "\"b\"", "")),
     "{\"replace\":true," BROKER "\"accounts\":[" A "," B
     "],\"instances\":[" GW("h", "\"b\",\"a\"", "") "]}",
     "instances[0].accounts[1]: a is with executor 0, and the others here with executor 1"},
    {"without a record its gateway takes it along, and that is refused", 2, -1, -1,
     DOC(A "," B, GW("g", "\"a\"", ",\"shard\":0") "," GW("h", "\"b\"", ",\"shard\":1")),
     "{\"replace\":true," BROKER "\"accounts\":[" A "," B
     "],\"instances\":[" GW("h", "\"a\",\"b\"", ",\"shard\":1") "]}",
     "accounts[0].shard: would be with executor 1 and is with executor 0"},
    {"a new account goes where its gateway's others were moved", 2, 1, -1,
     DOC(A, GW("g", "\"a\"", "")), DOC(A "," B, GW("g", "\"a\",\"b\"", "")), NULL},
    {"whoever only wants to try a document knows of no executors", 0, -1, -1, NULL,
     DOC(A_AT(31), GW("g", "\"a\"", "")), NULL},
};

static config_t *read_as(const struct row *r, const config_t *held, const shard_record_t *record,
                         const char *json, struct complaints *complaints) {
    return config_read(&(struct config_reading){held, {r->executors, record}, false}, span_of(json),
                       complaints);
}

static void accounts_are_moved_by_the_command_and_by_nothing_else(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct complaints complaints = {0};
        own(config) *nothing = config_new();
        own(shard_record) *record = shard_record_new();
        own(config) *held =
            r->held ? read_as(r, nothing, record, r->held, &complaints) : config_copy(nothing);
        if (!held) fail_msg("%s: held: %s", r->what, buffer_string(&complaints.text));
        if (r->recorded_a >= 0)
            shard_record_put(record, "a", (struct shard_entry){(unsigned)r->recorded_a, false});
        if (r->recorded_b >= 0)
            shard_record_put(record, "b", (struct shard_entry){(unsigned)r->recorded_b, false});
        own(config) *wanted = read_as(r, held, record, r->wanted, &complaints);
        const char *said = buffer_string(&complaints.text);
        if (!wanted != (r->complaint != NULL) || (r->complaint && !strstr(said, r->complaint)))
            fail_msg("%s: %s", r->what, said);
        buffer_destroy(&complaints.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_are_moved_by_the_command_and_by_nothing_else),
    };
    return cmocka_run_group_tests_name("config_shards", tests, NULL, NULL);
}
