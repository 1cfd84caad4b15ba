// What was said before accounts were moved between executors is heard before what is said after.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka needs those before it
#include <cmocka.h>
#include <stdlib.h>

#include "common/service/loop.h"

#define ID(n) ((struct entry_id){100, (n)})

// Of two executions topics, barriers at 10 and 20, and orders in between.
struct row {
    const char *what;
    uint64_t at_0, at_1; // positions
    unsigned slot;       // whose entry
    uint64_t id;
    bool barred, left; // the entry; and whether anything is left to wait for
};

static const struct row rows[] = {
    {"old news is always taken", 0, 0, 0, 10, false, true},
    {"news waits for the other's old news", 10, 19, 0, 11, true, true},
    {"the other's, too", 9, 20, 2, 21, true, true},
    {"not for its own", 5, 20, 0, 11, false, true},
    {"once all have come there it is over", 10, 20, 2, 21, false, false},
    {"another topic waits for nobody", 0, 0, 1, 99, false, true},
};

static void news_waits_for_old_news_of_the_same_topic(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct loop *l = calloc(1, sizeof *l);
        assert_non_null(l);
        l->inputs.n = 3;
        l->inputs.barred = true;
        l->inputs.slots[0] = (struct slot){.stream = {.topic = TOPIC_executions},
                                           .in = {.position = ID(r->at_0)},
                                           .barrier = ID(10)};
        l->inputs.slots[1] = (struct slot){
            .stream = {.topic = TOPIC_orders}, .in = {.position = ID(0)}, .barrier = ENTRY_ID_NONE};
        l->inputs.slots[2] = (struct slot){.stream = {.topic = TOPIC_executions},
                                           .in = {.position = ID(r->at_1)},
                                           .barrier = ID(20)};
        if (shards_barred(l, &l->inputs.slots[r->slot], ID(r->id)) != r->barred ||
            l->inputs.barred != r->left)
            fail_msg("%s", r->what);
        free(l);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(news_waits_for_old_news_of_the_same_topic),
    };
    return cmocka_run_group_tests_name("barrier", tests, NULL, NULL);
}
