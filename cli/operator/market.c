// market - market data as Redis has it: every symbol at a glance, one symbol's documents, or one of
// those that are of no symbol, each with how long it still stands.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "cli/place.h"
#include "cli/text.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/own.h"
#include "common/domain/last_prices.h"
#include "common/redis/store_transaction.h"

#define KEY_TEXT 128

// What is called otherwise than a symbol.
static const char *const common_keys[][2] = {{"watchlist", "watchlist:current"},
                                             {"candidates", "candidates:ranked"},
                                             {"context", "context:market"}};
static const char *const symbol_keys[] = {
    "stocks:price:",         "stocks:indicators:", "stocks:sentiment:", "positions:active:",
    "positions:monitoring:", "signals:entry:",     "signals:exit:"};

// --- documents

static err_t keep_time_left(void *arg, unsigned i, struct span text, int64_t number) {
    (void)i, (void)text;
    *(int64_t *)arg = number;
    return ERR_OK;
}

// Its key, how long it stands, and the document. False: it is not there.
static bool add_document_row(struct sheet *sheet, store_t *store, const char *key) {
    own(buffer) json = {0}, command = {0};
    int64_t left_ms = -1;
    char left[24] = "for ever";
    if (store_get(store, key, &json) || !json.length) return false;
    store_format(&command, 2, (const char *[]){"PTTL", key});
    if (store_pipeline(store, buffer_span(&command), 1, keep_time_left, &left_ms)) return false;
    if (left_ms >= 0) text_between((uint64_t)left_ms * NS_PER_MS, left);
    sheet_add(sheet, key);
    sheet_add(sheet, left);
    sheet_add(sheet, buffer_string(&json));
    return true;
}

static enum outcome show_documents(const struct call *call, store_t *store, const char *what) {
    struct sheet sheet = {0};
    size_t found = 0;
    char key[KEY_TEXT];
    sheet_start(&sheet, "KEY|STANDS FOR|DOCUMENT");
    for (size_t i = 0; i < sizeof common_keys / sizeof *common_keys; i++)
        if (strcmp(common_keys[i][0], what) == 0)
            found += add_document_row(&sheet, store, common_keys[i][1]);
    for (size_t i = 0; i < sizeof symbol_keys / sizeof *symbol_keys; i++) {
        (void)snprintf(key, sizeof key, "%s%.64s", symbol_keys[i], what);
        found += add_document_row(&sheet, store, key);
    }
    if (found) return print_sheet(call, &sheet), DONE;
    sheet_destroy(&sheet);
    return complain_of_call(ANSWER_NO, "nothing is known of %s; tradecast market lists the symbols",
                            what);
}

// --- every symbol

static void add_decimal_cell(struct sheet *sheet, int64_t e8) {
    char text[DECIMAL_TEXT];
    (void)decimal_print(D(e8), text);
    sheet_add(sheet, text);
}

static void add_price_cells(void *arg, const Price *price) {
    struct sheet *sheet = arg;
    char time[TIME_TEXT];
    (void)time_print(price->timestamp, time);
    sheet_add(sheet, price->symbol);
    add_decimal_cell(sheet, price->last);
    sheet_add(sheet, time);
}

static enum outcome list_prices(const struct call *call, store_t *store) {
    struct sheet sheet = {0};
    sheet_start(&sheet, "SYMBOL|>LAST|PRICED AT");
    if (last_prices_load(store, add_price_cells, &sheet)) {
        sheet_destroy(&sheet);
        return complain_of_call(NO_REACH, "%s", store_trouble(store));
    }
    print_sheet(call, &sheet);
    return DONE;
}

enum outcome run_market(struct call *call) {
    own(store) *store = place_store(&call->place, "viewer");
    if (!store) return NO_REACH;
    return call->n_args ? show_documents(call, store, call->args[0]) : list_prices(call, store);
}
