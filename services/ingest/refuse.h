// refuse - a new signal that breaks a rule is recorded with what is wrong with it.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/post.h"

// Records a signal that has complaints, unless its source or Redis has no room for it; the answer
// names them all.
struct reply refuse_signal(struct post *p);
