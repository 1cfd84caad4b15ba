// host_names - by which names a door may be called, so that no web page reaches it under one of its
// own. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

// Whether a browser that was sent here by a page of somebody else would name itself otherwise: a
// name of the public net that leads here (DNS rebinding). Addresses, names without a dot and those
// in `names` (with commas between them) are ours; `host` as in the header, NULL: there is none.
bool http_host_is_ours(const char *host, const char *names);
// The same for an Origin header, which says what page asks; NULL: none does, which is good.
bool http_origin_is_ours(const char *origin, const char *names);
