// redecide - the router's decisions of a recording without traces (of journals that were there already), made again in order of time: what
// was heard just before or just after a signal is not on record there.
// SPDX-License-Identifier: MIT
#pragma once

#include "replay/offline.h"

enum outcome redecide(const struct offline_options *options, struct offline_result *out); // batches: signals
