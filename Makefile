# SPDX-License-Identifier: Apache-2.0
#
# make            the shim and the command, below build/
# make help       all targets

BUILD   := build
PREFIX  ?= /usr/local
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
HOOK_FILES  := region shadow events record interpose_memory
SHIM_LDFLAGS := -shared -Wl,--version-script=shim/preload/libgopagewatch.map \
    -Wl,-z,now,-z,relro,-z,nodelete,-z,defs,-z,noexecstack -Wl,-Bsymbolic-functions -Wl,--as-needed

ARCH     := amd64
by_arch   = $(filter-out $(filter-out %_$(ARCH).$(2),$(foreach a,amd64 arm64,$(wildcard $(1)/*_$(a).$(2)))),$(wildcard $(1)/*.$(2)))
# The rooms that the shim and the command share.
LIB_SRC  := $(foreach d,shim/memory shim/goruntime shim/dump,$(call by_arch,$(d),c)) shim/preload/shadow.c shim/preload/region.c shim/preload/events.c
PRELOAD_SRC := $(filter-out $(LIB_SRC),$(call by_arch,shim/preload,c)) $(call by_arch,shim/preload,S)
HARNESS_SRC := $(wildcard harness/*.c)

SHIM_OBJ := $(patsubst %,$(BUILD)/shim.o/%.o,$(basename $(LIB_SRC) $(PRELOAD_SRC)))
LIB_OBJ  := $(patsubst %,$(BUILD)/lib.o/%.o,$(basename $(LIB_SRC)))
HARNESS_OBJ := $(patsubst %.c,$(BUILD)/lib.o/%.o,$(HARNESS_SRC))
hook_flags = $(if $(filter $(HOOK_FILES),$(notdir $(basename $<))),$(HOOK_CFLAGS))

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all help clean

all: $(BUILD)/libgopagewatch.so $(BUILD)/gopagewatch ## build both (the default)

$(BUILD)/libgopagewatch.so: $(SHIM_OBJ) shim/preload/libgopagewatch.map
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $(SHIM_OBJ) $(SHIM_LDFLAGS)

$(BUILD)/shim.o/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SHIM_CFLAGS) $(hook_flags) -c $< -o $@

$(BUILD)/shim.o/%.o: %.S
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SHIM_CFLAGS) -c $< -o $@

$(BUILD)/lib.o/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -I. -c $< -o $@

$(BUILD)/gopagewatch: $(HARNESS_OBJ) $(LIB_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $^ -ljansson

clean: ## remove what was built, but not the Go toolchains
	$(Q)rm -rf $(BUILD)/shim.o $(BUILD)/lib.o $(BUILD)/libgopagewatch.so $(BUILD)/gopagewatch

help: ## this list
	$(Q)awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

-include $(SHIM_OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(HARNESS_OBJ:.o=.d)
