# fuzz_<part>_<name>.c: one target each, linked with common and that part. `make fuzz` runs each for FUZZ_S seconds (clang's libFuzzer);
# replay.c runs it over its corpus, as a unit test.
FUZZ_S ?= 30
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZERS := $(FUZZ_NAMES:%=build/fuzz/fuzzers/%)

CFLAGS.fuzz := -w -DTRADECAST_TEST -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
LDFLAGS.fuzz := -fsanitize=fuzzer,address,undefined
ifeq ($(MODE),fuzz)
CC := clang
HARDEN := -fPIE
endif

fuzz_objects = $(call part_objects,$(firstword $(subst _, ,$(1))))
build/fuzz/fuzzers/%: build/fuzz/tests/fuzz/fuzz_%.o $$(call fuzz_objects,$$*) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(OUT)/tests/fuzz/%: $(OUT)/tests/fuzz/replay.o $(OUT)/tests/fuzz/fuzz_%.o $$(call fuzz_objects,$$*) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka

.PHONY: fuzzers
fuzzers: $(FUZZERS)
fuzz:
	@deploy/setup build test
	$(call again,MODE=fuzz fuzzers)
	@printf '%s\n' $(FUZZ_NAMES) | xargs -P $(shell nproc) -n 1 tests/fuzz/run $(FUZZ_S)
	@echo "fuzz: $(words $(FUZZ_NAMES)) parsers, $(FUZZ_S) s each, nothing found"
