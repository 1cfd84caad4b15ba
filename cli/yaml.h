// yaml - a document in YAML as the same document in JSON, and back; numbers stay the text that they
// are. libyaml is behind this module.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"

// False: `wrong` says in a sentence what and where. Refused by name: anchors' loops, tags, merge
// keys, a second document. What is not quoted and reads as a JSON number, true, false or null is
// that; anything else is text.
bool yaml_to_json(struct span yaml, buffer_t *json, char wrong[static 240]);
bool yaml_from_json(struct span json, buffer_t *yaml); // false: it is not JSON
// a line for each value; false: it is not JSON
bool json_indent(struct span json, buffer_t *out);
