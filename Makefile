# SPDX-License-Identifier: Apache-2.0
#
# make            the shim and the command, below build/
# make help       all targets

BUILD   := build
PREFIX  ?= /usr/local
DESTDIR ?=
Q       := $(if $(V),,@)
say      = @printf '%-8s%s\n' '$(1)' '$(2)'

CC      := gcc
CSTD    := -std=gnu17 -D_GNU_SOURCE
WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef
CFLAGS  := -O2 -g $(CSTD) $(WARN) -Ishim -Iinclude -MMD -MP

# Inside the target: nothing of libc's thread-local storage is used (no stack protector), frame pointers are kept.
SHIM_CFLAGS := $(CFLAGS) -fPIC -fvisibility=hidden -fno-omit-frame-pointer -fno-stack-protector -fno-plt
# What a hook runs: general registers only, and no call that the compiler makes up.
HOOK_CFLAGS := -mgeneral-regs-only -fno-tree-loop-distribute-patterns -fno-builtin
HOOK_FILES  := region shadow events record stacks unwinder callsites early_mmaps interpose_memory
SHIM_LDFLAGS := -shared -Wl,--version-script=shim/preload/libgopagewatch.map \
    -Wl,-z,now,-z,relro,-z,nodelete,-z,defs,-z,noexecstack -Wl,-Bsymbolic-functions -Wl,--as-needed

