# make            build (release)            make run     set up and run: the demo, or CONFIG=my.yaml
# make test       set up and pass all tests  make chaos   KILLS=1000 SEED=1: kill things at random, print the tally
# make bench      limits and tradecast, one table            make fuzz   each parser, 30 s
# make scaling    what grows with what, and what larger loads need
# make lint       clang-tidy, cppcheck       make format  clang-format
# make style      the figures of the house, who includes whom, formatting: what CI holds
# make install    PREFIX=/usr/local DESTDIR=      make deb     a Debian package: the programs, systemd's units, man pages
# make chaos-copies KILLS=40: the copies of the archive and what they copy to, killed
# make chaos-hosts KILLS=40 SEED=1 FAULT=loss,resets: several hosts (network namespaces; root), what happens between them
# make test-deploy: the package in a booted systemd, the image under docker-compose
# make sim        STEPS=1000000 SEED=1 MIX=any: the protocol under simulated faults      make coverage   of the delivery core

MAKEFLAGS += --no-builtin-rules
MODE ?= release
OUT := build/$(MODE)

PACKAGES := libzmq libczmq msgpack hiredis sqlite3 libprotobuf-c libmicrohttpd yajl libsodium libsystemd glib-2.0 zlib
WARN := -Wall -Wextra -Werror -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough -Wvla \
        -Wconversion -Wno-sign-conversion -Wundef -Wpointer-arith -Wwrite-strings
HARDEN := -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero \
          -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -fPIE
CFLAGS.release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
# The same with fail points and mutations compiled in: what the kill harness runs.
CFLAGS.chaos := -O2 -g -DTRADECAST_TEST
# Sanitizers as well: what unit, contract and flow tests run.
CFLAGS.check := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -DTRADECAST_TEST
CFLAGS.cover := -O0 -g --coverage -DTRADECAST_TEST
LDFLAGS.check := -fsanitize=address,undefined
LDFLAGS.cover := --coverage

# Asked for when a recipe runs, not when make starts: on a fresh machine the packages come first.
CFLAGS_ALL = -std=gnu2x $(WARN) $(HARDEN) $(CFLAGS.$(MODE)) -I. -Ibuild/proto -MMD -MP $(shell pkg-config --cflags $(PACKAGES)) $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now,-z,noexecstack $(LDFLAGS.$(MODE)) $(LDFLAGS)
LIBS = $(shell pkg-config --libs $(PACKAGES)) -pthread

PROTOS := $(wildcard proto/*.proto)
PB_C := $(PROTOS:proto/%.proto=build/proto/%.pb-c.c)
PB_H := $(PB_C:.c=.h)
COMMON_O := $(patsubst %.c,$(OUT)/%.o,$(wildcard common/*/*.c proto/*.c)) $(PB_C:build/proto/%.c=$(OUT)/pb/%.o)
LIB := $(OUT)/libtradecast.a

SERVICES := $(patsubst services/%/main.c,%,$(wildcard services/*/main.c))
GATEWAYS := $(patsubst gateways/%/main.c,%,$(wildcard gateways/*/main.c))
SYNCS := $(patsubst sync/%/main.c,%,$(wildcard sync/backend/main.c sync/clickhouse/main.c))
BINS := $(SERVICES:%=$(OUT)/bin/tradecast-%) $(SYNCS:%=$(OUT)/bin/tradecast-sync-%) $(GATEWAYS:%=$(OUT)/bin/tradecast-gateway-%) $(OUT)/bin/tradecast $(OUT)/bin/tradecast-replay
# Of the tests: the smallest gateway. Never installed.
FILLER := $(OUT)/bin/tradecast-gateway-filler
UNIT_TESTS := $(patsubst tests/unit/%.c,$(OUT)/tests/%,$(wildcard tests/unit/*/test_*.c))

objects = $(patsubst %.c,$(OUT)/%.o,$(wildcard $(1)/*.c $(1)/*/*.c $(1)/*/*/*.c))

.PHONY: chaos-copies chaos-hosts reference all packages run test unit tools bench scaling chaos fuzz lint style format clean compile_commands.json
all: $(BINS) $(if $(filter check chaos,$(MODE)),$(FILLER))

.SECONDARY:
.SECONDEXPANSION:

build/proto/%.pb-c.c build/proto/%.pb-c.h: proto/%.proto
	@mkdir -p build/proto
	protoc-c --proto_path=proto --c_out=build/proto $<

$(OUT)/pb/%.o: build/proto/%.c | $(PB_H)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -Wno-conversion -c -o $@ $<

