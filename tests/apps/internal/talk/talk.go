// SPDX-License-Identifier: Apache-2.0

// Package talk is what a test program and its test say to each other, one line at a time.
//
// The program prints "truth PHASE key=value ..." (what Go itself knows of its memory) and then "ready PHASE", and does
// nothing more until a line arrives on its standard input. So a test always knows where the program stands, and neither
// side ever sleeps. When its input ends the program ends too: it cannot outlive its test.
package talk

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

var input = bufio.NewReader(os.Stdin)

// Command waits for a line from the test and returns it without its end. The program ends when there is none.
func Command() string {
	line, err := input.ReadString('\n')
	if err != nil {
		os.Exit(0)
	}
	return strings.TrimSpace(line)
}

// Say prints one line with a single write.
func Say(format string, arguments ...interface{}) {
	if _, err := os.Stdout.WriteString(fmt.Sprintf(format, arguments...) + "\n"); err != nil {
		os.Exit(0) // the test is gone
	}
}

// Reach reports that the program has come to a phase and waits until it may go on. More words "key=value" are put at
// the end of the line of truth.
func Reach(phase string, words ...string) string {
	Truth(phase, words...)
	Say("ready %s", phase)
	return Command()
}

// Truth prints the line of truth for a phase.
func Truth(phase string, words ...string) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	Say("truth %s heap_alloc=%d heap_inuse=%d heap_idle=%d heap_released=%d heap_sys=%d stack_inuse=%d sys=%d "+
		"objects=%d num_gc=%d %s", phase, m.HeapAlloc, m.HeapInuse, m.HeapIdle, m.HeapReleased, m.HeapSys, m.StackInuse,
		m.Sys, m.HeapObjects, m.NumGC, strings.Join(words, " "))
}

// Fail ends the program with status 1 and a sentence on standard error.
func Fail(format string, arguments ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}