ARCH     := amd64
by_arch   = $(filter-out $(filter-out %_$(ARCH).$(2),$(foreach a,amd64 arm64,$(wildcard $(1)/*_$(a).$(2)))),$(wildcard $(1)/*.$(2)))
# The rooms that the shim and the command share.
LIB_SRC  := $(foreach d,shim/memory shim/goruntime shim/dump,$(call by_arch,$(d),c)) $(patsubst %,shim/preload/%.c,shadow region events callsites options watches log output)
PRELOAD_SRC := $(filter-out $(LIB_SRC),$(call by_arch,shim/preload,c)) $(call by_arch,shim/preload,S)
HARNESS_SRC := $(wildcard harness/*.c harness/*.S)
HARNESS_LIBS := -ljansson -lz -ldw -lelf -lncursesw -ltinfo -linih -lm

SHIM_OBJ := $(patsubst %,$(BUILD)/shim.o/%.o,$(basename $(LIB_SRC) $(PRELOAD_SRC)))
LIB_OBJ  := $(patsubst %,$(BUILD)/lib.o/%.o,$(basename $(LIB_SRC)))
HARNESS_OBJ := $(patsubst %,$(BUILD)/lib.o/%.o,$(basename $(HARNESS_SRC)))
HOOK_OBJ := $(HOOK_FILES:%=$(BUILD)/shim.o/shim/preload/%.o)
hook_flags = $(if $(filter $(HOOK_FILES),$(notdir $(basename $<))),$(HOOK_CFLAGS))


# ---- what tests need: Debian packages, Go toolchains, programs ----
PACKAGES_BUILD := libjansson-dev libelf-dev libdw-dev libncurses-dev zlib1g-dev libinih-dev uthash-dev
PACKAGES_TEST  := $(PACKAGES_BUILD) groff-base mandoc pkg-config libcriterion-dev python3 python3-jsonschema \
    python3-prometheus-client cmark-gfm python3-yaml strace binutils clang libunwind8 \
    libjemalloc-dev libtcmalloc-minimal4 libmimalloc2.0
PACKAGES_BROWSER := chromium fonts-dejavu-core
PACKAGES_LINT  := git clang-format clang-tidy cppcheck shellcheck
PACKAGES_FUZZ  := $(PACKAGES_TEST) libclang-rt-14-dev

GO_OLDEST := 1.19
GO_ALL    := 1.19 1.21 1.22 1.23 1.24 1.25 1.26 1.27
# Those that are there; `make test` gets the others first, and goes on with these where they cannot be had.
go_found   = $(foreach v,$(GO_ALL),$(if $(wildcard $(BUILD)/go/$(v)/bin/go),$(v)))
go_ends    = $(sort $(firstword $(go_found)) $(lastword $(go_found)))
# Forms for which all of Go's library is compiled once more are built with two: the race detector, user arenas (go1.20 on).
go_arenas  = $(sort $(firstword $(filter-out 1.17 1.18 1.19,$(go_found))) $(lastword $(go_found)))

TEST_CFLAGS := $(CFLAGS) -I. -Itests
UNIT_ROOMS  := $(sort $(patsubst tests/unit/%/,%,$(filter-out tests/unit/support/,$(wildcard tests/unit/*/))))
UNIT_BIN    := $(UNIT_ROOMS:%=$(BUILD)/tests/unit_%)
E2E_BIN     := $(BUILD)/tests/e2e
BENCH_BIN   := $(BUILD)/tests/bench
LAYOUTS_BIN := $(BUILD)/tests/layouts
SYMBOLIZE_BIN := $(BUILD)/tests/symbolize
VARIABLE_BIN := $(BUILD)/tests/variable
TEST_SRC    := $(wildcard tests/unit/*/*.c tests/e2e/*.c tests/e2e/support/*.c tests/bench/*.c tests/setup/*/*.c)
TEST_OBJ    := $(TEST_SRC:%.c=$(BUILD)/lib.o/%.o)
unit_obj     = $(patsubst %.c,$(BUILD)/lib.o/%.o,$(wildcard tests/unit/$(1)/*.c tests/unit/support/*.c))
# Everything of the shim but the functions that would stand for libc's in the test itself.
PRELOAD_TEST_OBJ := $(filter-out %/interpose_memory.o,$(patsubst %,$(BUILD)/lib.o/%.o,$(basename $(PRELOAD_SRC))))

CRITERION := --jobs 2 --color=never

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all help clean toolchains apps pprof demo maps gate gate_apps gate-baseline layouts unit e2e stdlib check test check-loop bench lint format fuzz packages built
.SECONDEXPANSION:

all: $(BUILD)/libgopagewatch.so $(BUILD)/gopagewatch ## build both (the default)

$(BUILD)/libgopagewatch.so: $(SHIM_OBJ) shim/preload/libgopagewatch.map
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $(SHIM_OBJ) $(SHIM_LDFLAGS)

$(BUILD)/gopagewatch: $(HARNESS_OBJ) $(LIB_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $^ $(HARNESS_LIBS)

$(BUILD)/shim.o/%.o: %.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SHIM_CFLAGS) $(hook_flags) -c $< -o $@

$(BUILD)/shim.o/%.o: %.S Makefile
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SHIM_CFLAGS) -c $< -o $@

$(BUILD)/lib.o/tests/%.o: tests/%.c Makefile | $(BUILD)/.packages-test
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) -c $< -o $@

$(BUILD)/lib.o/%.o: %.c Makefile | $(BUILD)/.packages-build
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -fvisibility=hidden -I. $(hook_flags) -c $< -o $@

$(BUILD)/lib.o/%.o: %.S Makefile
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -fvisibility=hidden -c $< -o $@

# The page of `report --html`; its policy lets in what has these hashes (html_template.S).
HTML_SCRIPT := $(addprefix harness/html/,base.js sections.js sites.js time_line.js arena_map.js report.js)
html_hash    = sha256-$(shell cat $(1) | sha256sum | cut -c 1-64 | tr a-f A-F | basenc --base16 -d | base64)
$(BUILD)/lib.o/harness/html_template.o: harness/html/report.html harness/html/report.css $(HTML_SCRIPT)
$(BUILD)/lib.o/harness/html_template.o: CFLAGS += -DSTYLE_HASH='"$(call html_hash,harness/html/report.css)"' \
    -DSCRIPT_HASH='"$(call html_hash,$(HTML_SCRIPT))"'

$(BUILD)/.packages-build: ; $(Q)mkdir -p $(@D) && tests/setup/packages.sh $(PACKAGES_BUILD) && touch $@
$(BUILD)/.packages-test:  ; $(Q)mkdir -p $(@D) && tests/setup/packages.sh $(PACKAGES_TEST) && touch $@
$(BUILD)/.packages-browser: ; $(Q)mkdir -p $(@D) && tests/setup/packages.sh $(PACKAGES_BROWSER) && touch $@
$(BUILD)/.packages-lint:  ; $(Q)mkdir -p $(@D) && tests/setup/packages.sh $(PACKAGES_TEST) $(PACKAGES_LINT) && touch $@
$(BUILD)/.packages-fuzz:  ; $(Q)mkdir -p $(@D) && tests/setup/packages.sh $(PACKAGES_FUZZ) && touch $@

include install.mk

# One after the other: apt has one lock.
packages: $(addprefix $(BUILD)/.packages-,build test lint fuzz browser)
	@:

built: all $(UNIT_BIN) $(E2E_BIN) $(LAYOUTS_BIN) $(SYMBOLIZE_BIN) $(VARIABLE_BIN) $$(ASAN_BIN) $$(FUZZ_BIN)
	@:

toolchains: ## fetch every Go from 1.19 to 1.27 from Debian, into build/go
	$(Q)tests/setup/toolchains.sh $(BUILD)/go $(GO_ALL)

$(BUILD)/go/$(GO_OLDEST)/bin/go:
	$(Q)tests/setup/toolchains.sh $(BUILD)/go $(GO_OLDEST)

# The oldest, which is done soonest, comes last: two are at it until the end.
apps: | $(BUILD)/go/$(GO_OLDEST)/bin/go $(BUILD)/.packages-test
	$(Q)printf '%s\n' $(go_found) | tac | APPS_RACE="$(go_ends)" APPS_ARENAS="$(go_arenas)" xargs -n 1 -P 2 tests/setup/apps.sh $(BUILD)/apps $(BUILD)/go

$(BUILD)/etcd/usr/bin/etcd:
	$(Q)tests/setup/unpack.sh $(BUILD)/etcd etcd-server etcd-client -- usr/bin/etcd usr/bin/etcdctl

PROMETHEUS := usr/bin/prometheus usr/bin/promtool usr/bin/prometheus-node-exporter
$(BUILD)/prometheus/usr/bin/prometheus:
	$(Q)tests/setup/unpack.sh $(BUILD)/prometheus prometheus prometheus-node-exporter -- $(PROMETHEUS)

# Later toolchains build their pprof when it is first asked for, all build what tests import: not in a test, which would
# wait for it.
pprof: | $(BUILD)/go/$(GO_OLDEST)/bin/go
	$(Q)for v in $(go_ends); do mkdir -p $(BUILD)/gocache/$$v/packages && \
	    export GOTOOLCHAIN=local GOENV=off GOPROXY=off GOFLAGS= GOCACHE=$(CURDIR)/$(BUILD)/gocache/$$v/packages && \
	    $(BUILD)/go/$$v/bin/go tool -n pprof >/dev/null && (cd tests/apps/gated && cp ../go.mod $(CURDIR)/$(BUILD)/gocache/$$v/gated.mod && \
	    $(CURDIR)/$(BUILD)/go/$$v/bin/go test -mod=mod -modfile=$(CURDIR)/$(BUILD)/gocache/$$v/gated.mod -run NONE . >/dev/null) || exit 1; done

demo: all $(BUILD)/go/$(GO_OLDEST)/bin/go ## a Go/cgo program under the shim, three dumps, explained
	$(Q)APPS_ONLY=mapdemo tests/setup/apps.sh $(BUILD)/apps $(BUILD)/go $(GO_OLDEST)
	$(Q)tests/setup/demo.sh $(BUILD)/libgopagewatch.so $(BUILD)/gopagewatch $(BUILD)/apps/$(GO_OLDEST)/mapdemo $(BUILD)/demo

maps: all toolchains | $(BUILD)/.packages-test ## measure what Go maps cost, for docs/maps.md: its tables, data and pictures
	$(Q)printf '%s\n' $(go_found) | APPS_ONLY=mapcost xargs -n 1 -P 2 tests/setup/apps.sh $(BUILD)/apps $(BUILD)/go
	$(Q)/usr/bin/python3 -B tests/setup/maps measure $(BUILD) docs/maps.md $(go_found)

# The project's own gate: two of its programs against baselines that are committed.
GATE = GOMAXPROCS=2 $(BUILD)/gopagewatch run --samples 6 --check --config tests/gate/gopagewatch.ini
GATE_APPS := $(BUILD)/apps/$(GO_OLDEST)
gate_apps: all $(BUILD)/go/$(GO_OLDEST)/bin/go
	$(Q)APPS_ONLY='mapdemo planted' tests/setup/apps.sh $(BUILD)/apps $(BUILD)/go $(GO_OLDEST)

gate: gate_apps ## the memory of our own demo programs, against tests/gate/*.json
	$(Q)$(GATE) --baseline tests/gate/mapdemo.json -- $(GATE_APPS)/mapdemo </dev/null >/dev/null
	$(Q)$(GATE) --baseline tests/gate/planted.json --label done -- $(GATE_APPS)/planted none

gate-baseline: gate_apps ## measure these programs anew
	$(Q)$(GATE) --update-baseline tests/gate/mapdemo.json -- $(GATE_APPS)/mapdemo </dev/null >/dev/null
	$(Q)$(GATE) --update-baseline tests/gate/planted.json --label done -- $(GATE_APPS)/planted none

$(UNIT_BIN): $(BUILD)/tests/unit_%: $$(call unit_obj,$$*) $(LIB_OBJ) $(PRELOAD_TEST_OBJ) $(filter-out %/main.o,$(HARNESS_OBJ))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ -lcriterion $(HARNESS_LIBS) -lm

$(E2E_BIN): $(patsubst %.c,$(BUILD)/lib.o/%.o,$(wildcard tests/e2e/*.c tests/e2e/support/*.c))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ -lcriterion -ljansson -lm

$(BENCH_BIN): $(patsubst %.c,$(BUILD)/lib.o/%.o,$(wildcard tests/bench/*.c))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ -ljansson -lm

$(LAYOUTS_BIN): $(patsubst %.c,$(BUILD)/lib.o/%.o,$(wildcard tests/setup/layouts/*.c))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ -ldw -lelf -ljansson

$(SYMBOLIZE_BIN) $(VARIABLE_BIN): $(BUILD)/tests/%: $$(BUILD)/lib.o/tests/setup/$$*/$$*.o $(LIB_OBJ) $(filter-out %/main.o,$(HARNESS_OBJ))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ $(HARNESS_LIBS)

layouts: $(LAYOUTS_BIN) ## regenerate shim/goruntime/layouts_*.c, by the DWARF of every toolchain found
	$(Q)tests/setup/layouts.sh $(LAYOUTS_BIN) $(BUILD)/layouts $(BUILD)/go shim/goruntime

unit: $(UNIT_BIN) ## unit tests
	$(Q)for test in $(UNIT_BIN); do $$test $(CRITERION) || exit 1; done

e2e: all $(E2E_BIN) $(LAYOUTS_BIN) $(SYMBOLIZE_BIN) $(VARIABLE_BIN) $$(ASAN_BIN) $(BUILD)/etcd/usr/bin/etcd $(BUILD)/prometheus/usr/bin/prometheus apps pprof | $(BUILD)/.packages-browser ## real Go programs, by every toolchain found
	$(Q)GPW_BUILD=$(BUILD) GPW_TOOLCHAINS="$(go_found)" $(E2E_BIN) $(CRITERION) --jobs 3
	$(Q)GPW_BUILD=$(BUILD) GPW_TOOLCHAINS="$(go_found)" GPW_ALONE=1 $(E2E_BIN) $(CRITERION) --jobs 1 --filter 'alone/*'

stdlib: all | $(BUILD)/go/$(GO_OLDEST)/bin/go ## tests of Go's standard library, with and without the shim
	$(Q)for v in $(go_ends); do \
	    GOCACHE=$(CURDIR)/$(BUILD)/gocache/$$v/packages tests/e2e/stdlib.sh $(BUILD)/libgopagewatch.so $(BUILD)/go/$$v $(BUILD)/stdlib/$$v || exit 1; \
	done

# Each target with all that parses hostile input; what only builds the input is not followed for coverage.
FUZZ_SECONDS := 60
FUZZ_CFLAGS := $(CSTD) -O1 -g -Ishim -Iinclude -I. -MMD -MP -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_SRC := $(LIB_SRC) $(filter-out harness/main.c,$(HARNESS_SRC)) $(addprefix tests/unit/support/,fake_memory.c go_image.c go_lines.c files.c fake_heap.c fake_heap_populate.c fake_profile.c fake_go.c)
FUZZ_OBJ := $(patsubst %.c,$(BUILD)/fuzz.o/%.o,$(filter %.c,$(FUZZ_SRC))) $(BUILD)/lib.o/harness/html_template.o
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.c))

