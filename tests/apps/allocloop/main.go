// SPDX-License-Identifier: Apache-2.0

// Allocloop is heavy on allocation: several goroutines build and drop trees, maps and buffers, a fixed amount of work.
// Prints a checksum and "elapsed_ns=N".
package main

import "C" // nothing is called: the program only has to be one with libc in it

import (
	"flag"
	"runtime"
	"strconv"
	"sync"
	"time"

	"gopagewatch.test/apps/internal/talk"
)

type tree struct {
	left, right *tree
	value       int
}

func grow(depth int) *tree {
	if depth == 0 {
		return &tree{value: 1}
	}
	return &tree{left: grow(depth - 1), right: grow(depth - 1), value: depth}
}

func (t *tree) sum() int {
	if t == nil {
		return 0
	}
	return t.value + t.left.sum() + t.right.sum()
}

func work(rounds int) (sum int) {
	for i := 0; i < rounds; i++ {
		sum += grow(10).sum()
		names := make(map[string][]byte)
		for j := 0; j < 200; j++ {
			names[strconv.Itoa(i*j)] = make([]byte, 16+j*5)
		}
		sum += len(names)
		buffer := make([]byte, 48<<10)
		buffer[i%len(buffer)] = 1
		sum += int(buffer[i%len(buffer)])
	}
	return sum
}

func main() {
	goroutines := flag.Int("goroutines", 4, "how many work at the same time")
	rounds := flag.Int("n", 2500, "rounds of each")
	rate := flag.Int("profile", 0, "MemProfileRate, and say when the work begins")
	flag.Parse()
	if *rate != 0 {
		runtime.MemProfileRate = *rate
		talk.Truth("work")
		talk.Say("ready work")
	}

	sums := make([]int, *goroutines)
	var all sync.WaitGroup
	start := time.Now()
	for i := range sums {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			sums[i] = work(*rounds)
		}(i)
	}
	all.Wait()
	elapsed := time.Since(start)
	total := 0
	for _, sum := range sums {
		total += sum
	}
	talk.Say("checksum=%d", total)
	talk.Say("elapsed_ns=%d", elapsed.Nanoseconds())
}
