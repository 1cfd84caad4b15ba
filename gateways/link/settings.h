// settings - what every gateway is told before it starts.
// SPDX-License-Identifier: MIT
#pragma once

#include "gateways/link/gateway.h"

// The skeleton's options and the gateway's own, from TRADECAST_<KIND>_<NAME>, else TRADECAST_<NAME>, and
// what follows from them. `settings` is the gateway's struct. ERR_CONFIG: *wrong.
err_t settings_read(const struct gateway *gateway, void *settings, char wrong[static 256]);

typedef void settings_print_fn(const struct option *table, const char *kind, FILE *out);
void settings_print(const struct gateway *gateway, settings_print_fn *print); // to stdout
