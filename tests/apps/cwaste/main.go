// SPDX-License-Identifier: Apache-2.0

// Cwaste wastes C memory: blocks that were freed and that malloc keeps, a stack that was deep once. Then a thread of it is
// stopped with a lock of malloc's held.
//
// Phases: wasted, held.
package main

/*
#cgo CFLAGS: -std=gnu17 -D_GNU_SOURCE -Wall
#cgo LDFLAGS: -pthread
#include "c_waste.h"
*/
import "C"

import (
	"fmt"
	"runtime"

	"gopagewatch.test/apps/internal/talk"
)

const mebibyte = 1 << 20

func init() {
	runtime.LockOSThread() // so that its malloc is the main arena, on the brk heap
}

func main() {
	C.c_waste_deep_stack(4 * mebibyte)
	C.c_waste_free(64 * mebibyte)
	t := C.c_waste_truth()
	talk.Reach("wasted", fmt.Sprintf("malloc_free=%d malloc_fast=%d deep_bytes=%d deep_tid=%d", uint64(t.free_bytes),
		uint64(t.fast_bytes), uint64(t.deep_bytes), int(t.deep_tid)))
	C.c_waste_hold_lock()
	talk.Reach("held")
	C.c_waste_release_lock()
	talk.Say("done")
}
