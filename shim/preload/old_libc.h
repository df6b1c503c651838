/* SPDX-License-Identifier: Apache-2.0
 *
 * Symbol versions by architecture, so that the library loads with an older glibc than it was built with.
 */
#ifndef GPW_PRELOAD_OLD_LIBC_H
#define GPW_PRELOAD_OLD_LIBC_H

#if defined(__x86_64__)
#include "preload/old_libc_amd64.h"
#else
#error "old_libc: this architecture has no old_libc_ARCH.h yet"
#endif

#endif
