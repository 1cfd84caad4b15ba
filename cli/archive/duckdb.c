// duckdb - DuckDB's C library, loaded when it is asked for.
// SPDX-License-Identifier: MIT
#include "cli/archive/duckdb.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool find_symbol(struct duckdb *self, const char *name, void *place, size_t size,
                        char why[static 320]) {
    void *symbol = dlsym(self->library, name);
    memcpy(place, &symbol, size); // ISO C knows no cast from an object's address to a function's
    if (!symbol)
        snprintf(why, 320, "DuckDB's library has no %s: it must be version 1.0 or later", name);
    return symbol != NULL;
}

bool duckdb_load(struct duckdb *self, char why[static 320]) {
    const char *named = getenv("TRADECAST_DUCKDB");
    const char *path = named && *named ? named : "libduckdb.so";
    self->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!self->library) {
        const char *said = dlerror();
        snprintf(why, 320,
                 "parquet and duckdb need DuckDB's library, which Debian does not have: put its "
                 "libduckdb.so (1.0 or later) anywhere and name it in TRADECAST_DUCKDB; "
                 "docs/analysis.md says how; csv and jsonl need nothing (%.60s)",
                 said ? said : path);
        return false;
    }
    bool good = true;
#define DUCKDB_FIND(type, name, takes)                                                             \
    good = good && find_symbol(self, "duckdb_" #name, &self->name, sizeof self->name, why);
    DUCKDB_FUNCTIONS(DUCKDB_FIND)
#undef DUCKDB_FIND
    return good;
}
