// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package gopagewatch

/*
#cgo CFLAGS: -I${SRCDIR}/../../../include
#include "gopagewatch.h"
*/
import "C"

import "unsafe"

// A text for C in memory of Go's: nothing to be freed.
func text(s string) *C.char {
	return (*C.char)(unsafe.Pointer(&append([]byte(s), 0)[0]))
}

func active() bool {
	return C.gpw_active() != 0
}

func mark(phase string) {
	C.gpw_mark(text(phase))
}

func dump(label string) bool {
	return C.gpw_dump(text(label)) == 0
}

func settleAwait(done uint32) uint32 {
	return uint32(C.gpw_settle_await(C.uint(done)))
}
