// proposal_schema - what a decision may be, as JSON Schema: for clients, for MCP, and for the model
// that is asked; one table.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"

void proposal_schema_object(buffer_t *out);   // the schema alone, as MCP and models take it
void proposal_schema_document(buffer_t *out); // as a document of its own, to be looked at