$(OUT)/%.o: %.c | $(PB_H)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c -o $@ $<

$(LIB): $(COMMON_O)
	@rm -f $@
	ar rcs $@ $^

# What copies the archive posts rows.
$(SYNCS:%=$(OUT)/bin/tradecast-sync-%): LIBS += $(shell pkg-config --libs libcurl)
$(SYNCS:%=$(OUT)/bin/tradecast-sync-%): $(OUT)/bin/tradecast-sync-%: $$(call objects,sync/$$*) $$(call objects,sync/copy) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(OUT)/tests/backend/% $(OUT)/tests/clickhouse/%: LIBS += $(shell pkg-config --libs libcurl)

# The advisor posts decisions, and asks models.
$(OUT)/bin/tradecast-advisor $(OUT)/tests/advisor/%: LIBS += $(shell pkg-config --libs libcurl)

# Of the command's own, only `send` posts to the webhook; it and replay read YAML.
$(OUT)/bin/tradecast: LIBS += $(shell pkg-config --libs libcurl)
$(OUT)/bin/tradecast $(OUT)/bin/tradecast-replay: LIBS += $(shell pkg-config --libs yaml-0.1)
$(OUT)/tests/cli/% $(OUT)/tests/replay/%: LIBS += $(shell pkg-config --libs libcurl yaml-0.1)
# The command reads an archive with the archiver's own code (one form of a row, one chain, one set of
# queries), and simulate decides with the services' own handlers. The linker takes what is needed.
HANDLERS := $(OUT)/libhandlers.a
$(HANDLERS): $$(filter-out %/main.o,$$(foreach s,archiver ingest router,$$(call objects,services/$$s)))
	@rm -f $@
	ar rcs $@ $^
# What the command shares with tradecast-replay.
CLI := $(OUT)/libcli.a
$(CLI): $$(filter-out %/main.o,$$(call objects,cli))
	@rm -f $@
	ar rcs $@ $^
$(OUT)/bin/tradecast: $(OUT)/cli/main.o $(CLI) $(HANDLERS) $(LIB)
$(OUT)/bin/tradecast-replay: $$(call objects,replay) $(CLI) $(HANDLERS) $(LIB)
$(OUT)/bin/tradecast $(OUT)/bin/tradecast-replay:
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(GATEWAYS:%=$(OUT)/bin/tradecast-gateway-%): $(OUT)/bin/tradecast-gateway-%: $$(call objects,gateways/$$*) $$(call objects,gateways/link) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(FILLER): $$(call objects,tests/gateway) $$(call objects,gateways/link) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(OUT)/tests/link/%: $(OUT)/tests/unit/link/%.o $(OUT)/tests/gateway/filler.o $$(call objects,gateways/link) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka

$(SERVICES:%=$(OUT)/bin/tradecast-%): $(OUT)/bin/tradecast-%: $$(call objects,services/$$*) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# tests/unit/<part>/test_x.c: linked with common and, where there is one, the service or gateway of that name (without its main).
part_objects = $(filter-out %/main.o,$(call objects,services/$(1)) $(call objects,gateways/$(1)) $(call objects,sync/$(1)) \
               $(if $(wildcard sync/$(1)/main.c),$(call objects,sync/copy)) \
               $(if $(wildcard gateways/$(1)/main.c),$(call objects,gateways/link)) $(if $(filter replay,$(1)),$(call objects,replay)) $(if $(filter cli replay,$(1)),$(CLI) $(HANDLERS)))
$(OUT)/tests/%: $(OUT)/tests/unit/%.o $$(call part_objects,$$(firstword $$(subst /, ,$$*))) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka

# What decides about a trade, alone: no handler, no socket, no store is linked.
$(OUT)/tests/trade/%: $(OUT)/tests/unit/trade/%.o $$(call objects,services/executor/trade) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka

# Parsers under a fuzzer, and over their corpora.
include tests/fuzz/fuzz.mk
UNIT_TESTS += $(FUZZ_NAMES:%=$(OUT)/tests/fuzz/%)

# make install, make deb.
include deploy/install.mk

# The delivery core under simulated faults, and which of its branches are taken.
include tests/sim/sim.mk

unit: $(UNIT_TESTS)
	@tests/unit/run $(UNIT_TESTS)

# Small programs that tests and bench use: a load generator, a preloaded shim that makes Redis' fsync slow.
TOOLS := build/tools/load build/tools/limits build/tools/decisions build/tools/archive_feed build/tools/slow_fsync.so
tools: $(TOOLS)
build/tools/load: tests/bench/load.c
	@mkdir -p $(@D)
	$(CC) -std=gnu2x -D_GNU_SOURCE -O2 $(WARN) -o $@ $<
