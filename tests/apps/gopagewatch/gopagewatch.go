// SPDX-License-Identifier: Apache-2.0

// Package gopagewatch lets a Go program talk to gopagewatch, which watches it: say what it does, ask for a dump, and be
// brought to rest when somebody wants to measure it. Where nobody watches, everything here returns at once.
//
// It is small so that it can be copied: this directory and include/gopagewatch.h are all there is. In a copy the line
// "#cgo CFLAGS" in with_cgo.go names the directory of that header, or goes away when the header lies beside it. Without
// cgo (CGO_ENABLED=0) no shim can be loaded, and without_cgo.go takes its place.
package gopagewatch

import (
	"errors"
	"runtime"
	"runtime/debug"
	"sync"
)

var (
	errInactive = errors.New("gopagewatch: no dump: this process is not watched")
	errFailed   = errors.New("gopagewatch: no dump: it could not be made, standard error says why")
	serving     sync.Once
)

// Active tells whether this process is watched.
func Active() bool {
	return active()
}

// Mark says what the program does from now on. Every dump that begins later has it under "phase", cut to 63 bytes.
func Mark(phase string) {
	if active() {
		mark(phase)
	}
}

// Dump makes a dump with this label, cut to 63 bytes, and returns when it is written.
func Dump(label string) error {
	if !active() {
		return errInactive
	}
	if !dump(label) {
		return errFailed
	}
	return nil
}

// ServeSettle makes the program come to rest when somebody asks for it (gopagewatch dump --settle): what is garbage is
// collected, and what is free goes back to the operating system. One thread waits for that as long as the program runs.
// Further calls do nothing.
func ServeSettle() {
	serving.Do(func() {
		if active() {
			go serveSettle()
		}
	})
}

func serveSettle() {
	for n := settleAwait(0); n != 0; n = settleAwait(n) {
		// Twice: what finalizers and sync.Pool hold outlives one collection.
		runtime.GC()
		debug.FreeOSMemory()
	}
}
