/* SPDX-License-Identifier: Apache-2.0
 *
 * The clock that hooks read. Allowed context: hook.
 */
#ifndef GPW_MEMORY_CLOCK_H
#define GPW_MEMORY_CLOCK_H

#if defined(__x86_64__)
#include "memory/clock_amd64.h"
#else
#error "clock_ticks: this architecture has no clock_ARCH.h yet"
#endif

#endif