build/tools/limits: tests/bench/limits.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
build/tools/archive_feed: tests/bench/archive_feed.c $(filter-out %/main.o,$(call objects,services/archiver)) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
build/tools/decisions: tests/bench/decisions.c $(HANDLERS) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
build/tools/slow_fsync.so: tests/fault/slow_fsync.c
	@mkdir -p $(@D)
	$(CC) -std=gnu2x -D_GNU_SOURCE -O2 $(WARN) -shared -fPIC -o $@ $<

# What a user types. Each installs what is missing, builds, and does one thing.
again = @$(MAKE) --no-print-directory -s -j$(shell nproc) $(1)
packages:
	@deploy/setup $(or $(SECTIONS),build run)
run: packages
	@$(MAKE) --no-print-directory -q all 2>/dev/null || echo "Building (the first time takes a minute) ..."
	$(call again,all)
	@deploy/tradecast-local
test:
	@deploy/setup build run test
	@echo "Building with sanitizers, and with fail points ..."
	$(call again,MODE=check all)
	$(call again,MODE=chaos all tools)
	$(call again,MODE=check unit)
	-@deploy/engines
	-@command -v npm >/dev/null || deploy/setup node
	@/usr/bin/python3 -m pytest -q -rs --numprocesses=$(or $(WORKERS),2) --dist=loadfile $(or $(TESTS),--ignore=tests/deploy tests)
chaos:
	@deploy/setup build run test
	$(call again,MODE=chaos all tools)
	@/usr/bin/python3 -m tests.fault.chaos
# The copies of the archive and what they copy to, killed KILLS times.
chaos-copies:
	@deploy/setup build run test
	$(call again,MODE=check all)
	-@deploy/engines
	@KILLS=$(or $(KILLS),40) /usr/bin/python3 -m pytest -q -rs -k whoever_is_killed tests/flow/test_clickhouse.py tests/flow/test_backend.py
# Several hosts, and KILLS faults between them: partitions, loss, resets, slow links, hosts that die (tests/hosts/faults.py).
chaos-hosts:
	@deploy/setup build run test
	$(call again,MODE=chaos all tools)
	@/usr/bin/python3 -m tests.hosts.ordeal
bench:
	@deploy/setup build run test
	$(call again,MODE=release all tools)
	@/usr/bin/python3 -m tests.bench.bench
scaling:
	@deploy/setup build run test
	$(call again,MODE=release all tools)
	@/usr/bin/python3 -m tests.bench.scaling
export ONCE PROFILE VAR CONFIG KILLS SEED MIX MUTATE FAULT

# Findings fail. cppcheck sees no library's header; so it is not asked about leaks and conditions, where it would have to know uthash's macros.
FORMATTED = $(shell find common services gateways sync cli replay proto tests -name '*.[ch]')
SOURCES = $(shell find common services gateways sync cli replay -name "*.c")
CPPCHECK = --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr -I. -DTRADECAST_TEST \
           --suppress=missingInclude --suppress=uninitvar --suppress=ctuuninitvar --suppress=unknownEvaluationOrder \
           --suppress=memleak --suppress=unknownMacro --suppress=identicalInnerCondition
lint:
	@deploy/setup build lint
	$(call again,$(PB_H))
	@printf '%s\n' $(SOURCES) | xargs -P $(shell nproc) -n 4 sh -c 'clang-tidy --quiet "$$@" -- -std=gnu2x -I. -Ibuild/proto -DTRADECAST_TEST \
	  $(shell pkg-config --cflags $(PACKAGES)) 2>/dev/null' lint
	@cppcheck $(CPPCHECK) -j $(shell nproc) $(SOURCES)
	@echo "lint: $(words $(SOURCES)) files, nothing found"
# How the house looks, in figures (tests/style/figures.py), who may include whom (layers.py), and the formatter's opinion.
style:
	@deploy/setup style
	@/usr/bin/python3 -m tests.style.figures
	@/usr/bin/python3 -m tests.style.layers
	@clang-format --dry-run -Werror $(FORMATTED)
format:
	@deploy/setup style
	@clang-format -i $(FORMATTED)

# docs/options.md and deploy/env/*.env, from the programs' own tables; the READMEs' maps, from the files' first lines.
reference: all
	@deploy/reference $(OUT)/bin .
	@deploy/maps .

clean:
	rm -rf build

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
