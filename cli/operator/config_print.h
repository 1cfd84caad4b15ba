// config_print - what the archiver says of the configuration, for people. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"

// The archiver's answer (JSON) as text. False: it is not understood.
typedef bool config_print_fn(struct span answer, buffer_t *out);

// ConfigDifference: what is added, removed, and changed, field by field
config_print_fn config_print_difference;
config_print_fn config_print_version; // ConfigDifference: the version that is in force now
config_print_fn config_print_history; // ConfigHistory
config_print_fn config_print_lines;   // any JSON, indented
config_print_fn config_print_value;   // a text without its quotes, any other JSON indented
config_print_fn yaml_print;           // any JSON as YAML

// The version that the difference is told from, and whether there is one.
bool config_read_difference(struct span answer, uint64_t *version, bool *differs);