$(BUILD)/fuzz.o/%.o: %.c Makefile | $(BUILD)/.packages-fuzz
	$(call say,FUZZCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) $(if $(filter tests/unit/support/%,$<),,-fsanitize=fuzzer-no-link) -c $< -o $@

# The command of the same objects, for tests: whatever it is given, it neither crashes nor leaks.
ASAN_BIN := $(BUILD)/asan/gopagewatch
$(ASAN_BIN): $(BUILD)/fuzz.o/harness/main.o $(filter-out $(BUILD)/fuzz.o/tests/%,$(FUZZ_OBJ))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -o $@ $^ $(HARNESS_LIBS)
	$(Q)ln -sf ../libgopagewatch.so $(@D)/

$(FUZZ_BIN): $(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZ_OBJ)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_OBJ) $(HARNESS_LIBS)

fuzz: $(FUZZ_BIN) ## fuzz what parses hostile input, FUZZ_SECONDS a target
	$(Q)printf '%s\n' $(FUZZ_BIN) | xargs -P 2 -I '{}' sh -c '{} -max_total_time=$(FUZZ_SECONDS) -len_control=0 -verbosity=0 \
	    -print_final_stats=0 -artifact_prefix=$(BUILD)/fuzz/ >{}.log 2>&1 || { tail -40 {}.log; exit 1; }; \
	    echo "fuzz: $$(basename {}): nothing found in $(FUZZ_SECONDS) s"'

