// paper - a broker that exists only here: it takes orders, fills them from the price feed, and remembers everything in books of its own.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/arena.h"
#include "common/buffer.h"
#include "gateways/link/link.h"
#include "gateways/paper/chance.h"
#include "gateways/paper/faults.h"
#include "gateways/paper/order.h"
#include "gateways/paper/settings.h"
#include "price.pb-c.h"
#include "system.pb-c.h"

typedef struct books books_t;

struct told { // a report of this batch, in the arena
    struct told *next;
    uint64_t number;
    struct span report; // packed
};

struct answer { // to the executor, not numbered, after the commit
    struct answer *next;
    const ProtobufCMessage *message;
};

// The broker's memory. Handlers change it and mark what they touched; paper_commit writes exactly that in one transaction. If the disk
// refuses, nothing is forgotten: commit again later, and send nothing until it worked.
typedef struct paper {
    const struct paper_settings *settings;
    books_t *books;
    struct market market;
    struct account *accounts; // hash
    struct order *orders;     // hash: live ones, and those touched in this batch
    struct order *timed;      // wait for a time
    uint64_t next_time;       // UTC ns: the earliest of them, or earlier
    struct order *touched_orders;
    struct account *touched_accounts;
    struct faults faults;
    struct link_state link;
    bool broker_changed;
    uint64_t now;        // UTC ns, of the batch
    uint64_t started_at; // UTC ns: the session
    uint64_t snapshot_at, trimmed_at;
    uint64_t saved_at, saved_epoch; // as the books have it
    arena_t *arena;                 // until the commit
    struct told *told, **told_end;
    struct answer *answers, **answers_end;
    char **account_ids; // for the Hello
    size_t n_accounts;
    int64_t cut_ms; // the fault "disconnect": to be cut after the commit
} paper_t;

// Opens the books and loads what is live. NULL: *why.
paper_t *paper_new(const struct paper_settings *settings, uint64_t utc_ns, char why[static 200]);
void paper_destroy(paper_t **self);

void paper_begin(paper_t *self, uint64_t utc_ns); // after a commit that worked: empties reports and answers
void paper_take(paper_t *self, const ProtobufCMessage *m);
void paper_price(paper_t *self, const Price *price);
void paper_time(paper_t *self); // what is due or expired; snapshots
int64_t paper_wait_ms(const paper_t *self, int64_t most_ms);
bool paper_control(paper_t *self, const ControlRequest *request, buffer_t *answer);
err_t paper_commit(paper_t *self);

// --- between this part's files ---

// desk.c: the table of orders, and what is said about them
struct order *paper_order(paper_t *self, const char *trade_id); // in memory or in the books; NULL: never seen
struct order *paper_live(paper_t *self, const char *trade_id);  // in memory only
struct order *paper_order_add(paper_t *self, const char *trade_id);
void paper_link_order(paper_t *self, struct order *o);       // into its account's, the timed and the watched list
void paper_touch(paper_t *self, struct order *o, bool save); // save: to be written with this batch
void paper_touch_account(paper_t *self, struct account *a);
void paper_at(paper_t *self, struct order *o, uint64_t utc_ns); // its next piece is due then
void paper_report(paper_t *self, struct order *o, Report__Kind kind, const char *reason, Fill *fill);
void paper_report_change(paper_t *self, struct order *o, const char *refused, const ModifyOrder *m); // refused: why, or NULL
void paper_answer(paper_t *self, const ProtobufCMessage *m);
// Room for a nested message of that size at the end of a packed one; the field's number is below 16.
uint8_t *paper_add_field(buffer_t *packed, unsigned field, size_t size);
void paper_remember(paper_t *self, struct order *o, const Fill *fill, bool closing); // into its history
struct chance paper_chance(const paper_t *self, const struct order *o);

// intake.c: orders as they come
void paper_submit(paper_t *self, const Submit *m);
void paper_accept(paper_t *self, struct order *o); // taken as a new order

// fill.c: executions
// Why an order cannot be filled now ("no_price", "no_money", "no_position"), or NULL.
const char *paper_hindrance(paper_t *self, const struct order *o);
void paper_fill(paper_t *self, struct order *o);                                       // its next piece, and those due with it
void paper_reached(paper_t *self, struct order *o);                                    // a resting order's price is there
void paper_end(paper_t *self, struct order *o, Report__Kind kind, const char *reason); // rejected, cancelled, expired: nothing more comes
void paper_close_position(paper_t *self, struct order *o, decimal_t lots, decimal_t price, const char *reason); // by the broker
void paper_open(paper_t *self, struct order *o, decimal_t lots, decimal_t price);                               // what an execution opens
bool paper_side_price(const struct symbol *s, int leg, decimal_t *out); // ask for LONG, bid for SHORT

// timing.c: what waits for a price or a time
void paper_quoted(paper_t *self, struct quote *q); // its price has changed

// change.c: what is asked of an order that is there
void paper_cancel(paper_t *self, const CancelOrder *m);
void paper_modify(paper_t *self, const ModifyOrder *m);

// outside.c: verbs of the control door; what happens at the broker that no order of ours asked for. False: *answer says what is wrong
bool paper_orphan(paper_t *self, size_t n, char **args, buffer_t *answer);
bool paper_appear(paper_t *self, size_t n, char **args, buffer_t *answer);
bool paper_close_by_hand(paper_t *self, size_t n, char **args, buffer_t *answer);
bool paper_vanish(paper_t *self, size_t n, char **args, buffer_t *answer);

// status.c: answers
void paper_status(paper_t *self, const char *trade_id, const char *account_id);
void paper_snapshot(paper_t *self, struct account *a);
void paper_snapshots(paper_t *self); // of every account served
