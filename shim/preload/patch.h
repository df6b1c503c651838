/* SPDX-License-Identifier: Apache-2.0
 *
 * Seeing what the Go runtime does by raw system calls: the first instruction of a function is replaced by a jump to our
 * stub.
 *
 * Allowed context: constructor, discovery, before the runtime can be in the function. The stub stays mapped for ever
 * and the patch is never taken back.
 */
#ifndef GPW_PRELOAD_PATCH_H
#define GPW_PRELOAD_PATCH_H

#include "goruntime/runtime_find.h"

/* Patches the runtime.madvise that `runtime` names. NULL, and `trampoline` gets the page mapped for it; or the reason
 * why not, a sentence that lives for ever, and then nothing was changed. */
const char *patch_madvise(const struct go_runtime *runtime, uintptr_t *trampoline);

/* The same for runtime.exit: the dump at exit is made before the process ends. */
const char *patch_exit(const struct go_runtime *runtime, uintptr_t *trampoline);

#endif
