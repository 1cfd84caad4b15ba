// recording - messages in a file, in the order in which they were heard.
// SPDX-License-Identifier: MIT
#include "replay/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/program/version.h"

#define CHUNK      65536
#define HEAD       0x83 // a map of three
#define RECORD     0x86
#define NAMES_MOST 200 // bytes of a topic or a type

struct recording {
    gzFile file;
    bool torn;
    msgpack_sbuffer packed;
    buffer_t ahead; // read and not yet taken
    size_t taken;
    msgpack_unpacked current;
    char topic[NAMES_MOST + 1], type[NAMES_MOST + 1];
};

static recording_t *recording_of(gzFile file) {
    recording_t *self = alloc_zeroed(1, sizeof *self);
    self->file = file;
    msgpack_sbuffer_init(&self->packed);
    msgpack_unpacked_init(&self->current);
    return self;
}

void recording_destroy(recording_t **self) {
    if (!*self) return;
    (void)gzclose((*self)->file);
    msgpack_sbuffer_destroy(&(*self)->packed);
    msgpack_unpacked_destroy(&(*self)->current);
    buffer_destroy(&(*self)->ahead);
    free(*self);
    *self = NULL;
}

// --- writing

static void pack_text(msgpack_packer *p, const char *text) {
    size_t n = strlen(text);
    msgpack_pack_str(p, n);
    msgpack_pack_str_body(p, text, n);
}

static void pack_named_number(msgpack_packer *p, const char *name, uint64_t n) {
    pack_text(p, name);
    msgpack_pack_uint64(p, n);
}

static void put_id(msgpack_packer *p, const char *name, struct entry_id id) {
    char text[ENTRY_ID_TEXT];
    entry_id_print(id, text);
    pack_text(p, name);
    pack_text(p, text);
}

static bool write_out(recording_t *self) {
    size_t n = self->packed.size;
    bool written = gzwrite(self->file, self->packed.data, (unsigned)n) == (int)n;
    msgpack_sbuffer_clear(&self->packed);
    return written;
}

recording_t *recording_create(const char *path, bool compressed, char why[static 200]) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    gzFile file = fd >= 0 ? gzdopen(fd, compressed ? "wb" : "wbT") : NULL;
    if (!file) {
        (void)snprintf(why, 200, "%.120s: %s", path, strerror(errno));
        if (fd >= 0) (void)close(fd);
        return NULL;
    }
    recording_t *self = recording_of(file);
    msgpack_packer p;
    msgpack_packer_init(&p, &self->packed, msgpack_sbuffer_write);
    msgpack_pack_map(&p, 3);
    pack_named_number(&p, "recording", 1);
    pack_text(&p, "by");
    pack_text(&p, "tradecast " TRADECAST_VERSION);
    pack_named_number(&p, "at", clock_utc_ns());
    // a recording from its first moment on
    if (write_out(self) && recording_flush(self)) return self;
    (void)snprintf(why, 200, "%.120s: cannot be written", path);
    recording_destroy(&self);
    return NULL;
}

bool recording_add(recording_t *self, const struct recorded *r) {
    msgpack_packer p;
    msgpack_packer_init(&p, &self->packed, msgpack_sbuffer_write);
    msgpack_pack_map(&p, 6);
    pack_named_number(&p, "at", r->at);
    pack_text(&p, "topic");
    pack_text(&p, r->topic);
    put_id(&p, "id", r->id);
    put_id(&p, "prev", r->prev);
    pack_text(&p, "type");
    pack_text(&p, r->type);
    pack_text(&p, "body");
    msgpack_pack_bin(&p, r->body.length);
    msgpack_pack_bin_body(&p, r->body.data, r->body.length);
    return write_out(self);
}

bool recording_flush(recording_t *self) { return gzflush(self->file, Z_SYNC_FLUSH) == Z_OK; }

// --- reading

// How long the value at `at` is, head included, as far as `room` goes: only what a record may hold.
// 0: more is needed; SIZE_MAX: not ours.
static size_t value_length(const uint8_t *at, size_t room) {
    static const struct {
        uint8_t tag, count; // bytes that hold the length
        bool number;        // or the number itself
    } forms[] = {{0xcc, 1, true},  {0xcd, 2, true},  {0xce, 4, true},  {0xcf, 8, true},
                 {0xd9, 1, false}, {0xda, 2, false}, {0xdb, 4, false}, {0xc4, 1, false},
                 {0xc5, 2, false}, {0xc6, 4, false}};
    if (!room) return 0;
    if (*at < 0x80) return 1;
    if ((*at & 0xe0) == 0xa0) return 1 + (size_t)(*at & 0x1f);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t length = 0, head = 1 + (size_t)forms[i].count;
        if (forms[i].tag != *at) continue;
        if (forms[i].number) return head;
        if (room < head) return 0;
        for (size_t b = 1; b < head; b++) length = length << 8 | at[b];
        return length > RECORDING_BODY_MAX ? SIZE_MAX : head + length;
    }
    return SIZE_MAX;
}

