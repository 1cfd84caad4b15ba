// archiver - the process.
// SPDX-License-Identifier: MIT
#include "services/archiver/archiver.h"

int main(int argc, char **argv) { return service_main(&archiver_service, argc, argv); }
