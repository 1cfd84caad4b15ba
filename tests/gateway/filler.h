// filler - a broker that fills every order whole and at once: the smallest gateway on the skeleton.
// SPDX-License-Identifier: MIT
#pragma once

#include "gateways/link/gateway.h"

extern const struct gateway filler_gateway;
