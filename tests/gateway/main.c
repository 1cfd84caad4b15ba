// gateway-filler - the smallest gateway, as a program.
// SPDX-License-Identifier: MIT
#include "tests/gateway/filler.h"

int main(int argc, char **argv) { return gateway_run(&filler_gateway, argc, argv); }
