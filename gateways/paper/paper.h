// paper - a broker that exists only here: it takes orders, fills them from the price feed, and
// remembers everything in books of its own.
// SPDX-License-Identifier: MIT
#pragma once

#include "gateways/link/evidence.h"
#include "gateways/link/gateway.h"
#include "gateways/paper/orders/chance.h"
#include "gateways/paper/orders/faults.h"
#include "gateways/paper/orders/order.h"
#include "gateways/paper/settings.h"
#include "price.pb-c.h"

extern const struct gateway paper_gateway;

// The broker's memory. Handlers change it and mark what they touched; the commit writes exactly
// that.
typedef struct gateway_broker {
    gateway_context_t *context;
    const struct paper_settings *settings;
    struct ledger *ledger;
    struct market market;
    struct account *accounts; // hash
    struct order *orders;     // hash: live ones, and those touched in this batch
    struct order *timed;      // wait for a time; context->due is the earliest, or earlier
    struct order *touched_orders;
    struct account *touched_accounts;
    struct faults faults;
    port_t *prices; // the feed; NULL: not connected
} paper_t;

void paper_price(paper_t *self, const Price *price);

// --- between this part's files ---

// desk.c: the table of orders, and what is said about them
// in memory or in the books; NULL: never seen
struct order *paper_order(paper_t *self, const char *trade_id);
struct order *paper_live(paper_t *self, const char *trade_id); // in memory only
struct order *paper_order_add(paper_t *self, const char *trade_id);
// into its account's, the timed and the watched list
void paper_link_order(paper_t *self, struct order *o);
void paper_touch(paper_t *self, struct order *o, bool save); // save: to be written with this batch
void paper_touch_account(paper_t *self, struct account *a);
void paper_at(paper_t *self, struct order *o, uint64_t utc_ns); // its next piece is due then
void paper_report(paper_t *self, struct order *o, Report__Kind kind, const char *reason,
                  Fill *fill);
// refused: why, or NULL
void paper_report_change(paper_t *self, struct order *o, const char *refused, const ModifyOrder *m);
// into its history
void paper_remember(paper_t *self, struct order *o, const Fill *fill, bool closing);
struct evidence_names paper_names(const struct order *o); // in its row
struct chance paper_chance(const paper_t *self, const struct order *o);

// intake.c: orders as they come
void paper_submit(paper_t *self, const Submit *m);
void paper_accept(paper_t *self, struct order *o); // taken as a new order

// fill.c: executions
// Why an order cannot be filled now ("no_price", "no_money", "no_position"), or NULL.
const char *paper_hindrance(paper_t *self, const struct order *o);
// its next piece, and those due with it
void paper_fill(paper_t *self, struct order *o);
// a resting order's price is there
void paper_reached(paper_t *self, struct order *o);
// rejected, cancelled, expired: nothing more comes
void paper_end(paper_t *self, struct order *o, Report__Kind kind, const char *reason);
// by the broker
void paper_close_position(paper_t *self, struct order *o, decimal_t lots, decimal_t price,
                          const char *reason);
// what an execution opens
void paper_open(paper_t *self, struct order *o, decimal_t lots, decimal_t price);
// ask for LONG, bid for SHORT
bool paper_side_price(const struct symbol *s, int leg, decimal_t *out);

// timing.c: what waits for a price or a time
void paper_quoted(paper_t *self, struct quote *q); // its price has changed
void paper_time(paper_t *self);                    // what is due or expired

// change.c: what is asked of an order that is there
void paper_cancel(paper_t *self, const CancelOrder *m);
void paper_modify(paper_t *self, const ModifyOrder *m);

extern const struct gateway_verb paper_verbs[]; // control.c

// outside.c: verbs of the control door; what happens at the broker that no order of ours asked for.
// False: *answer says what is wrong
bool paper_orphan(paper_t *self, size_t n, char **args, buffer_t *answer);
bool paper_appear(paper_t *self, size_t n, char **args, buffer_t *answer);
bool paper_close_by_hand(paper_t *self, size_t n, char **args, buffer_t *answer);
bool paper_vanish(paper_t *self, size_t n, char **args, buffer_t *answer);

// status.c: answers
void paper_status(paper_t *self, const char *trade_id, const char *account_id);
void paper_snapshot(paper_t *self); // of every account served
