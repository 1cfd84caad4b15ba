// version - which tradecast this is.
// SPDX-License-Identifier: MIT
#pragma once

#define TRADECAST_VERSION "0.1.0"
