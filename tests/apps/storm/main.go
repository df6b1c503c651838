// SPDX-License-Identifier: Apache-2.0

// Storm gives memory back and maps memory from C as fast as it can, while the CPU profiler interrupts it a thousand
// times a second. It ends by itself: "truth storm rounds=N maps=N samples=BYTES map_ns=N", of the profile's size and of
// what a call of mmap took on average.
package main

/*
#cgo CFLAGS: -std=gnu17 -D_GNU_SOURCE -Wall
#include "c_storm.h"
*/
import "C"

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"time"
)

const (
	blockBytes = 64 << 10
	blocks     = 256
	mapsEach   = 100
)

func giveBack(stop <-chan struct{}) (rounds int) {
	for {
		select {
		case <-stop:
			return rounds
		default:
		}
		kept := make([][]byte, blocks)
		for i := range kept {
			kept[i] = make([]byte, blockBytes)
			for at := 0; at < blockBytes; at += 4096 {
				kept[i][at] = 1
			}
		}
		runtime.KeepAlive(kept)
		debug.FreeOSMemory()
		rounds++
	}
}

func mapInC(stop <-chan struct{}) (maps int, tookNs int64) {
	for {
		select {
		case <-stop:
			return maps, tookNs
		default:
		}
		tookNs += int64(C.c_storm_map(1<<20, mapsEach))
		maps += mapsEach
	}
}

func main() {
	length := flag.Duration("for", 5*time.Second, "how long")
	rate := flag.Int("rate", 1000, "interrupts a second, 0: none")
	flag.Parse()
	var profile bytes.Buffer
	if *rate > 0 {
		runtime.SetCPUProfileRate(*rate)
		// It complains on stderr that the rate is set already, and takes that rate: runtime/pprof knows no other way.
		devNull, _ := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		stderr := os.Stderr
		os.Stderr = devNull
		if err := pprof.StartCPUProfile(&profile); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Stderr = stderr
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	var rounds, maps int
	var tookNs int64
	all.Add(2)
	go func() { rounds = giveBack(stop); all.Done() }()
	go func() { maps, tookNs = mapInC(stop); all.Done() }()
	time.Sleep(*length)
	close(stop)
	all.Wait()
	if *rate > 0 {
		pprof.StopCPUProfile()
	}
	fmt.Printf("truth storm rounds=%d maps=%d samples=%d map_ns=%d\n", rounds, maps, profile.Len(), tookNs/int64(maps))
}
