// SPDX-License-Identifier: Apache-2.0

// Cblocks makes C blocks with whatever malloc it was started with, frees half of them, maps some memory from C by hand,
// and asks the malloc for its own numbers.
//
// Phase: made, again.
package main

/*
#cgo CFLAGS: -std=gnu17 -D_GNU_SOURCE -Wall -fno-builtin-malloc
#cgo LDFLAGS: -ldl
#include "c_blocks.h"
*/
import "C"

import (
	"fmt"

	"gopagewatch.test/apps/internal/talk"
)

const mebibyte = 1 << 20

func main() {
	C.c_blocks_map(20 * mebibyte)
	C.c_blocks_make(128 * mebibyte)
	for _, phase := range []string{"made", "again"} {
		t, p := C.c_blocks_truth(), C.c_blocks_places()
		talk.Reach(phase, fmt.Sprintf("malloc=%s live=%d allocated=%d metadata=%d resident=%d committed=%d "+
			"used=%#x used_bytes=%d freed=%#x freed_bytes=%d large=%#x large_bytes=%d",
			C.GoString(t.malloc), uint64(t.live), uint64(t.allocated), uint64(t.metadata), uint64(t.resident),
			uint64(t.committed), uint64(p.used), uint64(p.used_bytes), uint64(p.freed), uint64(p.freed_bytes),
			uint64(p.large), uint64(p.large_bytes)))
	}
	talk.Say("done")
}
