// relay - the process.
// SPDX-License-Identifier: MIT
#include "services/relay/relay.h"

int main(int argc, char **argv) { return service_main(&relay_service, argc, argv); }
