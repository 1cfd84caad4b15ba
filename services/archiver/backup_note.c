// backup_note - what `tradecast backup` leaves beside the archive: when the last one was made.
// SPDX-License-Identifier: MIT
#include "services/archiver/backup_note.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/oplog/system_event.h"

#define LOOK_NS (5 * NS_PER_S)

bool backup_note_read(const char *archive, uint64_t *at, char path[static 300]) {
    char file[512], time[TIME_TEXT] = "";
    (void)snprintf(file, sizeof file, "%.400s.backup", archive);
    FILE *f = fopen(file, "re");
    if (!f) return false;
    bool read = fscanf(f, "%31s %299[^\n]", time, path) == 2 && !time_parse(time, strlen(time), at);
    (void)fclose(f);
    return read;
}

void backup_note_look(struct backup_note *self, const char *archive, batch_t *batch) {
    char path[300];
    uint64_t at, mono = batch_mono(batch);
    bool first = !self->looked_at;
    if (!first && mono - self->looked_at < LOOK_NS) return;
    self->looked_at = mono;
    if (!backup_note_read(archive, &at, path) || at == self->at) return;
    self->at = at;
    if (!first)
        batch_system_event(batch, (struct system_event_about){SYSTEM_EVENT_backup, path, NULL},
                           "a copy of the archive was made and checked");
}
