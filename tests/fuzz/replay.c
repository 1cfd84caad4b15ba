// replay - runs a fuzz target over its corpus, as a unit test: tests/fuzz/corpus/<name of the program>.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *name;

static void try_file(const char *path) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t *data = malloc(1 << 20);
    size_t n = fread(data, 1, 1 << 20, f);
    fclose(f);
    data = realloc(data, n ? n : 1); // so that a step behind the end is seen
    (void)LLVMFuzzerTestOneInput(data, n);
    free(data);
}

static void the_corpus_is_read_without_harm(void **state) {
    (void)state;
    char path[600];
    unsigned n = 0;
    (void)snprintf(path, sizeof path, "tests/fuzz/corpus/%s", name);
    DIR *dir = opendir(path);
    if (!dir) fail_msg("%s: run from the top of the repository", path);
    for (struct dirent *e; (e = readdir(dir));) {
        if (*e->d_name == '.') continue;
        (void)snprintf(path, sizeof path, "tests/fuzz/corpus/%s/%s", name, e->d_name);
        try_file(path);
        n++;
    }
    closedir(dir);
    print_message("%s: %u inputs\n", name, n);
    assert_true(n > 0);
}

int main(int argc, char **argv) {
    (void)argc;
    const char *slash = strrchr(argv[0], '/');
    name = slash ? slash + 1 : argv[0];
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_corpus_is_read_without_harm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
