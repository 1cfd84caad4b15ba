// ask - a verb to a service's control socket, and its answer.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/place.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/bus/keys.h"
#include "common/bus/port.h"
#include "common/delivery/envelope.h"
#include "common/delivery/topology.h"
#include "system.pb-c.h"

#define WITHIN_MS 5000

// Whether somebody listens there: ZeroMQ would wait for somebody to come.
static bool is_listening(const char *endpoint) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strncmp(endpoint, "ipc://", 6) != 0) return true;
    snprintf(address.sun_path, sizeof address.sun_path, "%.*s", (int)sizeof address.sun_path - 1,
             endpoint + 6);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool there = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0) close(fd);
    return there;
}

static void send_request(port_t *port, const struct question *question) {
    ControlRequest request = CONTROL_REQUEST__INIT;
    request.verb = (char *)question->verb;
    request.args = (char **)question->args;
    request.n_args = question->n_args;
    request.has_body = question->body.data != NULL;
    request.body.data = (uint8_t *)question->body.data;
    request.body.len = question->body.length;
    own(buffer) frame = {0};
    envelope_write(&frame, "control", ENTRY_ID_NONE, ENTRY_ID_NONE, &request.base);
    port_send(port, "control", buffer_span(&frame));
}

static enum outcome read_answer(const struct parcel *parcel, const char *service, buffer_t *out) {
    struct envelope envelope;
    own(arena) *arena = arena_new(0);
    ProtobufCMessage *m =
        envelope_read("control", parcel->frame, &envelope) ? NULL : envelope_open(&envelope, arena);
    if (!m || m->descriptor != &control_answer__descriptor) {
        buffer_format(out, "%s answered something that this version does not understand", service);
        return NO_REACH;
    }
    const ControlAnswer *answer = (const ControlAnswer *)m;
    const char *text = answer->ok ? answer->json : answer->error;
    buffer_text(out, text ? text : "");
    return answer->ok ? DONE : ANSWER_NO;
}

static void add_refused(void *out, const struct refused *what) {
    buffer_format(out, " (%s: %s)", what->door, what->last);
}

static void say_one(void *arg, const struct refused *what) {
    (void)arg;
    (void)complain_of_call(NO_REACH, "%s: %s", what->door, what->last);
}

void say_refused(void) { (void)keys_refused(clock_mono_ns(), say_one, NULL); }

enum outcome ask_service(const struct place *place, const struct question *question,
                         buffer_t *out) {
    const char *door = question->door ? question->door : "control";
    struct endpoint at = question->cell ? endpoint_of_cell(question->cell, question->service, door)
                                        : endpoint_of(place->run, question->service, door);
    buffer_clear(out);
    if (!*at.address) {
        buffer_format(out, "nothing says where cell %s is (TRADECAST_CELL_<NAME>_HOST or _RUN_DIR)",
                      question->cell ? question->cell : "");
        return NO_REACH;
    }
    if (!is_listening(at.address)) {
        buffer_format(out, "%s does not listen at %s; is it running, and is --dir right?",
                      question->service, at.address);
        return NO_REACH;
    }
    own(port) *port = port_connect(PORT_DEALER, &at, 0);
    if (!port) {
        buffer_format(out, "cannot connect to %s: %s", at.address, port_why());
        return NO_REACH;
    }
    send_request(port, question);
    struct waiter waiter = {.port = port};
    struct parcel parcel;
    int64_t within_ms = question->within_ms ? question->within_ms : WITHIN_MS;
    if (ports_wait(&waiter, 1, within_ms) > 0 && port_receive(port, &parcel))
        return read_answer(&parcel, question->service, out);
    buffer_format(out, "%s did not answer within %lld ms; see its log", question->service,
                  (long long)within_ms);
    (void)keys_refused(clock_mono_ns(), add_refused, out);
    return NO_REACH;
}

enum outcome ask_and_say(const struct call *call, const struct question *question) {
    own(buffer) answer = {0};
    enum outcome outcome = ask_service(&call->place, question, &answer);
    if (outcome != DONE) return complain_of_call(outcome, "%s", buffer_string(&answer));
    buffer_text(&answer, "\n");
    print_out(&answer);
    return DONE;
}

enum outcome run_health(struct call *call) {
    return ask_and_say(call, &(struct question){.service = call->args[0], .verb = "ping"});
}