check: all unit ## the quick test: unit tests and one toolchain
	$(Q)$(MAKE) --no-print-directory e2e GO_ALL=$(GO_OLDEST)

test: ## everything: lint, unit, e2e, standard library and a short fuzz, with every toolchain that can be had
	$(Q)$(MAKE) --no-print-directory packages
	$(Q)$(MAKE) --no-print-directory -j $(shell nproc) built & built=$$!; \
	    $(MAKE) --no-print-directory toolchains || echo "test: going on with the toolchains that are there"; wait $$built
	$(Q)$(MAKE) --no-print-directory lint
	$(Q)$(MAKE) --no-print-directory unit e2e gate stdlib
	$(Q)$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=5

check-loop: all $(E2E_BIN) $(UNIT_BIN) $(LAYOUTS_BIN) $(SYMBOLIZE_BIN) $(VARIABLE_BIN) $$(ASAN_BIN) apps ## repeat what threads can break, 20 times
	$(Q)for i in $$(seq 20); do $(BUILD)/tests/unit_preload $(CRITERION) -q && GPW_BUILD=$(BUILD) $(E2E_BIN) $(CRITERION) -q || exit 1; done

bench: all $(BENCH_BIN) $(BUILD)/etcd/usr/bin/etcd apps ## what the shim costs, with and without in one run
	$(Q)$(BENCH_BIN) $(BUILD)/libgopagewatch.so $(BUILD)/apps/$(lastword $(go_found)) $(BUILD)/etcd/usr/bin/etcd $(PARTS)

