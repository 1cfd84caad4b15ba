-- The archive's tables in ClickHouse: one server before 20.1 (times are microseconds since 1970).
-- `make reference` writes this file; `tradecast clickhouse init` does the same.

CREATE DATABASE IF NOT EXISTS `tradecast`;

CREATE TABLE IF NOT EXISTS `tradecast`.`signals_rows` (
    `signal_id` String,
    `symbol` String,
    `action` String,
    `entry_price` Decimal(38, 8),
    `target_price` Decimal(38, 8),
    `stop_price` Decimal(38, 8),
    `confidence` Decimal(38, 8),
    `strategy` String,
    `asset_type` String,
    `data_source` String,
    `timestamp` Int64,
    `outcome` Nullable(String),
    `exit_price` Nullable(Decimal(38, 8)),
    `profit_loss_pct` Nullable(Decimal(38, 8)),
    `sha256` String,
    `order_id` Nullable(String),
    `created_at` Int64,
    `status` String,
    `source` String,
    `order_type` String,
    `lot_size` Nullable(Decimal(38, 8)),
    `expiration_time` Nullable(Int64),
    `regime` Nullable(String),
    `reasoning` Nullable(String),
    `sources` Nullable(Int64),
    `agreement` Nullable(Decimal(38, 8)),
    `extra` Nullable(String),
    `content` UInt64,
    `parts` Nullable(String),
    `votes` Nullable(String),
    `cell` Nullable(String),
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (signal_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`signals` AS SELECT `signal_id`, `symbol`, `action`, `entry_price`, `target_price`, `stop_price`, `confidence`, `strategy`, `asset_type`, `data_source`, `timestamp`, `outcome`, `exit_price`, `profit_loss_pct`, `sha256`, `order_id`, `created_at`, `status`, `source`, `order_type`, `lot_size`, `expiration_time`, `regime`, `reasoning`, `sources`, `agreement`, `extra`, `content`, `parts`, `votes`, `cell`, `changed` FROM `tradecast`.`signals_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`orders_rows` (
    `trade_id` String,
    `signal_id` String,
    `account_id` String,
    `broker_id` String,
    `symbol` String,
    `broker_symbol` String,
    `order_type` String,
    `direction` String,
    `lot_size` Nullable(Decimal(38, 8)),
    `price` Nullable(Decimal(38, 8)),
    `requested_price` Nullable(Decimal(38, 8)),
    `stop_loss` Nullable(Decimal(38, 8)),
    `take_profit` Nullable(Decimal(38, 8)),
    `expiration_time` Nullable(Int64),
    `signal_at` Int64,
    `ordered_at` Int64,
    `valid_until` Nullable(Int64),
    `resend` Nullable(UInt8),
    `limit_price` Nullable(Decimal(38, 8)),
    `close_side` Nullable(String),
    `close_percent` Nullable(Decimal(38, 8)),
    `close_trade_id` Nullable(String),
    `trail_distance` Nullable(Decimal(38, 8)),
    `trail_trigger` Nullable(Decimal(38, 8)),
    `trail_step` Nullable(Decimal(38, 8)),
    `break_even_trigger` Nullable(Decimal(38, 8)),
    `break_even_offset` Nullable(Decimal(38, 8)),
    `source` Nullable(String),
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (trade_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`orders` AS SELECT `trade_id`, `signal_id`, `account_id`, `broker_id`, `symbol`, `broker_symbol`, `order_type`, `direction`, `lot_size`, `price`, `requested_price`, `stop_loss`, `take_profit`, `expiration_time`, `signal_at`, `ordered_at`, `valid_until`, `resend`, `limit_price`, `close_side`, `close_percent`, `close_trade_id`, `trail_distance`, `trail_trigger`, `trail_step`, `break_even_trigger`, `break_even_offset`, `source`, `changed` FROM `tradecast`.`orders_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`order_commands_rows` (
    `command_id` String,
    `account_id` String,
    `action` String,
    `trade_id` Nullable(String),
    `stop_loss` Nullable(Decimal(38, 8)),
    `take_profit` Nullable(Decimal(38, 8)),
    `reason` Nullable(String),
    `created_at` Int64,
    `price` Nullable(Decimal(38, 8)),
    `limit_price` Nullable(Decimal(38, 8)),
    `percent` Nullable(Decimal(38, 8)),
    `lots` Nullable(Decimal(38, 8)),
    `side` Nullable(String),
    `symbol` Nullable(String),
    `signal_id` Nullable(String),
    `trail_distance` Nullable(Decimal(38, 8)),
    `trail_trigger` Nullable(Decimal(38, 8)),
    `trail_step` Nullable(Decimal(38, 8)),
    `break_even_trigger` Nullable(Decimal(38, 8)),
    `break_even_offset` Nullable(Decimal(38, 8)),
    `lock` Nullable(String),
    `operator` Nullable(String),
    `of_command` Nullable(String),
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (command_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`order_commands` AS SELECT `command_id`, `account_id`, `action`, `trade_id`, `stop_loss`, `take_profit`, `reason`, `created_at`, `price`, `limit_price`, `percent`, `lots`, `side`, `symbol`, `signal_id`, `trail_distance`, `trail_trigger`, `trail_step`, `break_even_trigger`, `break_even_offset`, `lock`, `operator`, `of_command`, `changed` FROM `tradecast`.`order_commands_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`commands_rows` (
    `command_id` String,
    `action` String,
    `account_id` Nullable(String),
    `trade_id` Nullable(String),
    `reason` Nullable(String),
    `operator` Nullable(String),
    `created_at` Int64,
    `source` Nullable(String),
    `flatten` Nullable(UInt8),
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (command_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`commands` AS SELECT `command_id`, `action`, `account_id`, `trade_id`, `reason`, `operator`, `created_at`, `source`, `flatten`, `changed` FROM `tradecast`.`commands_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`routings_rows` (
    `signal_id` String,
    `source` String,
    `orders` Int64,
    `decisions` Nullable(String),
    `signal_at` Int64,
    `routed_at` Int64,
    `content` UInt64,
    `refused` Nullable(String),
    `commands` Nullable(Int64),
    `elsewhere` Nullable(UInt8),
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (signal_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`routings` AS SELECT `signal_id`, `source`, `orders`, `decisions`, `signal_at`, `routed_at`, `content`, `refused`, `commands`, `elsewhere`, `changed` FROM `tradecast`.`routings_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`trades_rows` (
    `trade_id` String,
    `signal_id` String,
    `account_id` String,
    `broker_id` String,
    `symbol` String,
    `broker_symbol` String,
    `order_type` String,
    `direction` String,
    `side` Nullable(String),
    `lot_size` Nullable(Decimal(38, 8)),
    `price` Nullable(Decimal(38, 8)),
    `requested_price` Nullable(Decimal(38, 8)),
    `stop_loss` Nullable(Decimal(38, 8)),
    `take_profit` Nullable(Decimal(38, 8)),
    `expiration_time` Nullable(Int64),
    `state` String,
    `reason` Nullable(String),
    `filled_lots` Nullable(Decimal(38, 8)),
    `average_price` Nullable(Decimal(38, 8)),
    `closed_lots` Nullable(Decimal(38, 8)),
    `pnl` Nullable(Decimal(38, 8)),
    `commission` Nullable(Decimal(38, 8)),
    `fees` Nullable(Decimal(38, 8)),
    `signal_at` Int64,
    `ordered_at` Int64,
    `submitted_at` Nullable(Int64),
    `executed_at` Nullable(Int64),
    `closed_at` Nullable(Int64),
    `updated_at` Int64,
    `instance_id` Nullable(String),
    `broker_order_id` Nullable(String),
    `valid_until` Nullable(Int64),
    `closes` Nullable(String),
    `not_found` Nullable(Int64),
    `asked_at` Nullable(Int64),
    `doubt_at` Nullable(Int64),
    `held` Nullable(UInt8),
    `executions` Nullable(String),
    `cancel_wanted` Nullable(UInt8),
    `stop_loss_wanted` Nullable(Decimal(38, 8)),
    `take_profit_wanted` Nullable(Decimal(38, 8)),
    `exit_price` Nullable(Decimal(38, 8)),
    `limit_price` Nullable(Decimal(38, 8)),
    `close_percent` Nullable(Decimal(38, 8)),
    `close_side` Nullable(String),
    `trail_distance` Nullable(Decimal(38, 8)),
    `trail_trigger` Nullable(Decimal(38, 8)),
    `trail_step` Nullable(Decimal(38, 8)),
    `break_even_trigger` Nullable(Decimal(38, 8)),
    `break_even_offset` Nullable(Decimal(38, 8)),
    `trail_high` Nullable(Decimal(38, 8)),
    `trail_stop` Nullable(Decimal(38, 8)),
    `price_wanted` Nullable(Decimal(38, 8)),
    `limit_price_wanted` Nullable(Decimal(38, 8)),
    `wanted_at` Nullable(Int64),
    `modify_rejected` Nullable(String),
    `netted_lots` Nullable(Decimal(38, 8)),
    `residual` Nullable(Decimal(38, 8)),
    `close_trade_id` Nullable(String),
    `source` Nullable(String),
    `cause` Nullable(String),
    `cause_id` Nullable(String),
    `unseen_lots` Nullable(Decimal(38, 8)),
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (trade_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`trades` AS SELECT `trade_id`, `signal_id`, `account_id`, `broker_id`, `symbol`, `broker_symbol`, `order_type`, `direction`, `side`, `lot_size`, `price`, `requested_price`, `stop_loss`, `take_profit`, `expiration_time`, `state`, `reason`, `filled_lots`, `average_price`, `closed_lots`, `pnl`, `commission`, `fees`, `signal_at`, `ordered_at`, `submitted_at`, `executed_at`, `closed_at`, `updated_at`, `instance_id`, `broker_order_id`, `valid_until`, `closes`, `not_found`, `asked_at`, `doubt_at`, `held`, `executions`, `cancel_wanted`, `stop_loss_wanted`, `take_profit_wanted`, `exit_price`, `limit_price`, `close_percent`, `close_side`, `trail_distance`, `trail_trigger`, `trail_step`, `break_even_trigger`, `break_even_offset`, `trail_high`, `trail_stop`, `price_wanted`, `limit_price_wanted`, `wanted_at`, `modify_rejected`, `netted_lots`, `residual`, `close_trade_id`, `source`, `cause`, `cause_id`, `unseen_lots`, `changed` FROM `tradecast`.`trades_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`trade_result_rows` (
    `result_id` String,
    `trade_id` String,
    `symbol` String,
    `direction` String,
    `lot_size` Decimal(38, 8),
    `execution_price` Nullable(Decimal(38, 8)),
    `requested_price` Nullable(Decimal(38, 8)),
    `slippage` Nullable(Decimal(38, 8)),
    `pnl` Nullable(Decimal(38, 8)),
    `commission` Nullable(Decimal(38, 8)),
    `fees` Nullable(Decimal(38, 8)),
    `state` String,
    `executed_at` Int64,
    `account_id` Nullable(String),
    `execution_id` Nullable(String),
    `broker_id` Nullable(String),
    `instance_id` Nullable(String),
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (result_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`trade_result` AS SELECT `result_id`, `trade_id`, `symbol`, `direction`, `lot_size`, `execution_price`, `requested_price`, `slippage`, `pnl`, `commission`, `fees`, `state`, `executed_at`, `account_id`, `execution_id`, `broker_id`, `instance_id`, `changed` FROM `tradecast`.`trade_result_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`result_metrics_rows` (
    `result_id` String,
    `execution_latency_ms` UInt64,
    `broker_latency_ms` UInt64,
    `network_latency_ms` UInt64,
    `execution_latency_us` UInt64,
    `broker_latency_us` UInt64,
    `network_latency_us` UInt64,
    `slippage` Nullable(Decimal(38, 8)),
    `created_at` Int64,
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (result_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`result_metrics` AS SELECT `result_id`, `execution_latency_ms`, `broker_latency_ms`, `network_latency_ms`, `execution_latency_us`, `broker_latency_us`, `network_latency_us`, `slippage`, `created_at`, `changed` FROM `tradecast`.`result_metrics_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`trade_reconciliation_rows` (
    `trade_id` String,
    `reconciliation_status` String,
    `discrepancy` Nullable(Decimal(38, 8)),
    `rejection_reason` Nullable(String),
    `reconciled_at` Int64,
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (trade_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`trade_reconciliation` AS SELECT `trade_id`, `reconciliation_status`, `discrepancy`, `rejection_reason`, `reconciled_at`, `changed` FROM `tradecast`.`trade_reconciliation_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`signal_execution_status_rows` (
    `signal_id` String,
    `status` String,
    `execution_price` Nullable(Decimal(38, 8)),
    `fill_percentage` Nullable(Decimal(38, 8)),
    `slippage` Nullable(Decimal(38, 8)),
    `rejection_reason` Nullable(String),
    `executed_at` Nullable(Int64),
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (signal_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`signal_execution_status` AS SELECT `signal_id`, `status`, `execution_price`, `fill_percentage`, `slippage`, `rejection_reason`, `executed_at`, `changed` FROM `tradecast`.`signal_execution_status_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`trade_failure_log_rows` (
    `failure_id` String,
    `trade_id` Nullable(String),
    `signal_id` String,
    `account_id` Nullable(String),
    `broker_id` Nullable(String),
    `symbol` Nullable(String),
    `state` String,
    `reason` Nullable(String),
    `failed_at` Int64,
    `field` Nullable(String),
    `extra` Nullable(String),
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (failure_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`trade_failure_log` AS SELECT `failure_id`, `trade_id`, `signal_id`, `account_id`, `broker_id`, `symbol`, `state`, `reason`, `failed_at`, `field`, `extra`, `changed` FROM `tradecast`.`trade_failure_log_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`trade_reconciliation_log_rows` (
    `trade_id` String,
    `reconciled_at` Int64,
    `signal_id` String,
    `reconciliation_status` String,
    `discrepancy` Nullable(Decimal(38, 8)),
    `rejection_reason` Nullable(String),
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (trade_id, reconciled_at);

CREATE VIEW IF NOT EXISTS `tradecast`.`trade_reconciliation_log` AS SELECT `trade_id`, `reconciled_at`, `signal_id`, `reconciliation_status`, `discrepancy`, `rejection_reason`, `changed` FROM `tradecast`.`trade_reconciliation_log_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`commission_log_rows` (
    `result_id` String,
    `trade_id` String,
    `account_id` Nullable(String),
    `broker_id` Nullable(String),
    `instance_id` Nullable(String),
    `symbol` String,
    `lot_size` Decimal(38, 8),
    `commission` Nullable(Decimal(38, 8)),
    `fees` Nullable(Decimal(38, 8)),
    `charged_at` Int64,
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (result_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`commission_log` AS SELECT `result_id`, `trade_id`, `account_id`, `broker_id`, `instance_id`, `symbol`, `lot_size`, `commission`, `fees`, `charged_at`, `changed` FROM `tradecast`.`commission_log_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`trade_performance_rows` (
    `trade_id` String,
    `signal_id` String,
    `account_id` String,
    `broker_id` String,
    `instance_id` Nullable(String),
    `symbol` String,
    `side` String,
    `state` String,
    `closing` UInt8,
    `filled_lots` Decimal(38, 8),
    `entry_price` Nullable(Decimal(38, 8)),
    `closed_lots` Nullable(Decimal(38, 8)),
    `exit_price` Nullable(Decimal(38, 8)),
    `pnl` Nullable(Decimal(38, 8)),
    `commission` Nullable(Decimal(38, 8)),
    `fees` Nullable(Decimal(38, 8)),
    `net_pnl` Decimal(38, 8),
    `profit_loss_pct` Nullable(Decimal(38, 8)),
    `slippage` Nullable(Decimal(38, 8)),
    `slippage_bps` Nullable(Decimal(38, 8)),
    `execution_latency_us` Nullable(UInt64),
    `held_us` Nullable(UInt64),
    `ordered_at` Int64,
    `executed_at` Nullable(Int64),
    `closed_at` Nullable(Int64),
    `updated_at` Int64,
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (trade_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`trade_performance` AS SELECT `trade_id`, `signal_id`, `account_id`, `broker_id`, `instance_id`, `symbol`, `side`, `state`, `closing`, `filled_lots`, `entry_price`, `closed_lots`, `exit_price`, `pnl`, `commission`, `fees`, `net_pnl`, `profit_loss_pct`, `slippage`, `slippage_bps`, `execution_latency_us`, `held_us`, `ordered_at`, `executed_at`, `closed_at`, `updated_at`, `changed` FROM `tradecast`.`trade_performance_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`account_performance_rows` (
    `account_id` String,
    `day` String,
    `currency` String,
    `orders` UInt64,
    `filled` UInt64,
    `partially_filled` UInt64,
    `rejected` UInt64,
    `cancelled` UInt64,
    `expired` UInt64,
    `fill_rate` Nullable(Decimal(38, 8)),
    `rejection_rate` Nullable(Decimal(38, 8)),
    `rejections` Nullable(String),
    `closed` UInt64,
    `wins` UInt64,
    `losses` UInt64,
    `win_rate` Nullable(Decimal(38, 8)),
    `gross_profit` Decimal(38, 8),
    `gross_loss` Decimal(38, 8),
    `average_win` Nullable(Decimal(38, 8)),
    `average_loss` Nullable(Decimal(38, 8)),
    `profit_factor` Nullable(Decimal(38, 8)),
    `executions` UInt64,
    `lots` Decimal(38, 8),
    `pnl` Decimal(38, 8),
    `commission` Decimal(38, 8),
    `fees` Decimal(38, 8),
    `net_pnl` Decimal(38, 8),
    `peak_pnl` Decimal(38, 8),
    `max_drawdown` Decimal(38, 8),
    `slippage_sum` Decimal(38, 8),
    `slippage_mean` Nullable(Decimal(38, 8)),
    `slippage_p50` Nullable(Decimal(38, 8)),
    `slippage_p95` Nullable(Decimal(38, 8)),
    `slippage_worst` Nullable(Decimal(38, 8)),
    `execution_latency_us_p50` Nullable(UInt64),
    `execution_latency_us_p95` Nullable(UInt64),
    `execution_latency_us_p99` Nullable(UInt64),
    `broker_latency_us_p50` Nullable(UInt64),
    `broker_latency_us_p95` Nullable(UInt64),
    `broker_latency_us_p99` Nullable(UInt64),
    `network_latency_us_p50` Nullable(UInt64),
    `network_latency_us_p95` Nullable(UInt64),
    `network_latency_us_p99` Nullable(UInt64),
    `histograms` Nullable(String),
    `updated_at` Int64,
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (account_id, day, currency);

CREATE VIEW IF NOT EXISTS `tradecast`.`account_performance` AS SELECT `account_id`, `day`, `currency`, `orders`, `filled`, `partially_filled`, `rejected`, `cancelled`, `expired`, `fill_rate`, `rejection_rate`, `rejections`, `closed`, `wins`, `losses`, `win_rate`, `gross_profit`, `gross_loss`, `average_win`, `average_loss`, `profit_factor`, `executions`, `lots`, `pnl`, `commission`, `fees`, `net_pnl`, `peak_pnl`, `max_drawdown`, `slippage_sum`, `slippage_mean`, `slippage_p50`, `slippage_p95`, `slippage_worst`, `execution_latency_us_p50`, `execution_latency_us_p95`, `execution_latency_us_p99`, `broker_latency_us_p50`, `broker_latency_us_p95`, `broker_latency_us_p99`, `network_latency_us_p50`, `network_latency_us_p95`, `network_latency_us_p99`, `histograms`, `updated_at`, `changed` FROM `tradecast`.`account_performance_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`broker_performance_rows` (
    `broker_id` String,
    `day` String,
    `currency` String,
    `orders` UInt64,
    `filled` UInt64,
    `partially_filled` UInt64,
    `rejected` UInt64,
    `cancelled` UInt64,
    `expired` UInt64,
    `fill_rate` Nullable(Decimal(38, 8)),
    `rejection_rate` Nullable(Decimal(38, 8)),
    `rejections` Nullable(String),
    `closed` UInt64,
    `wins` UInt64,
    `losses` UInt64,
    `win_rate` Nullable(Decimal(38, 8)),
    `gross_profit` Decimal(38, 8),
    `gross_loss` Decimal(38, 8),
    `average_win` Nullable(Decimal(38, 8)),
    `average_loss` Nullable(Decimal(38, 8)),
    `profit_factor` Nullable(Decimal(38, 8)),
    `executions` UInt64,
    `lots` Decimal(38, 8),
    `pnl` Decimal(38, 8),
    `commission` Decimal(38, 8),
    `fees` Decimal(38, 8),
    `net_pnl` Decimal(38, 8),
    `peak_pnl` Decimal(38, 8),
    `max_drawdown` Decimal(38, 8),
    `slippage_sum` Decimal(38, 8),
    `slippage_mean` Nullable(Decimal(38, 8)),
    `slippage_p50` Nullable(Decimal(38, 8)),
    `slippage_p95` Nullable(Decimal(38, 8)),
    `slippage_worst` Nullable(Decimal(38, 8)),
    `execution_latency_us_p50` Nullable(UInt64),
    `execution_latency_us_p95` Nullable(UInt64),
    `execution_latency_us_p99` Nullable(UInt64),
    `broker_latency_us_p50` Nullable(UInt64),
    `broker_latency_us_p95` Nullable(UInt64),
    `broker_latency_us_p99` Nullable(UInt64),
    `network_latency_us_p50` Nullable(UInt64),
    `network_latency_us_p95` Nullable(UInt64),
    `network_latency_us_p99` Nullable(UInt64),
    `histograms` Nullable(String),
    `updated_at` Int64,
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (broker_id, day, currency);

CREATE VIEW IF NOT EXISTS `tradecast`.`broker_performance` AS SELECT `broker_id`, `day`, `currency`, `orders`, `filled`, `partially_filled`, `rejected`, `cancelled`, `expired`, `fill_rate`, `rejection_rate`, `rejections`, `closed`, `wins`, `losses`, `win_rate`, `gross_profit`, `gross_loss`, `average_win`, `average_loss`, `profit_factor`, `executions`, `lots`, `pnl`, `commission`, `fees`, `net_pnl`, `peak_pnl`, `max_drawdown`, `slippage_sum`, `slippage_mean`, `slippage_p50`, `slippage_p95`, `slippage_worst`, `execution_latency_us_p50`, `execution_latency_us_p95`, `execution_latency_us_p99`, `broker_latency_us_p50`, `broker_latency_us_p95`, `broker_latency_us_p99`, `network_latency_us_p50`, `network_latency_us_p95`, `network_latency_us_p99`, `histograms`, `updated_at`, `changed` FROM `tradecast`.`broker_performance_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`instance_performance_rows` (
    `instance_id` String,
    `day` String,
    `currency` String,
    `orders` UInt64,
    `filled` UInt64,
    `partially_filled` UInt64,
    `rejected` UInt64,
    `cancelled` UInt64,
    `expired` UInt64,
    `fill_rate` Nullable(Decimal(38, 8)),
    `rejection_rate` Nullable(Decimal(38, 8)),
    `rejections` Nullable(String),
    `closed` UInt64,
    `wins` UInt64,
    `losses` UInt64,
    `win_rate` Nullable(Decimal(38, 8)),
    `gross_profit` Decimal(38, 8),
    `gross_loss` Decimal(38, 8),
    `average_win` Nullable(Decimal(38, 8)),
    `average_loss` Nullable(Decimal(38, 8)),
    `profit_factor` Nullable(Decimal(38, 8)),
    `executions` UInt64,
    `lots` Decimal(38, 8),
    `pnl` Decimal(38, 8),
    `commission` Decimal(38, 8),
    `fees` Decimal(38, 8),
    `net_pnl` Decimal(38, 8),
    `peak_pnl` Decimal(38, 8),
    `max_drawdown` Decimal(38, 8),
    `slippage_sum` Decimal(38, 8),
    `slippage_mean` Nullable(Decimal(38, 8)),
    `slippage_p50` Nullable(Decimal(38, 8)),
    `slippage_p95` Nullable(Decimal(38, 8)),
    `slippage_worst` Nullable(Decimal(38, 8)),
    `execution_latency_us_p50` Nullable(UInt64),
    `execution_latency_us_p95` Nullable(UInt64),
    `execution_latency_us_p99` Nullable(UInt64),
    `broker_latency_us_p50` Nullable(UInt64),
    `broker_latency_us_p95` Nullable(UInt64),
    `broker_latency_us_p99` Nullable(UInt64),
    `network_latency_us_p50` Nullable(UInt64),
    `network_latency_us_p95` Nullable(UInt64),
    `network_latency_us_p99` Nullable(UInt64),
    `histograms` Nullable(String),
    `updated_at` Int64,
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (instance_id, day, currency);

CREATE VIEW IF NOT EXISTS `tradecast`.`instance_performance` AS SELECT `instance_id`, `day`, `currency`, `orders`, `filled`, `partially_filled`, `rejected`, `cancelled`, `expired`, `fill_rate`, `rejection_rate`, `rejections`, `closed`, `wins`, `losses`, `win_rate`, `gross_profit`, `gross_loss`, `average_win`, `average_loss`, `profit_factor`, `executions`, `lots`, `pnl`, `commission`, `fees`, `net_pnl`, `peak_pnl`, `max_drawdown`, `slippage_sum`, `slippage_mean`, `slippage_p50`, `slippage_p95`, `slippage_worst`, `execution_latency_us_p50`, `execution_latency_us_p95`, `execution_latency_us_p99`, `broker_latency_us_p50`, `broker_latency_us_p95`, `broker_latency_us_p99`, `network_latency_us_p50`, `network_latency_us_p95`, `network_latency_us_p99`, `histograms`, `updated_at`, `changed` FROM `tradecast`.`instance_performance_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`system_event_log_rows` (
    `event_id` String,
    `service` String,
    `event` String,
    `text` Nullable(String),
    `created_at` Int64,
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (event_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`system_event_log` AS SELECT `event_id`, `service`, `event`, `text`, `created_at`, `changed` FROM `tradecast`.`system_event_log_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`alert_log_rows` (
    `alert_id` String,
    `service` String,
    `severity` String,
    `code` String,
    `text` String,
    `subject` Nullable(String),
    `created_at` Int64,
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (alert_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`alert_log` AS SELECT `alert_id`, `service`, `severity`, `code`, `text`, `subject`, `created_at`, `changed` FROM `tradecast`.`alert_log_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`llm_decision_rows` (
    `decision_id` String,
    `state` String,
    `mode` String,
    `origin` String,
    `created_at` Int64,
    `updated_at` Int64,
    `package_id` Nullable(String),
    `symbol` Nullable(String),
    `action` Nullable(String),
    `order_type` Nullable(String),
    `lot_size` Nullable(Decimal(38, 8)),
    `price` Nullable(Decimal(38, 8)),
    `stop_loss` Nullable(Decimal(38, 8)),
    `take_profit` Nullable(Decimal(38, 8)),
    `close_percent` Nullable(Decimal(38, 8)),
    `confidence` Nullable(Decimal(38, 8)),
    `strategy` Nullable(String),
    `reasoning` Nullable(String),
    `model` Nullable(String),
    `prompt_version` Nullable(String),
    `reason` Nullable(String),
    `expires_at` Nullable(Int64),
    `decided_by` Nullable(String),
    `decided_at` Nullable(Int64),
    `signal_id` Nullable(String),
    `answered_at` Nullable(Int64),
    `package` Nullable(String),
    `raw_answer` Nullable(String),
    `tokens` Nullable(Int64),
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (decision_id);

CREATE VIEW IF NOT EXISTS `tradecast`.`llm_decision` AS SELECT `decision_id`, `state`, `mode`, `origin`, `created_at`, `updated_at`, `package_id`, `symbol`, `action`, `order_type`, `lot_size`, `price`, `stop_loss`, `take_profit`, `close_percent`, `confidence`, `strategy`, `reasoning`, `model`, `prompt_version`, `reason`, `expires_at`, `decided_by`, `decided_at`, `signal_id`, `answered_at`, `package`, `raw_answer`, `tokens`, `changed` FROM `tradecast`.`llm_decision_rows` FINAL WHERE `removed` = 0;

CREATE TABLE IF NOT EXISTS `tradecast`.`performance_log_rows` (
    `service` String,
    `messages` UInt64,
    `batches` UInt64,
    `commit_us_p99` UInt64,
    `memory_bytes` UInt64,
    `created_at` Int64,
    `changed` UInt64,
    `removed` UInt8
) ENGINE = ReplacingMergeTree(`changed`) ORDER BY (service, created_at);

CREATE VIEW IF NOT EXISTS `tradecast`.`performance_log` AS SELECT `service`, `messages`, `batches`, `commit_us_p99`, `memory_bytes`, `created_at`, `changed` FROM `tradecast`.`performance_log_rows` FINAL WHERE `removed` = 0;
