// archiver - the process.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/base/own.h"
#include "services/archiver/archiver.h"
#include "services/archiver/config/rules/schema.h"

// For deploy/reference: what a configuration may be.
static int print_schema(void) {
    own(buffer) out = {0};
    config_schema(&out);
    return fwrite(out.data, 1, out.length, stdout) == out.length ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--config-schema") == 0) return print_schema();
    return service_main(&archiver_service, argc, argv);
}
