// status_cells - how the cells are, as this one's monitor has heard: a part of `tradecast status`.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/cli.h"
#include "cli/text.h"

// starts the sheet; it stays empty when the monitor does not answer
void status_cells(const struct call *call, struct sheet *sheet);
