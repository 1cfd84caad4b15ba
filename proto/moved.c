// moved - the numbers that fields had while each message spelled its terms and amendments itself.
// SPDX-License-Identifier: MIT
#include "proto/moved.h"

#include <string.h>

#include "execution.pb-c.h"
#include "gateway.pb-c.h"
#include "order.pb-c.h"

struct moved {
    const ProtobufCMessageDescriptor *type;
    uint32_t number;
    const char *name;
};

// clang-format off
// The columns are messages, the numbers what the field had there; 0: it was not there.
#define TERMS(X) /* Order, TradeState, Submit */ \
    X(order_type,          7,  7,  5) \
    X(lot_size,            9, 10,  0) /* Submit.lots is where it was */ \
    X(price,              10, 11,  8) \
    X(requested_price,    11, 12,  9) /* Submit.expected_price */ \
    X(stop_loss,          12, 13, 10) \
    X(take_profit,        13, 14, 11) \
    X(expiration_time,    14, 15, 12) \
    X(limit_price,        20, 50, 20) \
    X(close_side,         21, 52,  0) \
    X(close_percent,      22, 51,  0) \
    X(close_trade_id,     23, 66,  0) \
    X(trail_distance,     24, 53,  0) \
    X(trail_trigger,      25, 54,  0) \
    X(trail_step,         26, 55,  0) \
    X(break_even_trigger, 27, 56,  0) \
    X(break_even_offset,  28, 57,  0)
#define AMENDMENT(X) /* OrderCommand, ModifyOrder */ \
    X(stop_loss,           5,  4) \
    X(take_profit,         6,  5) \
    X(price,              10, 20) \
    X(limit_price,        11, 21) \
    X(trail_distance,     17,  0) \
    X(trail_trigger,      18,  0) \
    X(trail_step,         19,  0) \
    X(break_even_trigger, 20,  0) \
    X(break_even_offset,  21,  0) \
    X(action,              3,  0) /* required: see moved.h */ \
    X(account_id,          0,  3) /* likewise */
#define WANTED(X) /* TradeState */ \
    X(stop_loss_wanted,   46) \
    X(take_profit_wanted, 47) \
    X(price_wanted,       60) \
    X(limit_price_wanted, 61)
// clang-format on

#define OF_TERMS(name, in_order, in_trade, in_submit)                                              \
    {&order__descriptor, in_order, #name}, {&trade_state__descriptor, in_trade, #name},            \
        {&submit__descriptor, in_submit, #name},
#define OF_AMENDMENT(name, in_command, in_modify)                                                  \
    {&order_command__descriptor, in_command, #name}, {&modify_order__descriptor, in_modify, #name},
#define OF_WANTED(name, in_trade) {&trade_state__descriptor, in_trade, #name},
static const struct moved all[] = {TERMS(OF_TERMS) AMENDMENT(OF_AMENDMENT) WANTED(OF_WANTED)};

const char *moved_name(const ProtobufCMessageDescriptor *type, uint32_t number) {
    for (size_t i = 0; number && i < sizeof all / sizeof *all; i++) {
        if (all[i].type == type && all[i].number == number) return all[i].name;
    }
    return NULL;
}

uint32_t moved_number(const ProtobufCMessageDescriptor *type, const char *name) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].type == type && strcmp(all[i].name, name) == 0) return all[i].number;
    }
    return 0;
}
