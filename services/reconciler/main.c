// reconciler - the process.
// SPDX-License-Identifier: MIT
#include "services/reconciler/reconciler.h"

int main(int argc, char **argv) { return service_main(&reconciler_service, argc, argv); }
