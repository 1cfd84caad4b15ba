// gateway-paper - a broker in its own process, with books of its own.
// SPDX-License-Identifier: MIT
//
// Read on in paper.c (what it is), intake.c (orders as they come), ledger.c (what is never
// forgotten).
#include "gateways/paper/paper.h"

int main(int argc, char **argv) { return gateway_run(&paper_gateway, argc, argv); }
