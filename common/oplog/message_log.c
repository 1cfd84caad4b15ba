// message_log - log lines of what happened to a signal.
// SPDX-License-Identifier: MIT
#include "common/oplog/message_log.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "execution.pb-c.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "signal.pb-c.h"

// What a line has: fields of the message, in this order; those that are not set are left out.
#define LINE_FIELDS 10
static const struct message_line {
    enum topic topic;
    const ProtobufCMessageDescriptor *type;
    const char *event;
    const char *within; // the message in it that must be there, for there to be a line; NULL: none
    const char *fields[LINE_FIELDS]; // "trade.symbol": of a message in it
} lines[MESSAGE_LOG_KINDS] = {
    {TOPIC_signals,
     &signal__descriptor,
     "accepted",
     NULL,
     {"signal_id", "source", "symbol", "direction", "order_type", "lot_size"}},
    {TOPIC_signals,
     &signal_rejection__descriptor,
     "refused",
     NULL,
     {"signal_id", "source", "field", "rejection_reason"}},
    {TOPIC_routings,
     &routing__descriptor,
     "routed",
     NULL,
     {"signal_id", "source", "orders", "commands", "reason", "refused"}},
    {TOPIC_executions,
     &execution__descriptor,
     "executed",
     "result",
     {"trade.signal_id", "trade.trade_id", "trade.account_id", "result.symbol", "result.direction",
      "result.state", "result.lot_size", "result.execution_price", "trade.reason"}},
    {TOPIC_outcomes,
     &outcome__descriptor,
     "completed",
     "signal",
     {"signal_id", "signal.status", "signal.execution_price", "signal.fill_percentage"}},
};

// --- a line

static const ProtobufCMessage *message_within(const ProtobufCMessage *m, struct span name) {
    const ProtobufCFieldDescriptor *f = record_field(m->descriptor, name);
    if (!f || f->type != PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_REPEATED)
        return NULL;
    return *(const ProtobufCMessage *const *)((const char *)m + f->offset);
}

// Text is quoted, since senders write it.
static void add_line_field(const ProtobufCMessage *m, const char *path, buffer_t *out) {
    own(buffer) value = {0};
    const char *dot = strchr(path, '.'), *name = dot ? dot + 1 : path;
    if (dot) m = message_within(m, (struct span){path, (size_t)(dot - path)});
    const ProtobufCFieldDescriptor *f = m ? record_field(m->descriptor, span_of(name)) : NULL;
    const ProtobufCMessage *owner = f ? record_owner(m, f) : NULL;
    if (!owner || !record_field_text(owner, f, &value)) return;
    const char *text = buffer_string(&value);
    buffer_format(out, "%s=%s ", name, f->type == PROTOBUF_C_TYPE_STRING ? log_quote(text) : text);
}

static void write_message_line(const struct message_line *line, const ProtobufCMessage *m) {
    own(buffer) text = {0};
    for (size_t i = 0; i < LINE_FIELDS && line->fields[i]; i++)
        add_line_field(m, line->fields[i], &text);
    log_event(LOG_LEVEL_INFO, line->event, "%s", buffer_string(&text));
}

// --- which

static const struct message_line *line_of(const struct outgoing *o) {
    for (size_t i = 0; o->outlet && i < MESSAGE_LOG_KINDS; i++) {
        if (lines[i].topic == o->outlet->topic && strcmp(lines[i].type->name, o->type) == 0)
            return &lines[i];
    }
    return NULL;
}

// There is room for a line now; if not, it is counted.
static bool has_room(struct message_log *self, struct message_log_kind *kind) {
    if (kind->lines < self->most || log_is_wanted(LOG_LEVEL_DEBUG)) return true;
    kind->left_out++;
    return false;
}

static void log_outgoing(struct message_log *self, batch_t *batch, const struct outgoing *o) {
    const struct message_line *line = line_of(o);
    if (!line || !has_room(self, &self->kinds[line - lines])) return;
    const ProtobufCMessage *m = batch_opened(batch, o);
    if (!m || (line->within && !message_within(m, span_of(line->within)))) return;
    self->kinds[line - lines].lines++;
    write_message_line(line, m);
}

void message_log_tick(struct message_log *self, uint64_t mono_ns) {
    if (mono_ns - self->second_at < NS_PER_S) return;
    self->second_at = mono_ns;
    for (size_t i = 0; i < MESSAGE_LOG_KINDS; i++) {
        if (self->kinds[i].left_out)
            log_event(LOG_LEVEL_INFO, "lines_left_out", "of=%s count=%llu most_per_s=%u",
                      lines[i].event, (unsigned long long)self->kinds[i].left_out, self->most);
        self->kinds[i] = (struct message_log_kind){0};
    }
}

void message_log_batch(struct message_log *self, batch_t *batch, uint64_t mono_ns) {
    const struct outgoing *out;
    if (!log_is_wanted(LOG_LEVEL_INFO)) return;
    message_log_tick(self, mono_ns);
    size_t n = batch_outgoing(batch, &out);
    for (size_t i = 0; i < n; i++) log_outgoing(self, batch, &out[i]);
}