// Of the record at the beginning of what was read ahead: libmsgpack takes memory by declared
// lengths, so they are looked at first.
static size_t record_length(const uint8_t *at, size_t room) {
    if (!room) return 0;
    if (*at != HEAD && *at != RECORD) return SIZE_MAX;
    size_t used = 1;
    for (unsigned left = 2 * (*at & 0x0f); left; left--) {
        size_t n = value_length(at + used, room - used);
        if (n == 0 || n == SIZE_MAX) return n;
        used += n;
        if (used > room) return 0;
    }
    return used;
}

static bool read_more(recording_t *self) {
    if (self->taken)
        memmove(self->ahead.data, self->ahead.data + self->taken, self->ahead.length - self->taken);
    self->ahead.length -= self->taken;
    self->taken = 0;
    int n = gzread(self->file, buffer_reserve(&self->ahead, CHUNK), CHUNK);
    if (n > 0) self->ahead.length += (size_t)n;
    return n > 0;
}

static bool is_named(const msgpack_object_kv *kv, const char *name) {
    return kv->key.type == MSGPACK_OBJECT_STR && kv->key.via.str.size == strlen(name) &&
           memcmp(kv->key.via.str.ptr, name, strlen(name)) == 0;
}

static bool read_packed_text(const msgpack_object *o, char out[static NAMES_MOST + 1]) {
    if (o->type != MSGPACK_OBJECT_STR || o->via.str.size > NAMES_MOST) return false;
    memcpy(out, o->via.str.ptr, o->via.str.size);
    out[o->via.str.size] = 0;
    return true;
}

static bool take_id(const msgpack_object *o, struct entry_id *out) {
    return o->type == MSGPACK_OBJECT_STR &&
           entry_id_parse(o->via.str.ptr, o->via.str.size, out) == ERR_OK;
}

static bool take_value(recording_t *self, const msgpack_object_kv *kv, struct recorded *out) {
    if (is_named(kv, "at"))
        return out->at = kv->val.via.u64, kv->val.type == MSGPACK_OBJECT_POSITIVE_INTEGER;
    if (is_named(kv, "topic")) return read_packed_text(&kv->val, self->topic);
    if (is_named(kv, "type")) return read_packed_text(&kv->val, self->type);
    if (is_named(kv, "id")) return take_id(&kv->val, &out->id);
    if (is_named(kv, "prev")) return take_id(&kv->val, &out->prev);
    if (!is_named(kv, "body") || kv->val.type != MSGPACK_OBJECT_BIN) return false;
    out->body = (struct span){kv->val.via.bin.ptr, kv->val.via.bin.size};
    return true;
}

static bool take_record(recording_t *self, size_t length, struct recorded *out) {
    size_t used = 0;
    const char *at = (const char *)self->ahead.data + self->taken;
    self->torn = msgpack_unpack_next(&self->current, at, length, &used) != MSGPACK_UNPACK_SUCCESS;
    self->taken += length;
    if (self->torn) return false;
    const msgpack_object_map *map = &self->current.data.via.map;
    *out = (struct recorded){.topic = self->topic, .type = self->type};
    for (uint32_t i = 0; i < map->size; i++) {
        if (!take_value(self, &map->ptr[i], out)) return self->torn = true, false;
    }
    return true;
}

// How long the next record is; 0: the file ends before.
static size_t find_next_record(recording_t *self) {
    size_t length;
    do
        length = self->ahead.length > self->taken ? record_length(self->ahead.data + self->taken,
                                                                  self->ahead.length - self->taken)
                                                  : 0;
    while (!length && read_more(self));
    return length;
}

recording_t *recording_open(const char *path, char why[static 200]) {
    gzFile file = gzopen(path, "rb");
    if (!file) {
        (void)snprintf(why, 200, "%.120s: %s", path, strerror(errno));
        return NULL;
    }
    recording_t *self = recording_of(file);
    size_t length = find_next_record(self);
    if (length && length != SIZE_MAX && *self->ahead.data == HEAD) return self;
    (void)snprintf(why, 200, "%.120s is no recording (tradecast record writes them)", path);
    recording_destroy(&self);
    return NULL;
}

bool recording_next(recording_t *self, struct recorded *out) {
    while (!self->torn) {
        size_t length = find_next_record(self);
        if (!length && self->ahead.length == self->taken) return false;
        if (!length || length == SIZE_MAX)
            self->torn = true;
        else if (self->ahead.data[self->taken] == HEAD)
            self->taken += length; // files put end to end are a recording, too
        else
            return take_record(self, length, out);
    }
    return false;
}

bool recording_torn(const recording_t *self) { return self->torn; }
