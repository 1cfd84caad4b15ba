// verbs - the operator's words: packages, and the decisions that wait for a person.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/service/service.h"

extern const struct control advisor_controls[];
