/* SPDX-License-Identifier: Apache-2.0
 *
 * How much more memory this process may map, and how much of that is for us.
 *
 * Where that is limited, what a dump takes while it lasts the program cannot have, and Go ends a program whose heap
 * cannot grow. So the shim leaves it most of what is left.
 *
 * Allowed context: constructor, discovery, dumper, command.
 */
#ifndef GPW_MEMORY_LIMITS_H
#define GPW_MEMORY_LIMITS_H

#include <stdint.h>

/* The least of what RLIMIT_AS, RLIMIT_DATA and, where the kernel promises no more than it has (vm.overcommit_memory=2),
 * CommitLimit leave. UINT64_MAX: nothing limits it, or nobody knows. */
uint64_t limits_left_bytes(void);

/* `wanted_bytes`, or a quarter of what is left, in whole MiB, where that is less. */
uint64_t limits_share_bytes(uint64_t wanted_bytes);

/* The mend that a line about no memory ends with. */
#define LIMITS_MEND "; raise the limit (ulimit -v, ulimit -d, vm.overcommit_memory)"

#endif
