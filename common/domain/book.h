// book - the configuration as every service holds it: snapshot from the archiver's cache, then
// changes as they come, in order.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/error.h"
#include "common/domain/shard.h"
#include "common/redis/store.h"
#include "config.pb-c.h"

typedef struct book book_t;

book_t *book_new(void);
void book_destroy(book_t **self);
// the snapshot in Redis, and which executor has whom
err_t book_load(book_t *self, store_t *store);
// older than what is held: nothing happens
err_t book_apply(book_t *self, const ConfigChange *change);
// grows with every change: caches are rebuilt when it moves
uint64_t book_version(const book_t *self);

// NULL when there is none. What is returned is valid until the next book_apply.
const AccountConfig *book_account(const book_t *self, const char *account_id);
const BrokerConfig *book_broker(const book_t *self, const char *broker_id);
const InstanceConfig *book_instance(const book_t *self, const char *instance_id);
const SignalConfig *book_source(const book_t *self, const char *config_id);
// risk rules by name
const RiskConfig *book_preset(const book_t *self, const char *preset_id);
// by the signal's name
const SymbolConfig *book_symbol(const BrokerConfig *broker, const char *symbol);
const SymbolConfig *book_symbol_of_broker(const BrokerConfig *broker, const char *broker_symbol);
// The broker's name of a symbol, in out (64 bytes). False: the broker does not list it.
bool book_broker_symbol(const BrokerConfig *broker, const char *symbol, char out[static 64]);

// An account's subscription to a source: the pair, for the fan-out. Sorted by account_id; valid
// until the next book_apply.
struct subscriber {
    const AccountConfig *account;
    const Subscription *subscription;
};
size_t book_subscribers(const book_t *self, const char *source, const struct subscriber **out);
// Which of so many executors has an account, or the accounts of an instance (shard.h).
unsigned book_shard(const book_t *self, const AccountConfig *account, unsigned shards);
unsigned book_instance_shard(const book_t *self, const InstanceConfig *instance, unsigned shards);
// the instance that serves it; NULL: none
const InstanceConfig *book_server(const book_t *self, const char *account_id);
typedef void book_broker_fn(void *arg, const BrokerConfig *broker);
void book_each_broker(const book_t *self, book_broker_fn *visit, void *arg);
typedef void book_source_fn(void *arg, const SignalConfig *source);
void book_each_source(const book_t *self, book_source_fn *visit, void *arg);
typedef void book_account_fn(void *arg, const AccountConfig *account);
void book_each_account(const book_t *self, book_account_fn *visit, void *arg);
typedef void book_instance_fn(void *arg, const InstanceConfig *instance);
void book_each_instance(const book_t *self, book_instance_fn *visit, void *arg);
