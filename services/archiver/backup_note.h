// backup_note - what `tradecast backup` leaves beside the archive: when the last one was made.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/batch/batch.h"

// UTC ns and the copy's path, from <archive>.backup. False: none is known of.
bool backup_note_read(const char *archive, uint64_t *at, char path[static 300]);

// What was last seen of it.
struct backup_note {
    uint64_t at;        // UTC ns; 0: none
    uint64_t looked_at; // monotonic ns
};
// Looks every few seconds; one that is new is recorded (system_event_log).
void backup_note_look(struct backup_note *self, const char *archive, batch_t *batch);
