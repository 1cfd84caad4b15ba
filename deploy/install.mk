# make install: the programs, the units of systemd, man pages, docs, samples, completion. PREFIX and DESTDIR as everywhere.   make deb: the same as a Debian package
VERSION := $(shell cut -d\" -f2 -s common/program/version.h)

PREFIX ?= /usr/local
LIBDIR = $(DESTDIR)$(PREFIX)/lib
SHARE = $(DESTDIR)$(PREFIX)/share
UNITS := $(wildcard deploy/systemd/*.service deploy/systemd/*.timer deploy/systemd/*.target)
PREPARE := deploy/prepare deploy/redis.conf deploy/acl deploy/local/layout.py deploy/local/redis.py deploy/local/acl.py deploy/local/processes.py
# Units name the places of a package; another PREFIX is written in.
placed = sed 's,/usr/\(lib\|share\)/tradecast,$(PREFIX)/\1/tradecast,g' $(1) > $(2)

# What --help and the pages point to.
DOCS := README.md ARCHITECTURE.md CHANGELOG.md $(wildcard docs/*.md)
SAMPLES := deploy/sample.yaml deploy/demo.json deploy/config.schema.json deploy/llm-package.schema.json deploy/llm-decision.schema.json deploy/prometheus-rules.yml deploy/prometheus.yml \
           $(wildcard deploy/presets/*.json)
COMPLETION := $(OUT)/completion.bash
# The archive's tables in ClickHouse, as the program that copies them says.
CLICKHOUSE := $(patsubst %,$(OUT)/clickhouse/%.sql,single old cluster)

.PHONY: install man deb man-packages
man-packages:
	@command -v help2man >/dev/null || deploy/setup man
MAN := $(BINS:$(OUT)/bin/%=$(OUT)/man/%.1)
man: $(MAN) $(COMPLETION) $(CLICKHOUSE)
$(COMPLETION): $(OUT)/bin/tradecast
	$< completion bash > $@
$(OUT)/clickhouse/%.sql: $(OUT)/bin/tradecast-sync-clickhouse
	@mkdir -p $(@D)
	$< --ddl=$* > $@
# In its own locale, C, help2man writes ??? for what is not ASCII.
$(OUT)/man/%.1: $(OUT)/bin/% | man-packages
	@mkdir -p $(@D)
	help2man --locale=C.UTF-8 --no-info --no-discard-stderr --section=1 --source="tradecast $(VERSION)" --version-string="$(VERSION)" \
	  --name="$$($< --help | sed -n '1s/^[^ ]* - //p')" --output=$@ $<

install: all man-packages man
	install -d $(LIBDIR)/tradecast $(LIBDIR)/systemd/system/tradecast-.service.d $(LIBDIR)/sysusers.d $(LIBDIR)/tmpfiles.d \
	  $(DESTDIR)$(PREFIX)/bin $(SHARE)/man/man1 $(SHARE)/tradecast/deploy/local $(DESTDIR)/etc/tradecast \
	  $(SHARE)/tradecast/deploy/presets $(SHARE)/tradecast/deploy/clickhouse $(SHARE)/doc/tradecast/docs \
	  $(SHARE)/bash-completion/completions
	install -m 755 $(BINS) $(LIBDIR)/tradecast
	$(foreach u,$(UNITS),$(call placed,$(u),$(LIBDIR)/systemd/system/$(notdir $(u))) &&) true
	$(call placed,deploy/systemd/tradecast-.service.d/10-service.conf,$(LIBDIR)/systemd/system/tradecast-.service.d/10-service.conf)
	$(call placed,deploy/systemd/tradecast.sh,$(DESTDIR)$(PREFIX)/bin/tradecast)
	chmod 755 $(DESTDIR)$(PREFIX)/bin/tradecast
	install -m 644 deploy/systemd/sysusers.conf $(LIBDIR)/sysusers.d/tradecast.conf
	install -m 644 deploy/systemd/tmpfiles.conf $(LIBDIR)/tmpfiles.d/tradecast.conf
	install -m 644 $(MAN) $(SHARE)/man/man1
	$(foreach f,$(DOCS),install -m 644 $(f) $(SHARE)/doc/tradecast/$(f) &&) true
	$(foreach f,$(SAMPLES),install -m 644 $(f) $(SHARE)/tradecast/$(f) &&) true
	install -m 644 $(CLICKHOUSE) $(SHARE)/tradecast/deploy/clickhouse
	install -m 644 $(COMPLETION) $(SHARE)/bash-completion/completions/tradecast
	$(foreach f,$(PREPARE),install -m $(if $(filter %/prepare,$(f)),755,644) $(f) $(SHARE)/tradecast/$(f) &&) true
	for f in deploy/systemd/tradecast.env deploy/env/*.env; do \
	  [ -e $(DESTDIR)/etc/tradecast/$${f##*/} ] || install -m 644 $$f $(DESTDIR)/etc/tradecast/$${f##*/}; done

# A source tree of its own, so that what is built here stays as it is.
deb:
	@deploy/setup build package
	@rm -rf build/deb && mkdir -p build/deb/source
	@git ls-files -z | xargs -0 cp --parents -t build/deb/source
	@cp -r deploy/debian build/deb/source/debian
	@cd build/deb/source && dpkg-buildpackage --build=binary --no-sign --jobs=$(shell nproc) > ../log 2>&1 || { tail -n 20 ../log >&2; exit 1; }
	@ls build/deb/*.deb

# What only a real systemd and a real docker show; both take minutes and root.
.PHONY: test-deploy
test-deploy:
	@deploy/setup build run test package deploy
	@/usr/bin/python3 -m pytest -q tests/deploy
