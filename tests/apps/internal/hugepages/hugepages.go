// SPDX-License-Identifier: Apache-2.0

// Package hugepages has the kernel put huge pages over memory that was given back: what khugepaged does, at once.
package hugepages

/*
#cgo CFLAGS: -std=gnu17 -D_GNU_SOURCE -Wall
#include "c_pages.h"
*/
import "C"

// Collapse returns the errno, 0 when it worked. Start and bytes are multiples of 2 MiB.
func Collapse(start uintptr, bytes uint64) int {
	return int(C.c_pages_collapse(C.uintptr_t(start), C.uint64_t(bytes)))
}
