// advisor - the process.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/base/own.h"
#include "services/advisor/advisor.h"
#include "services/advisor/decision/proposal_schema.h"

// For deploy/reference: what a decision may be.
static int print_decision_schema(void) {
    own(buffer) out = {0};
    proposal_schema_document(&out);
    return fwrite(out.data, 1, out.length, stdout) == out.length ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--decision-schema") == 0) return print_decision_schema();
    return service_main(&advisor_service, argc, argv);
}
