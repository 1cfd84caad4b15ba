// http_post - one HTTP request, by libcurl.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"

// Posts `body` to `url` (http or https, no redirects) within 10 s. The answer's status, its body in
// `answer`; 0: no answer, *why says why.
unsigned http_post(const char *url, struct span body, buffer_t *answer, char why[static 256]);
