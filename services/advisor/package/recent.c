// recent - the packages given out lately.
// SPDX-License-Identifier: MIT
#include "services/advisor/package/recent.h"

#include <string.h>

void recent_add(struct recent_packages *self, struct package *package) {
    if (recent_find(self, package->id)) {
        package_destroy(package);
        return;
    }
    struct package *place = &self->packages[self->next];
    self->next = (self->next + 1) % RECENT_MOST;
    package_destroy(place);
    *place = *package;
}

const struct package *recent_find(const struct recent_packages *self, const char *package_id) {
    for (size_t i = 0; i < RECENT_MOST; i++) {
        const struct package *p = &self->packages[i];
        if (*p->id && strcmp(p->id, package_id) == 0) return p;
    }
    return NULL;
}

void recent_free(struct recent_packages *self) {
    for (size_t i = 0; i < RECENT_MOST; i++) package_destroy(&self->packages[i]);
}
