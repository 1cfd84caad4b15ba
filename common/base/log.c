// log - one line an event to stderr, in one write, so that lines of several processes do not mix.
// SPDX-License-Identifier: MIT
#include "common/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/utf8.h"

#define LINE_MAX_BYTES 4096
#define QUOTE_MAX      300
#define QUOTES         8

static struct {
    char service[64];
    enum log_level least;
} state = {"tradecast", LOG_LEVEL_INFO};

static const char *const names[] = {"debug", "info", "warning", "error"};

void log_start(const char *service, enum log_level least) {
    (void)snprintf(state.service, sizeof state.service, "%s", service);
    state.least = least;
}

bool log_is_wanted(enum log_level level) { return level >= state.least; }

enum log_level log_level_from(const char *name) {
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (name && strcmp(name, names[i]) == 0) return (enum log_level)i;
    }
    return LOG_LEVEL_INFO;
}

static void write_all(const char *data, size_t length) {
    while (length) {
        ssize_t n = write(STDERR_FILENO, data, length);
        if (n <= 0) return; // nowhere to say that there is nowhere to say it
        data += n;
        length -= (size_t)n;
    }
}

// What snprintf has written of what it wanted, with `room` bytes there.
static size_t bytes_written(int n, size_t room) {
    return n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

void log_event(enum log_level level, const char *event, const char *format, ...) {
    if (!log_is_wanted(level)) return;
    char line[LINE_MAX_BYTES], ts[TIME_TEXT];
    (void)time_print(clock_utc_ns(), ts);
    size_t room = sizeof line - 1; // one for the end of line
    size_t n = bytes_written(snprintf(line, room, "ts=%s level=%s service=%s event=%s ", ts,
                                      names[level], state.service, event),
                             room);
    va_list args;
    va_start(args, format);
    n += bytes_written(vsnprintf(line + n, room - n, format, args), room - n);
    va_end(args);
    while (n && line[n - 1] == ' ') n--;
    for (size_t i = 0; i < n; i++) {
        // an event is one line, whatever was passed in
        if ((unsigned char)line[i] < 0x20) line[i] = ' ';
    }
    line[n++] = '\n';
    write_all(line, n);
}

static size_t quote_byte(char *out, unsigned char c, bool seen) {
    static const char hex[] = "0123456789abcdef";
    if (c == '"' || c == '\\') return out[0] = '\\', out[1] = (char)c, 2;
    if (c == '\n') return out[0] = '\\', out[1] = 'n', 2;
    if (c == '\t') return out[0] = '\\', out[1] = 't', 2;
    if (!seen) return out[0] = '\\', out[1] = 'x', out[2] = hex[c >> 4], out[3] = hex[c & 15], 4;
    return out[0] = (char)c, 1;
}

// The character at `text`, whole.
static size_t quote_character(char *out, const char *text, size_t length) {
    bool seen = length && utf8_is_visible(text, length);
    size_t n = 0;
    for (size_t i = 0; i < (length ? length : 1); i++)
        n += quote_byte(out + n, (unsigned char)text[i], seen);
    return n;
}

const char *log_quote(const char *text) {
    static char quotes[QUOTES][QUOTE_MAX * 4 + 24];
    static unsigned next;
    char *out = quotes[next++ % QUOTES];
    size_t n = 0, i = 0, left = text ? strlen(text) : 0;
    out[n++] = '"';
    for (size_t length; left && i < QUOTE_MAX;
         i += length ? length : 1, left -= length ? length : 1) {
        length = utf8_length(text + i, left);
        n += quote_character(out + n, text + i, length);
    }
    if (text && text[i]) n += (memcpy(out + n, "...", 3), 3);
    out[n++] = '"';
    out[n] = 0;
    return out;
}
