// config_consensus - what a consensus must be as a whole.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/rules/rows.h"

#include <stdio.h>
#include <string.h>

#define PARTS_MAX 32 // as many as the door counts

static void check_part(const struct config_check *c, const Consensus *rule, size_t index) {
    const char *source = rule->parts[index]->source;
    const struct config_row *other =
        config_find(c->config, CONFIG_CHANGE__KIND__signal_config, source);
    char part[64];
    (void)snprintf(part, sizeof part, "consensus.parts[%zu].source", index);
    if (!other)
        config_wrong(c, part, "%.64s is not a source", source);
    else if (((const SignalConfig *)other->m)->consensus) // itself, too
        config_wrong(c, part, "%.64s is a consensus itself; parts are sources that send", source);
    for (size_t i = 0; i < index; i++) {
        if (strcmp(rule->parts[i]->source, source) == 0)
            config_wrong(c, part, "%.64s is given twice, first by parts[%zu]", source, i);
    }
}

void config_check_consensus(const struct config_check *c, const SignalConfig *row) {
    const Consensus *rule = row->consensus;
    bool has_weight = false;
    for (size_t i = 0; i < rule->n_parts; i++) {
        check_part(c, rule, i);
        has_weight |= rule->parts[i]->weight > 0;
    }
    if (rule->n_parts == 0 || rule->n_parts > PARTS_MAX)
        config_wrong(c, "consensus.parts", "must be 1 to %d sources, not %zu", PARTS_MAX,
                     rule->n_parts);
    else if (!has_weight)
        config_wrong(c, "consensus.parts", "must have weight: all of them have none");
}
