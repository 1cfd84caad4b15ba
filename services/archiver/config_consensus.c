// config_consensus - what a consensus must be as a whole.
// SPDX-License-Identifier: MIT
#include "services/archiver/config_consensus.h"

#include <stdio.h>
#include <string.h>

#define PARTS_MAX 32 // as many as the door counts

static void check_part(const config_t *config, const SignalConfig *row, size_t index, const char *path, struct complaints *to) {
    const Consensus *rule = row->consensus;
    const char *source = rule->parts[index]->source;
    const struct config_row *other = config_find(config, CONFIG_CHANGE__KIND__signal_config, source);
    if (!other)
        complain_of(to, path, "%.64s is not a source", source);
    else if (((const SignalConfig *)other->m)->consensus) // itself, too
        complain_of(to, path, "%.64s is a consensus itself; parts are sources that send", source);
    for (size_t i = 0; i < index; i++) {
        if (strcmp(rule->parts[i]->source, source) == 0) complain_of(to, path, "%.64s is given twice, first by parts[%zu]", source, i);
    }
}

void config_check_consensus(const config_t *config, const SignalConfig *row, const char *path, struct complaints *to) {
    const Consensus *rule = row->consensus;
    char part[160];
    int64_t weight = 0;
    for (size_t i = 0; i < rule->n_parts; i++) {
        snprintf(part, sizeof(part), "%s.consensus.parts[%zu].source", path, i);
        check_part(config, row, i, part, to);
        if (rule->parts[i]->weight > 0) weight = 1;
    }
    snprintf(part, sizeof(part), "%s.consensus.parts", path);
    if (rule->n_parts == 0 || rule->n_parts > PARTS_MAX)
        complain_of(to, part, "must be 1 to %d sources, not %zu", PARTS_MAX, rule->n_parts);
    else if (!weight)
        complain_of(to, part, "must have weight: all of them have none");
}
