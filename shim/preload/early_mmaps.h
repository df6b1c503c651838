/* SPDX-License-Identifier: Apache-2.0
 *
 * Anonymous memory that C code mapped through libc before there was a table of call sites, that is before a Go runtime
 * began: by constructors, and by the allocator that they call. The first few are kept until then, and get rows like
 * all later ones.
 */
#ifndef GPW_PRELOAD_EARLY_MMAPS_H
#define GPW_PRELOAD_EARLY_MMAPS_H

#include <stdatomic.h>
#include <stdint.h>

struct shim;

enum { EARLY_MMAPS_MAX = 128 };

struct early_mmap {
    uintptr_t start;
    uint8_t protection;
    _Atomic uint64_t bytes; /* 0: not filled in yet; written last */
};

struct early_mmaps {
    _Atomic uint32_t is_closed;
    _Atomic uint32_t taken;
    struct early_mmap rows[EARLY_MMAPS_MAX];
    uintptr_t callers[EARLY_MMAPS_MAX]; /* return address of each */
};

/* Allowed context: hook. */
void early_mmaps_add(struct early_mmaps *early, uintptr_t start, uint64_t bytes, int protection, uintptr_t caller);

/* No more are kept from now on. Those that are still mapped get call sites, if there is a table of them. Allowed
 * context: discovery. */
void early_mmaps_close(struct shim *shim);

/* Return addresses, one for each call, after early_mmaps_close. Allowed context: dumper. */
uint32_t early_mmaps_callers(const struct early_mmaps *early, const uintptr_t **callers);

#endif
