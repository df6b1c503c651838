// SPDX-License-Identifier: Apache-2.0

// Heartbeat holds a heap and has a goroutine, on a thread of its own, that wakes up every 100 microseconds and notes how
// long it was away. (By nanosleep: time.Sleep in an otherwise idle program is rounded up to milliseconds.) Between the lines "begin" and "end" on standard input it counts, and then says
// "longest_ns=N p999_ns=N beats=N".
package main

import "C" // nothing is called: the program only has to be one with libc in it

import (
	"bufio"
	"flag"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"sync/atomic"
	"syscall"
	"time"

	"gopagewatch.test/apps/internal/talk"
)

const (
	interval = 100 * time.Microsecond
	beatsMax = 1 << 20
)

type node struct {
	next *node
	data [7]uint64
}

var (
	gaps  [beatsMax]int64
	beats int64 // atomic; beatsMax: nobody counts
)

func beat() {
	runtime.LockOSThread()
	pause := syscall.NsecToTimespec(int64(interval))
	last := time.Now()
	for {
		if err := syscall.Nanosleep(&pause, nil); err != nil && err != syscall.EINTR {
			panic(err)
		}
		now := time.Now()
		if at := atomic.LoadInt64(&beats); at < beatsMax {
			gaps[at] = int64(now.Sub(last))
			atomic.CompareAndSwapInt64(&beats, at, at+1)
		}
		last = now
	}
}

func main() {
	mebibytes := flag.Int("mib", 512, "MiB of 64-byte objects")
	flag.Parse()
	debug.SetGCPercent(-1)
	var first *node
	for i := 0; i < *mebibytes<<20/64; i++ {
		first = &node{next: first}
	}
	atomic.StoreInt64(&beats, beatsMax)
	go beat()
	talk.Say("ready heartbeat")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if lines.Text() == "begin" {
			atomic.StoreInt64(&beats, 0)
			continue
		}
		n := int(atomic.SwapInt64(&beats, beatsMax))
		if n == 0 {
			talk.Fail("heartbeat: not a single beat")
		}
		counted := append([]int64(nil), gaps[:n]...)
		sort.Slice(counted, func(i, j int) bool { return counted[i] < counted[j] })
		talk.Say("longest_ns=%d", counted[n-1])
		talk.Say("p999_ns=%d", counted[n*999/1000])
	}
	runtime.KeepAlive(first)
}
