// control - what tests and operators ask of a paper broker: faults, prices, the ledger.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "common/domain/book.h"
#include "common/schema/record.h"
#include "gateways/paper/ledger/ledger.h"
#include "gateways/paper/ledger/money.h"
#include "gateways/paper/paper.h"

#define CUT_MS_DEFAULT 1000

static bool refuse_verb(buffer_t *answer, const char *sentence) {
    buffer_text(answer, sentence);
    return false;
}

static bool read_number(const char *text, decimal_t *out) {
    return decimal_parse(text, strlen(text), out) == ERR_OK && out->e8 >= 0;
}

// --- fault ---

static bool cut_link(paper_t *self, size_t n, char **args, buffer_t *answer) {
    decimal_t ms = DECIMAL_INT(CUT_MS_DEFAULT);
    if (n > 1 && !read_number(args[1], &ms))
        return refuse_verb(answer, "say: fault disconnect [ms]");
    self->context->cut_ms = ms.e8 / DECIMAL_SCALE + 1;
    buffer_text(answer, "{}");
    return true;
}

static bool forget_order(paper_t *self, size_t n, char **args, buffer_t *answer) {
    struct order *o = n == 2 ? paper_order(self, args[1]) : NULL;
    if (!o)
        return refuse_verb(answer, "say: fault forget trade_id (of an order that was sent here)");
    o->forgotten = true;
    paper_touch(self, o, true);
    buffer_text(answer, "{}");
    return true;
}

static bool set_fault(paper_t *self, size_t n, char **args, buffer_t *answer) {
    char why[160];
    if (n && strcmp(args[0], "disconnect") == 0) return cut_link(self, n, args, answer);
    if (n && strcmp(args[0], "forget") == 0) return forget_order(self, n, args, answer);
    if (!faults_set(&self->faults, n, args, why)) return refuse_verb(answer, why);
    faults_json(&self->faults, answer);
    return true;
}

static bool clear_faults(paper_t *self, size_t n, char **args, buffer_t *answer) {
    (void)n, (void)args;
    self->faults = (struct faults){0};
    faults_json(&self->faults, answer);
    return true;
}

// --- price ---

// By the broker's name or the signal's.
static struct quote *quote_named(paper_t *self, const char *name) {
    struct market *m = &self->market;
    bool of_broker = m->broker && book_symbol_of_broker(m->broker, name);
    struct symbol *s = of_broker ? market_symbol(m, name) : NULL;
    return s ? s->quote : market_quote(m, name);
}

static bool set_price(paper_t *self, size_t n, char **args, buffer_t *answer) {
    decimal_t bid, ask;
    bool right = n == 3 && read_number(args[1], &bid) && read_number(args[2], &ask);
    struct quote *q = right ? quote_named(self, args[0]) : NULL;
    if (!market_set(&self->market, q, right ? bid : D(0), right ? ask : D(0)))
        return refuse_verb(answer, "say: price symbol bid ask (bid not above ask)");
    paper_quoted(self, q);
    buffer_text(answer, "{}");
    return true;
}

// --- ledger ---

static void print_money(buffer_t *out, const char *name, decimal_t amount) {
    char text[DECIMAL_TEXT];
    (void)decimal_print(amount, text);
    buffer_format(out, ",\"%s\":\"%s\"", name, text);
}

static void print_account(const struct market *m, const struct account *a, buffer_t *out) {
    const struct money money = money_of(m, a);
    buffer_text(out, "{\"account_id\":");
    buffer_json_string(out, a->id, strlen(a->id));
    print_money(out, "balance", a->balance);
    print_money(out, "equity", money.equity);
    print_money(out, "margin", money.margin);
    print_money(out, "realised", a->realised);
    print_money(out, "commission", a->commission);
    print_money(out, "fees", a->fees);
    buffer_text(out, "}");
}

static bool print_order(paper_t *self, const char *trade_id, buffer_t *answer) {
    struct order *o = paper_order(self, trade_id);
    if (!o) return refuse_verb(answer, "never seen an order of this id");
    buffer_text(answer, "{\"trade_id\":");
    buffer_json_string(answer, o->trade_id, strlen(o->trade_id));
    buffer_format(
        answer,
        ",\"state\":\"%s\",\"submissions\":%u,\"acceptances\":%u,\"executions\":%u,\"fills\":%u",
        record_enum_name(&trade_state__state__descriptor, (int)o->state), o->submissions,
        o->acceptances, o->executions, o->fills);
    print_money(answer, "lots", o->lots);
    print_money(answer, "filled_lots", o->filled);
    print_money(answer, "average_price", o->average);
    print_money(answer, "open_lots", order_position(o));
    print_money(answer, "stop_loss", o->stop_loss);
    print_money(answer, "take_profit", o->take_profit);
    print_money(answer, "pnl", o->pnl);
    buffer_text(answer, "}");
    return true;
}

static bool print_ledger(paper_t *self, size_t n, char **args, buffer_t *answer) {
    if (n) return print_order(self, args[0], answer);
    buffer_text(answer, "{");
    ledger_totals(self, answer);
    buffer_format(answer, ",\"reports\":%llu,\"acknowledged\":%llu,\"faults\":",
                  (unsigned long long)self->context->link.head,
                  (unsigned long long)self->context->link.acked);
    faults_json(&self->faults, answer);
    buffer_text(answer, ",\"accounts\":[");
    for (const struct account *a = self->accounts; a; a = a->hh.next) {
        if (a != self->accounts) buffer_text(answer, ",");
        print_account(&self->market, a, answer);
    }
    buffer_text(answer, "]}");
    return true;
}

const struct gateway_verb paper_verbs[] = {
    {"fault", "fault NAME …", set_fault},
    {"clear", "clear: no faults any more", clear_faults},
    {"price", "price SYMBOL BID ASK", set_price},
    {"orphan", "orphan ACCOUNT SYMBOL buy|sell LOTS PRICE [order]", paper_orphan},
    {"appear", "appear ACCOUNT SYMBOL buy|sell LOTS", paper_appear},
    {"close_by_hand", "close_by_hand TRADE_ID [LOTS] [quiet]", paper_close_by_hand},
    {"vanish", "vanish TRADE_ID", paper_vanish},
    {"ledger", "ledger [TRADE_ID]", print_ledger},
    {0},
};
