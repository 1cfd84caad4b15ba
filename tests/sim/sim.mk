# sim.mk - the simulator, and the coverage of what it drives.
# SPDX-License-Identifier: MIT
.PHONY: sim coverage

# The simulator: the delivery core driven through faults in one process. STEPS=1000000 SEED=1 MIX=any MUTATE=
SIM_O = $(patsubst %.c,$(OUT)/%.o,$(filter-out %/main.c,$(wildcard tests/sim/*.c))) $(OUT)/services/executor/trade/in_doubt/doubt.o
$(OUT)/bin/sim: $(OUT)/tests/sim/main.o $$(SIM_O) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(OUT)/tests/sim/test_%: $(OUT)/tests/unit/sim/test_%.o $$(SIM_O) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka
sim: packages
	$(call again,MODE=chaos build/chaos/bin/sim)
	@build/chaos/bin/sim --steps $(or $(STEPS),1000000) --seed $(or $(SEED),1) --mix $(or $(MIX),any) $(if $(MUTATE),--mutate $(MUTATE))

# Which branches of the delivery core the unit tests and the simulator take: all.
CORE := common/delivery/delivery.c common/delivery/ring.c services/executor/trade/in_doubt/doubt.c
CORE_TESTS := common/test_delivery common/test_ring executor/test_doubt sim/test_sim sim/test_edges
coverage:
	@deploy/setup build test
	@find build/cover -name '*.gcda' -delete 2>/dev/null || true
	$(call again,MODE=cover $(CORE_TESTS:%=build/cover/tests/%))
	@set -e; for t in $(CORE_TESTS); do build/cover/tests/$$t; done
	@tests/sim/coverage build/cover $(CORE)
