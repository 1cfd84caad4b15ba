// readers - answers questions to the archive beside the loop.
// SPDX-License-Identifier: MIT
//
// One thread has the socket; it hands questions to the readers and sends their answers. A question
// is in `asked`, with a reader, or in `answered`.
#include "services/archiver/query/readers.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/bus/port.h"
#include "common/delivery/envelope.h"
#include "common/delivery/topology.h"
#include "common/sql/sql.h"
#include "services/archiver/query/query.h"
#include "system.pb-c.h"

#define QUESTIONS_MAX 64 // waiting at once
#define PEER_TEXT     64
#define WAIT_MS       1000

struct question {
    struct question *next;
    uint8_t peer[PEER_TEXT];
    size_t peer_length;
    ArchiveQuery *query;
    bool ok;
    buffer_t answer;
};

struct line { // first come, first served
    struct question *head, *tail;
};

struct reader {
    readers_t *of;
    sql_t *db;
    pthread_t thread;
    bool running;
};

struct readers {
    int64_t answer_ms;
    port_t *port; // of the front thread
    int wake;     // an eventfd: something was answered, or it is time to stop
    pthread_t front;
    bool running;
    struct reader readers[READERS_MAX];
    size_t n_readers;

    pthread_mutex_t lock; // of what follows
    pthread_cond_t asked_one;
    struct line asked, answered;
    unsigned waiting;
    bool stopping;
};

static void append_question(struct line *line, struct question *q) {
    q->next = NULL;
    *(line->tail ? &line->tail->next : &line->head) = q;
    line->tail = q;
}

static struct question *pop_question(struct line *line) {
    struct question *q = line->head;
    if (!q) return NULL;
    line->head = q->next;
    if (!line->head) line->tail = NULL;
    return q;
}

static void question_free(struct question *q) {
    if (!q) return;
    if (q->query) archive_query__free_unpacked(q->query, NULL);
    buffer_destroy(&q->answer);
    free(q);
}

static void wake_service(readers_t *self) {
    uint64_t one = 1;
    (void)!write(self->wake, &one, sizeof(one));
}

// A reader.

static struct question *next_question(readers_t *self) {
    pthread_mutex_lock(&self->lock);
    while (!self->asked.head && !self->stopping) pthread_cond_wait(&self->asked_one, &self->lock);
    struct question *q = self->stopping ? NULL : pop_question(&self->asked);
    pthread_mutex_unlock(&self->lock);
    return q;
}

static void give_back(readers_t *self, struct question *q) {
    pthread_mutex_lock(&self->lock);
    append_question(&self->answered, q);
    pthread_mutex_unlock(&self->lock);
    wake_service(self);
}

static void *read_archive(void *arg) {
    struct reader *r = arg;
    for (struct question *q; (q = next_question(r->of)) != NULL;) {
        sql_answer_within(r->db, r->of->answer_ms);
        q->ok = query_answer(r->db, q->query, &q->answer);
        give_back(r->of, q);
    }
    return NULL;
}

// The front.

static void send_query_answer(readers_t *self, struct question *q) {
    ControlAnswer answer = CONTROL_ANSWER__INIT;
    buffer_t frame = {0};
    answer.ok = q->ok;
    *(q->ok ? &answer.json : &answer.error) = (char *)(uintptr_t)buffer_string(&q->answer);
    envelope_write(&frame, "control", ENTRY_ID_NONE, ENTRY_ID_NONE, &answer.base);
    port_send_to(self->port, (struct span){q->peer, q->peer_length}, "control",
                 (struct span){frame.data, frame.length});
    buffer_destroy(&frame);
    question_free(q);
}

static void refuse_question(readers_t *self, struct question *q, const char *why) {
    q->ok = false;
    buffer_text(&q->answer, why);
    send_query_answer(self, q);
}

static void queue_question(readers_t *self, struct question *q) {
    pthread_mutex_lock(&self->lock);
    bool room = self->waiting < QUESTIONS_MAX;
    if (room) append_question(&self->asked, q), self->waiting++;
    pthread_cond_signal(&self->asked_one);
    pthread_mutex_unlock(&self->lock);
    if (!room) refuse_question(self, q, "too many questions at once; ask again in a moment");
}

