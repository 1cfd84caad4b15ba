// change - what is asked of an order that is there: cancel it, move its stop loss and take profit.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "gateways/paper/paper.h"

// What of a known order this account may see. NULL: as if it were not there.
static struct order *own_order(paper_t *self, const char *trade_id, const char *account_id) {
    struct order *o = paper_order(self, trade_id);
    return o && !o->forgotten && !o->latent && !o->orphan && strcmp(o->account->id, account_id) == 0 ? o : NULL;
}

// There is no order to hang the refusal on: one that is never written down.
static void refuse_unknown(paper_t *self, const char *trade_id, const char *account_id) {
    struct order *o = order_new(trade_id);
    o->account = account_find(&self->accounts, account_id);
    paper_report(self, o, REPORT__KIND__cancel_rejected, "unknown_order", NULL);
    order_free(o);
}

void paper_cancel(paper_t *self, const CancelOrder *m) {
    struct order *o = own_order(self, m->trade_id, m->account_id);
    if (!o)
        refuse_unknown(self, m->trade_id, m->account_id);
    else if (!o->pieces_left)
        paper_report(self, o, REPORT__KIND__cancel_rejected, "not_open", NULL);
    else
        paper_end(self, o, REPORT__KIND__cancelled, "cancelled");
}

// A field that is not there stays as it is; 0 takes it away.
void paper_modify(paper_t *self, const ModifyOrder *m) {
    struct order *o = own_order(self, m->trade_id, m->account_id);
    if (!o) {
        refuse_unknown(self, m->trade_id, m->account_id);
    } else if (!order_is_live(o)) {
        paper_report(self, o, REPORT__KIND__cancel_rejected, "not_open", NULL);
    } else if (m->stop_loss < 0 || m->take_profit < 0) {
        paper_report(self, o, REPORT__KIND__cancel_rejected, "invalid_price", NULL);
    } else {
        if (m->has_stop_loss) o->stop_loss = D(m->stop_loss);
        if (m->has_take_profit) o->take_profit = D(m->take_profit);
        paper_touch(self, o, true);
        paper_link_order(self, o);
        paper_report(self, o, REPORT__KIND__modified, NULL, NULL);
    }
}
