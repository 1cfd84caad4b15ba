// words - what a decision says, for people.
// SPDX-License-Identifier: MIT
#include "cli/words.h"

#include <string.h>

#include "cli/text.h"
#include "common/base/decimal.h"

void decision_words(const Decision *d, buffer_t *out) {
    if (d->detail && *d->detail) {
        text_clean(out, d->detail, strlen(d->detail));
        return;
    }
    for (size_t i = 0; i < d->n_numbers; i++) {
        char number[DECIMAL_TEXT];
        (void)decimal_print(D(d->numbers[i]->value), number);
        buffer_text(out, i ? "; " : "");
        text_clean(out, d->numbers[i]->name, strlen(d->numbers[i]->name));
        buffer_format(out, " %s", number);
    }
}
