// ingest - the process.
// SPDX-License-Identifier: MIT
#include "services/ingest/ingest.h"

int main(int argc, char **argv) { return service_main(&ingest_service, argc, argv); }
