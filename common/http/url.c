// url - what is asked of addresses of others.
// SPDX-License-Identifier: MIT
#include "common/http/url.h"

#include <string.h>

bool url_is_private(const char *url) {
    static const char *const here[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    if (strncmp(url, "https://", 8) == 0) return true;
    for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
        size_t length = strlen(here[i]);
        if (strncmp(url, here[i], length) == 0 &&
            (url[length] == 0 || url[length] == ':' || url[length] == '/'))
            return true;
    }
    return false;
}
