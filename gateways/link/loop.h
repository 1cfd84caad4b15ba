// loop - wait, take what is there, handle, commit once, then report and answer: the spirit of the
// services' loop, without Redis.
// SPDX-License-Identifier: MIT
#pragma once

#include "gateways/link/gateway.h"

// Until it is asked to stop. 0: in order; 1: it could not start, and has logged why.
int loop_run(const struct gateway *gateway, const struct gateway_settings *settings);