# ---- style ----
# A quarter of the analyzer's usual steps through a function, in a quarter of the time.
TIDY_FLAGS := $(addprefix --extra-arg=,-Xclang -analyzer-config -Xclang max-nodes=50000)
C_FILES  := $(shell git ls-files '*.c' '*.h' 2>/dev/null)
SH_FILES := $(shell git ls-files '*.sh' .ci/run 2>/dev/null)

lint: $(BUILD)/libgopagewatch.so $(BUILD)/.packages-lint ## compilers, clang-format, clang-tidy, cppcheck, shellcheck
	$(call say,LINT,format)
	$(Q)clang-format --style=file --dry-run -Werror $(C_FILES)
	$(call say,LINT,clang)
	$(Q)printf '%s\n' $(filter %.c,$(C_FILES)) | xargs -P 2 -n 16 clang $(CSTD) $(WARN) -O2 -Ishim -Iinclude -I. -Itests -fsyntax-only
	$(call say,LINT,tidy)
	$(Q)printf '%s\n' $(filter shim/%.c harness/%.c,$(C_FILES)) | xargs -P 2 -n 4 sh -c 'clang-tidy --quiet $(TIDY_FLAGS) "$$@" -- $(CSTD) -Ishim -Iinclude -I. 2>/dev/null' tidy
	$(call say,LINT,cppcheck)
	$(Q)cppcheck -q --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --std=c11 --suppress=missingIncludeSystem -Ishim -Iinclude -I. shim harness
	$(call say,LINT,hooks)
	$(Q)objdump -d $(HOOK_OBJ) | awk '/%[xyz]mm/ { print "a hook uses a vector register:" $$0; exit 1 }'
	$(Q)nm -u $(HOOK_OBJ) | awk '$$1 == "U" && $$2 !~ /^(_GLOBAL_OFFSET_TABLE_|__errno_location|gpw_|shim_|shadow_|record_|event_|region_|stacks_|callsites_|early_mmaps_|unwinder_)/ \
	    { print "a hook calls " $$2; exit 1 }'
	$(call say,LINT,docs)
	$(Q)awk -F '"' '/ X\(/ { print $$2 }' include/gopagewatch/class.h | while read -r class; do \
	    for doc in docs/dump-format.md docs/dump.schema.json; do \
	        grep -q -F "$$class" $$doc || { echo "$$doc does not know class $$class"; exit 1; }; done; done
	$(Q)grep -o '{"[a-z-]*", [a-z]*_argument' harness/*.c | tr -d '{' | tr '":' '  ' | while read -r file option rest; do \
	    grep -q -E -e "^[^\"]*\"  .*--$$option[ ,\\]" "$$file" || { echo "the help page in $$file does not know --$$option"; exit 1; }; done
	$(call say,LINT,manual)
	$(Q)$(MAKE) --no-print-directory $(MANUAL)
	$(Q)groff -ww -man -Tutf8 -z $(BUILD)/gopagewatch.1
	$(Q)mandoc -Tlint -W all $(BUILD)/gopagewatch.1
	$(Q)shellcheck -s bash $(BUILD)/gopagewatch.bash
	$(call say,LINT,shell)
	$(Q)shellcheck $(SH_FILES)
	$(Q)$(BUILD)/go/$(GO_OLDEST)/bin/gofmt -l tests/apps | awk '{ print "not formatted: " $$0; bad = 1 } END { exit bad }'

format: ## let clang-format do it
	$(Q)clang-format -i $(C_FILES)

clean: ## remove what was built, but not toolchains and fetched programs
	$(Q)rm -rf $(BUILD)/shim.o $(BUILD)/lib.o $(BUILD)/fuzz.o $(BUILD)/asan $(BUILD)/tests $(BUILD)/layouts $(BUILD)/apps $(BUILD)/demo $(BUILD)/html $(BUILD)/stdlib \
	    $(BUILD)/libgopagewatch.so $(BUILD)/gopagewatch $(BUILD)/gopagewatch.*

help: ## this list
	$(Q)awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

-include $(FUZZ_OBJ:.o=.d) $(BUILD)/fuzz.o/harness/main.d $(SHIM_OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(HARNESS_OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(PRELOAD_TEST_OBJ:.o=.d)
