// door - the HTTP side: packages, decisions and MCP, for whoever has the token.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/advisor/advisor.h"

void advisor_door(const void *settings, struct http_options *out); // service.door
err_t advisor_serve(struct advisor *self, reactor_t *reactor);     // opens it, if a token is set
