// executor - the process.
// SPDX-License-Identifier: MIT
#include "services/executor/executor.h"

int main(int argc, char **argv) { return service_main(&executor_service, argc, argv); }
