// SPDX-License-Identifier: Apache-2.0

// Frames says which functions and lines its own code addresses are in, by the Go runtime's own tables: the truth that
// names found from outside are held against.
//
// Phase ready: after a line for each of some thousand addresses, "pc ADDRESS FRAME...", where a FRAME is
// function|file|line, innermost first, with %20 for a blank, and for each place in C of which it knows the name and
// line, "c ADDRESS FRAME...". The addresses are return addresses: the call is before them.
//
// It is built with cgo, without it (a static program), and as a shared library.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"sort"
	"strings"
	_ "unsafe"

	"gopagewatch.test/apps/internal/talk"
)

const addresses = 6000

//go:linkname expandFinalInlineFrame runtime/pprof.runtime_expandFinalInlineFrame
func expandFinalInlineFrame(stack []uintptr) []uintptr

// What is in the program besides the runtime: generic functions, closures, methods by value that are called through an
// interface (which makes wrappers), deferred calls, inlining three deep.

type shape interface{ area() float64 }

type square struct{ side float64 }

func (s square) area() float64 { return twice(s.side) * s.side / 2 }

type named struct {
	square
	name string
}

func twice(x float64) float64 { return plus(x, x) }
func plus(x, y float64) float64 {
	return x + y
}

type pile[T any] struct{ items []T }

func (p *pile[T]) push(item T) { p.items = append(p.items, item) }

func apply[T, U any](items []T, f func(T) U) []U {
	var out []U
	for _, item := range items {
		out = append(out, f(item))
	}
	return out
}

func exercise() string {
	var shapes pile[shape]
	for i := 0; i < 4; i++ {
		shapes.push(square{float64(i)})
		shapes.push(&named{square{float64(i)}, "n"})
	}
	defer func(n int) { _ = recover() }(len(shapes.items))
	areas := apply(shapes.items, func(s shape) float64 { return s.area() })
	words := apply(areas, func(x float64) string { return fmt.Sprint(twice(x)) })
	sort.Slice(words, func(i, j int) bool { return words[i] > words[j] })
	text, _ := json.Marshal(map[string][]string{"words": words})
	return regexp.MustCompile("[0-9]+").ReplaceAllString(string(text), "n")
}

// The code of the file that this function is in, of which the first half is Go's in a program.
func codeRange() (start, end uintptr) {
	pc, _, _, _ := runtime.Caller(0)
	file, err := os.Open("/proc/self/maps")
	if err != nil {
		talk.Fail("frames: %v", err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var from, to uintptr
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x", &from, &to); n == 2 && from <= pc && pc < to {
			return from, to
		}
	}
	talk.Fail("frames: my own code is not mapped")
	return 0, 0
}

func escape(text string) string { return strings.ReplaceAll(text, " ", "%20") }

func framesOf(pc uintptr) string {
	var line strings.Builder
	frames := runtime.CallersFrames(expandFinalInlineFrame([]uintptr{pc}))
	for {
		frame, more := frames.Next()
		fmt.Fprintf(&line, " %s|%s|%d", escape(frame.Function), escape(frame.File), frame.Line)
		if !more {
			return line.String()
		}
	}
}

// At the first byte of a function there is no call before it.
func isInside(pc uintptr) bool {
	f := runtime.FuncForPC(pc)
	before := runtime.FuncForPC(pc - 1)
	return f != nil && before != nil && f.Entry() == before.Entry() && f.Entry() != pc
}

func main() {
	_ = exercise()
	start, end := codeRange()
	step := (end-start)/addresses | 1
	out := bufio.NewWriter(os.Stdout)
	for pc := start + 1; pc < end; pc += step {
		if isInside(pc) {
			fmt.Fprintf(out, "pc %#x%s\n", pc, framesOf(pc))
		}
	}
	for _, line := range placesInC() {
		fmt.Fprintf(out, "c %s\n", line)
	}
	out.Flush()
	talk.Reach("ready")
}
