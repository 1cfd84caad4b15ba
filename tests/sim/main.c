// sim - runs the simulator: sim [--steps N] [--seed S] [--mix NAME] [--mutate name[,name]] [--round
// SEED]
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

static bool read_options(int argc, char **argv, struct sim_options *o) {
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!value) return false;
        if (strcmp(argv[i], "--steps") == 0)
            o->steps = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            o->seed = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--mutate") == 0)
            (void)setenv("TRADECAST_MUTATE", value, 1);
        else if (strcmp(argv[i], "--mix") == 0)
            o->mix = value;
        else if (strcmp(argv[i], "--round") == 0)
            o->seed = strtoull(value, NULL, 10), o->only = true;
        else
            return false;
    }
    return o->steps > 0 && mix_exists(o->mix);
}

static void print(const struct tally *t) {
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"rounds", t->rounds},     {"steps", t->steps},           {"signals", t->signals},
        {"executed", t->executed}, {"expired", t->expired},       {"held", t->held},
        {"excused", t->excused},   {"kills", t->kills},           {"replays", t->replays},
        {"asked", t->asked},       {"redone", t->redone},         {"trims", t->trimmed},
        {"holes", t->holes},       {"stopped", t->stopped},       {"refused", t->refused},
        {"forged", t->forged},     {"violations", t->violations},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        (void)printf("%s%s=%llu", i ? " " : "", rows[i].name, (unsigned long long)rows[i].value);
    (void)printf("\n");
}

int main(int argc, char **argv) {
    struct sim_options options = {.steps = 1000000, .seed = 1, .mix = "any", .verbose = true};
    struct tally tally;
    if (!read_options(argc, argv, &options)) {
        (void)fprintf(stderr, "usage: sim [--steps N] [--seed S] [--mix NAME] [--mutate "
                              "name[,name]] [--round SEED]\n");
        return 2;
    }
    uint64_t violations = sim_run(&options, &tally);
    print(&tally);
    return violations || tally.refused ? 1 : 0;
}
