// hash - the hash table of this tree: uthash, which ends the process when there is no memory left.
// What is found by a digest of its key, many thousand times a second, lies in common/table.h.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdlib.h>

#define uthash_fatal(why) abort()
#include <uthash.h>
