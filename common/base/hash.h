// hash - the hash table of this tree: uthash, which ends the process when there is no memory left.
// What there may be a million of lies in common/base/table.h.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdlib.h>

#define uthash_fatal(why) abort()
#include <uthash.h>
