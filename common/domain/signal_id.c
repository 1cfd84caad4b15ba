// signal_id - what a source's own id is called in the whole system.
// SPDX-License-Identifier: MIT
#include "common/domain/signal_id.h"

#include <stdio.h>
#include <string.h>

#include "common/domain/reserved.h"

bool signal_id_is_reserved(const char *signal_id) {
    return reserved_word(RESERVED_SIGNAL, signal_id);
}

void signal_id_scoped(const char *source, const char *id, char out[static SIGNAL_ID_TEXT]) {
    size_t prefix = strlen(source);
    bool is_scoped = strncmp(id, source, prefix) == 0 && id[prefix] == ':';
    int length =
        snprintf(out, SIGNAL_ID_TEXT, "%s%s%s", is_scoped ? "" : source, is_scoped ? "" : ":", id);
    if (length < SIGNAL_ID_TEXT && !signal_id_is_reserved(out)) return;
    id_derive(out, NULL, 3, (const char *const[]){"sender", source, id});
}

bool signal_id_looks_made_here(const char *id) {
    bool uuid = strlen(id) == ID_TEXT - 1 && id[8] == '-' && id[13] == '-' && id[14] == '8' &&
                id[18] == '-' && id[23] == '-';
    return uuid || strchr(id, ':');
}
