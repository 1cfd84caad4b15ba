// body - what is posted of a signal, and the key under which the backend recognises it when it
// comes again. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "archive.pb-c.h"
#include "common/base/buffer.h"

// A signal is told twice: when it is stored, and when its outcome is known (again, should a broker
// correct that).
enum event { EVENT_SIGNAL, EVENT_OUTCOME };

// JSON: {"event":"signal", and the row's columns but those that change later} or
// {"event":"outcome","signal_id", outcome, exit_price, profit_loss_pct, order_id}. Decimals are
// JSON numbers with all their digits; what is not known is left out.
void body_write(const SignalRow *row, enum event event, buffer_t *out);

// 32 hexadecimal digits, the same for the same event whenever and by whichever version it is made:
// of a signal by its id, of an outcome by what it says as well.
#define BODY_KEY 33
void body_key(const SignalRow *row, enum event event, char out[static BODY_KEY]);
