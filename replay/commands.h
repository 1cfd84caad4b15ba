// commands - what tradecast-replay does, a function a subcommand.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/cli.h"

enum outcome run_record(struct call *call);
enum outcome run_recording(struct call *call); // info, cat, cut, merge
enum outcome run_replay(struct call *call);
