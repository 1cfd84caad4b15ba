// url - what is asked of addresses of others. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

// Whether a secret may travel to this URL: it is https, or on this host.
bool url_is_private(const char *url);
