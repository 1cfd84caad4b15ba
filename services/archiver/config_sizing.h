// config_sizing - what a subscription may say of its sizes.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/archiver/config_document.h"

// `path`: of the subscription.
void config_check_sizing(const config_t *config, const Subscription *s, const char *path, struct complaints *to);