static ArchiveQuery *query_of(const struct envelope *e) {
    ControlRequest *request = control_request__unpack(NULL, e->body.length, e->body.data);
    ArchiveQuery *query = NULL;
    if (request && strcmp(request->verb, "query") == 0 && request->has_body)
        query = archive_query__unpack(NULL, request->body.len, request->body.data);
    if (request) control_request__free_unpacked(request, NULL);
    return query;
}

static void take_questions(readers_t *self) {
    struct parcel p;
    struct envelope e;
    while (port_receive(self->port, &p)) {
        if (envelope_read("control", p.frame, &e) ||
            strcmp(e.type, control_request__descriptor.name) != 0 || p.peer.length > PEER_TEXT)
            continue;
        struct question *q = alloc_zeroed(1, sizeof(*q));
        memcpy(q->peer, p.peer.data, p.peer.length);
        q->peer_length = p.peer.length;
        q->query = query_of(&e);
        if (q->query)
            queue_question(self, q);
        else
            refuse_question(self, q,
                            "this is no question: the verb is query, the body an ArchiveQuery");
    }
}

static void send_answers(readers_t *self) {
    uint64_t count;
    (void)!read(self->wake, &count, sizeof(count));
    for (;;) {
        pthread_mutex_lock(&self->lock);
        struct question *q = pop_question(&self->answered);
        if (q) self->waiting--;
        pthread_mutex_unlock(&self->lock);
        if (!q) return;
        send_query_answer(self, q);
    }
}

static bool is_stopping(readers_t *self) {
    pthread_mutex_lock(&self->lock);
    bool stopping = self->stopping;
    pthread_mutex_unlock(&self->lock);
    return stopping;
}

static void *stand_at_the_front(void *arg) {
    readers_t *self = arg;
    while (!is_stopping(self)) {
        struct waiter waiters[] = {{.port = self->port}, {.fd = self->wake}};
        ports_wait(waiters, 2, WAIT_MS);
        take_questions(self);
        send_answers(self);
    }
    return NULL;
}

// Starting and stopping.

static bool open_reader(readers_t *self, const char *database, char why[static 200]) {
    struct reader *r = &self->readers[self->n_readers];
    r->of = self;
    r->db = sql_open(database, SQL_READ, why);
    if (!r->db) return false;
    self->n_readers++;
    r->running = pthread_create(&r->thread, NULL, read_archive, r) == 0;
    return r->running;
}

readers_t *readers_new(const struct readers_options *options, char why[static 200]) {
    readers_t *self = alloc_zeroed(1, sizeof(*self));
    self->answer_ms = options->answer_ms;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->asked_one, NULL);
    struct endpoint at = endpoint_of(options->run_dir, options->name, "query");
    self->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    self->port = transport_bind(options->transport, PORT_ROUTER, &at, 0);
    bool good = self->port && self->wake >= 0;
    if (!good)
        snprintf(why, 200, "%.100s: %.90s", at.address, self->port ? strerror(errno) : port_why());
    for (int64_t i = 0; good && i < options->threads && i < READERS_MAX; i++)
        good = open_reader(self, options->database, why);
    if (good)
        good = self->running = pthread_create(&self->front, NULL, stand_at_the_front, self) == 0;
    if (!good) readers_destroy(&self);
    return self;
}

void readers_destroy(readers_t **self) {
    readers_t *s = *self;
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->asked_one);
    pthread_mutex_unlock(&s->lock);
    if (s->wake >= 0) wake_service(s);
    if (s->running) pthread_join(s->front, NULL);
    for (size_t i = 0; i < s->n_readers; i++) {
        if (s->readers[i].running) pthread_join(s->readers[i].thread, NULL);
        sql_destroy(&s->readers[i].db);
    }
    for (struct question *q; (q = pop_question(&s->asked)) || (q = pop_question(&s->answered));)
        question_free(q);
    port_destroy(&s->port);
    if (s->wake >= 0) close(s->wake);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->asked_one);
    free(s);
    *self = NULL;
}
