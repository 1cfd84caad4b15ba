// alert - raising an alert: logged, on record, published; the same one at most once a minute.
// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/base/log.h"
#include "common/batch/batch.h"
#include "common/batch/batch_commit.h"
#include "system.pb-c.h"

#define QUIET_NS (60 * NS_PER_S)

static bool was_raised_lately(struct lately *lately, const char *code, const char *subject,
                              uint64_t mono_ns) {
    char both[256];
    int n = snprintf(both, sizeof both, "%s %s", code, subject ? subject : "");
    uint64_t what = digest_u64(both, (size_t)(n < (int)sizeof both ? n : (int)sizeof both - 1));
    struct raised *last = &lately->alerts[what % ALERTS_REMEMBERED];
    if (last->what == what && mono_ns - last->mono_ns < QUIET_NS) return true;
    *last = (struct raised){what, mono_ns};
    return false;
}

static enum log_level log_level_of(int severity) {
    return severity == ALERT__SEVERITY__critical  ? LOG_LEVEL_ERROR
           : severity == ALERT__SEVERITY__warning ? LOG_LEVEL_WARNING
                                                  : LOG_LEVEL_INFO;
}

void batch_alert(batch_t *self, int severity, const char *code, const char *subject,
                 const char *format, ...) {
    if (was_raised_lately(batch_lately(self), code, subject, batch_mono(self))) return;
    char text[400], id[ID_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    id_new(batch_now(self), id);
    Alert alert = ALERT__INIT;
    alert.alert_id = id;
    alert.service = (char *)batch_service(self);
    alert.severity = (Alert__Severity)severity;
    alert.code = (char *)code;
    alert.text = text;
    alert.subject = (char *)subject;
    alert.created_at = batch_now(self);
    log_event(log_level_of(severity), "alert", "code=%s subject=%s text=%s", code,
              subject ? subject : "-", log_quote(text));
    batch_emit(self, TOPIC_incidents, 0, &alert.base);
}
