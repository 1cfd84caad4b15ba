// log - one line an event, key=value, to stderr. Levels say who must act; secrets are never passed
// in.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_DEBUG,   // developers
    LOG_LEVEL_INFO,    // nobody
    LOG_LEVEL_WARNING, // somebody, tomorrow
    LOG_LEVEL_ERROR,   // somebody, now
    LOG_LEVEL_NONE,    // as the least level: nothing is logged
};

bool log_is_wanted(enum log_level level); // lines of this level are written
void log_start(const char *service, enum log_level least);
enum log_level log_level_from(const char *name); // debug, info, warning, error; anything else: info

// log_event(LOG_LEVEL_INFO, "listening", "port=%u", port) writes
//   ts=2025-03-22T10:15:30.123456Z level=info service=ingest event=listening port=8080
// Values that may hold spaces or quotes are written with log_quote.
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// `text` in double quotes with control characters, quotes and backslashes escaped, cut at 300
// characters. The answer lives in one of eight rotating buffers: use it in the same expression.
const char *log_quote(const char *text);
