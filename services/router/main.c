// router - the process.
// SPDX-License-Identifier: MIT
#include "services/router/router.h"

int main(int argc, char **argv) { return service_main(&router_service, argc, argv); }
