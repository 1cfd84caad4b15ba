// copy_part - what copy.c and main.c share.
// SPDX-License-Identifier: MIT
#pragma once

extern volatile int copy_stop_asked; // set by SIGTERM and SIGINT
