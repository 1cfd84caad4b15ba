// own - a handle that is freed on every path out of its scope.
// SPDX-License-Identifier: MIT
#pragma once

// own(arena) *a = arena_new(0);  calls arena_destroy (&a) when a leaves its scope.
#define own(type) __attribute__((cleanup(type##_destroy))) type##_t
