// outside - what happens at the broker that no order of ours asked for: positions and orders that
// appear, are closed by hand, or are gone.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "gateways/paper/ledger/money.h"
#include "gateways/paper/ledger/netting.h"
#include "gateways/paper/paper.h"

static bool refuse(buffer_t *answer, const char *sentence) {
    buffer_text(answer, sentence);
    return false;
}

static bool read_positive(const char *text, decimal_t *out) {
    return decimal_parse(text, strlen(text), out) == ERR_OK && out->e8 > 0;
}

// --- nobody's ---

struct stranger { // as it was said: ACCOUNT SYMBOL buy|sell LOTS
    struct account *account;
    struct symbol *symbol;
    Signal__Direction side;
    decimal_t lots;
};

static bool read_stranger(paper_t *self, char **args, struct stranger *s) {
    HASH_FIND_STR(self->accounts, args[0], s->account);
    bool buys = strcmp(args[2], "buy") == 0;
    if (!s->account || strlen(args[1]) >= 64 || (!buys && strcmp(args[2], "sell") != 0))
        return false;
    s->symbol = market_symbol(&self->market, args[1]);
    s->side = buys ? SIGNAL__DIRECTION__buy : SIGNAL__DIRECTION__sell;
    return read_positive(args[3], &s->lots);
}

static struct order *add_stranger(paper_t *self, const struct stranger *s, decimal_t price) {
    char id[48];
    (void)snprintf(id, sizeof id, "orphan-%llu-%u", (unsigned long long)self->context->now,
                   HASH_COUNT(self->orders));
    struct order *o = paper_order_add(self, id);
    o->orphan = true;
    o->account = s->account;
    o->symbol = s->symbol;
    o->side = s->side;
    o->type = SIGNAL__ORDER_TYPE__market;
    o->lots = s->lots;
    o->received_at = self->context->now;
    o->price = o->average = price;
    return o;
}

static bool name_stranger(paper_t *self, struct order *o, buffer_t *answer) {
    paper_touch_account(self, o->account);
    paper_link_order(self, o);
    buffer_format(answer, "{\"broker_order_id\":\"%016llx\"}", (unsigned long long)o->ticket);
    return true;
}

static bool add_position(paper_t *self, const struct stranger *s, decimal_t price,
                         buffer_t *answer) {
    const struct order *net = s->account->netting ? account_net(s->account, s->symbol) : NULL;
    if (net && net->side != s->side)
        return refuse(answer, "the account nets, and its position is on the other side");
    struct order *o = add_stranger(self, s, price);
    o->state = TRADE_STATE__STATE__filled;
    paper_open(self, o, s->lots, price);
    o->filled = s->lots;
    return name_stranger(self, o, answer);
}

bool paper_orphan(paper_t *self, size_t n, char **args, buffer_t *answer) {
    struct stranger s;
    decimal_t price;
    bool right = (n == 5 || (n == 6 && strcmp(args[5], "order") == 0)) &&
                 read_stranger(self, args, &s) && read_positive(args[4], &price);
    if (!right)
        return refuse(answer, "say: orphan account symbol buy|sell lots price [order] (an account "
                              "that is served here)");
    if (n == 5) return add_position(self, &s, price, answer);
    struct order *o = add_stranger(self, &s, price);
    o->type = SIGNAL__ORDER_TYPE__limit;
    o->state = TRADE_STATE__STATE__working;
    o->pieces_left = 1;
    return name_stranger(self, o, answer);
}

bool paper_appear(paper_t *self, size_t n, char **args, buffer_t *answer) {
    struct stranger s;
    decimal_t price;
    if (n != 4 || !read_stranger(self, args, &s))
        return refuse(answer,
                      "say: appear account symbol buy|sell lots (an account that is served here)");
    if (!paper_side_price(s.symbol, s.side == SIGNAL__DIRECTION__buy ? LONG : SHORT, &price))
        return refuse(answer, "the symbol has no price");
    return add_position(self, &s, price, answer);
}

// --- ours ---

// What of a position the words ask for: all of it, or so many lots.
static bool read_lots(const struct order *o, const char *text, decimal_t *lots) {
    *lots = order_position(o);
    return !text || (read_positive(text, lots) && lots->e8 <= order_position(o).e8);
}

// At the market; without a price from the feed at what it was opened at.
static decimal_t closing_price(const struct order *o) {
    const struct order *position = o->account->netting ? account_net(o->account, o->symbol) : o;
    decimal_t price;
    return paper_side_price(o->symbol, order_leg(o) == LONG ? SHORT : LONG, &price)
               ? price
               : position->average;
}

// Quiet: the broker does not report it. Its history has it.
bool paper_close_by_hand(paper_t *self, size_t n, char **args, buffer_t *answer) {
    bool quiet = n > 1 && strcmp(args[n - 1], "quiet") == 0;
    size_t words = n - quiet;
    struct order *o = words == 1 || words == 2 ? paper_order(self, args[0]) : NULL;
    decimal_t lots;
    if (!o || !order_position(o).e8 || !read_lots(o, words == 2 ? args[1] : NULL, &lots))
        return refuse(answer, "say: close_by_hand trade_id [lots] [quiet] (what has a position "
                              "here; not more than that)");
    decimal_t price = closing_price(o);
    const char *lacks = money_lacks(&self->market, o->account, o->symbol, price, true);
    if (lacks) return refuse(answer, lacks);
    bool silent = o->silent;
    o->silent = silent || quiet;
    paper_close_position(self, o, lots, price, "closed_by_hand");
    o->silent = silent;
    buffer_text(answer, "{}");
    return true;
}

// Without a trace: neither its history nor the account's money knows of it.
static void lose_position(paper_t *self, struct order *o) {
    struct order *position = o->account->netting ? account_net(o->account, o->symbol) : o;
    decimal_t lots = order_position(o);
    if (!lots.e8) return;
    account_expose(o->account, o->symbol, order_leg(o), position->average, decimal_neg(lots));
    position->open.e8 -= lots.e8;
    if (o->account->netting) netting_attribute(o, decimal_neg(lots));
    if (o->account->netting && !position->open.e8) account_carry(o->account, o->symbol, NULL);
    paper_touch(self, position, true);
    paper_link_order(self, position);
}

bool paper_vanish(paper_t *self, size_t n, char **args, buffer_t *answer) {
    struct order *o = n == 1 ? paper_order(self, args[0]) : NULL;
    if (!o || !order_is_live(o))
        return refuse(answer,
                      "say: vanish trade_id (of an order that works here, or has a position)");
    lose_position(self, o);
    o->pieces_left = 0;
    o->due_at = 0;
    o->latent = false;
    o->unheard = true;
    o->state = TRADE_STATE__STATE__closed;
    paper_touch(self, o, true);
    paper_link_order(self, o);
    buffer_text(answer, "{}");
    return true;
}
