// signal_id - what a source's own id is called in the whole system: no source can take, foresee or
// silence another's.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "common/base/id.h"

#define SIGNAL_ID_TEXT 65 // with its terminating zero

// A name that services need for keys of their own behind the prefix of a signal's
// ("signal:state:pending").
bool signal_id_is_reserved(const char *signal_id);

// "<source>:<id>": no name of a source has a colon, so two sources never meet, whoever sends first.
// Where that is longer than 64 characters or reserved, a UUID that source and id make. The same
// parts always give the same; an id that is scoped to this source already stays as it is, so a
// sender may use what it was answered.
void signal_id_scoped(const char *source, const char *id, char out[static SIGNAL_ID_TEXT]);

// Whether an id could be one that is made here (scoped, or derived): then it is never taken over as
// it was sent.
bool signal_id_looks_made_here(const char *id);
