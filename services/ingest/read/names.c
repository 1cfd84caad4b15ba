// names - what senders call the fields of a signal.
// SPDX-License-Identifier: MIT
#include "services/ingest/read/names.h"

#include <string.h>
#include <strings.h>

static const struct alias aliases[] = {
    {"signal_id", SF_signal_id, 0},
    {"symbol", SF_symbol, 0},
    {"ticker", SF_symbol, 0},
    {"order_type", SF_order_type, 0},
    {"ordertype", SF_order_type, 0},
    {"direction", SF_direction, 0},
    {"action", SF_direction, 0},
    {"side", SF_direction, 0},
    {"strategy.order.action", SF_direction, 0},
    {"strategy_order_action", SF_direction, 0},
    {"lot_size", SF_lot_size, 0},
    {"contracts", SF_lot_size, 0},
    {"quantity", SF_lot_size, 0},
    {"qty", SF_lot_size, 0},
    {"lots", SF_lot_size, 0},
    {"strategy.order.contracts", SF_lot_size, 0},
    {"strategy_order_contracts", SF_lot_size, 0},
    {"price", SF_price, 0},
    {"entry_price", SF_price, 0},
    {"strategy.order.price", SF_price, 1},
    {"strategy_order_price", SF_price, 1},
    {"close", SF_price, 2},
    {"stop_loss", SF_stop_loss, 0},
    {"stop_price", SF_stop_loss, 0},
    {"sl", SF_stop_loss, 0},
    {"take_profit", SF_take_profit, 0},
    {"target_price", SF_take_profit, 0},
    {"tp", SF_take_profit, 0},
    {"expiration_time", SF_expiration_time, 0},
    {"expiration", SF_expiration_time, 0},
    {"confidence", SF_confidence, 0},
    {"strategy", SF_strategy, 0},
    {"strategy_name", SF_strategy, 1},
    {"asset_type", SF_asset_type, 0},
    {"data_source", SF_data_source, 0},
    {"timestamp", SF_timestamp, 0},
    {"timenow", SF_timestamp, 1},
    {"time", SF_timestamp, 2},
    {"regime", SF_regime, 0},
    {"reasoning", SF_reasoning, 0},
    {"sources", SF_sources, 0},
    {"agreement", SF_agreement, 0},
    {"limit_price", SF_limit_price, 0},
    {"close_percent", SF_close_percent, 0},
    {"stop_loss_points", SF_stop_loss_points, 0},
    {"sl_points", SF_stop_loss_points, 0},
    {"stop_loss_percent", SF_stop_loss_percent, 0},
    {"sl_percent", SF_stop_loss_percent, 0},
    {"stop_loss_distance", SF_stop_loss_distance, 0},
    {"take_profit_points", SF_take_profit_points, 0},
    {"tp_points", SF_take_profit_points, 0},
    {"take_profit_percent", SF_take_profit_percent, 0},
    {"tp_percent", SF_take_profit_percent, 0},
    {"take_profit_distance", SF_take_profit_distance, 0},
    {"trail_distance", SF_trail_distance, 0},
    {"trail_trigger", SF_trail_trigger, 0},
    {"trail_step", SF_trail_step, 0},
    {"break_even_trigger", SF_break_even_trigger, 0},
    {"break_even_offset", SF_break_even_offset, 0},
    {"exit_unit", SF_exit_unit, 0},
    {"target_position", SF_target_position, 0},
    {"risk_percent", SF_risk_percent, 0},
    {"risk_amount", SF_risk_amount, 0},
    {"margin_percent", SF_margin_percent, 0},
    {"provider_equity", SF_provider_equity, 0},
    {"provider_balance", SF_provider_balance, 0},
    {"target_signal_id", SF_target_signal_id, 0},
    {"time_in_force", SF_time_in_force, 0},
    {"position_side", SF_position_side, 0},
    {"market_position", SF_POSITION, 0},
    {"strategy.market_position", SF_POSITION, 0},
    {"strategy_market_position", SF_POSITION, 0},
    {"sentiment", SF_POSITION, 0},
    {"position_size", SF_POSITION_SIZE, 0},
    {"strategy.position_size", SF_POSITION_SIZE, 0},
    {"strategy_position_size", SF_POSITION_SIZE, 0},
    {"market_position_size", SF_POSITION_AMOUNT, 0},
    {"strategy.market_position_size", SF_POSITION_AMOUNT, 0},
    {"strategy_market_position_size", SF_POSITION_AMOUNT, 0},
};

const struct alias *names_find(const struct field *f) {
    const char *as = f->as ? f->as : f->name;
    size_t length = f->as ? strlen(f->as) : f->name_length;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        const char *name = aliases[i].name;
        if ((*name ^ *as) & ~0x20) continue; // most differ in their first letter, whatever its case
        if (strncasecmp(name, as, length) == 0 && name[length] == 0) return &aliases[i];
    }
    return NULL;
}
