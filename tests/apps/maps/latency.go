// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"gopagewatch.test/apps/internal/talk"
)

// MLatency is written to all the time, once a line has come. Between the lines "begin" and "end" the writes are timed; the
// answer to "end" is "p99_ns=N p50_ns=N writes=N". No write allocates.
var MLatency map[string]string

const (
	knownKeys = 1 << 20
	bins      = 1 << 18 // of a nanosecond each; the last one holds all that took longer
)

var (
	isCounting int32 // atomic
	times      [bins]int64
	isStopped  = make(chan bool)
)

func write(keys []string) {
	runtime.LockOSThread()
	random := rand.New(rand.NewSource(1))
	for wasCounting := false; ; {
		is := atomic.LoadInt32(&isCounting) != 0
		if wasCounting && !is {
			isStopped <- true
		}
		if !wasCounting && is {
			times = [bins]int64{}
		}
		wasCounting = is
		key := keys[random.Intn(len(keys))]
		begin := time.Now()
		MLatency[key] = key
		if took := int64(time.Since(begin)); is {
			if took >= bins {
				took = bins - 1
			}
			times[took]++
		}
	}
}

// The time that so many of a thousand writes did not take.
func quantile(thousandths, writes int64) (nanoseconds int) {
	for seen := int64(0); nanoseconds < bins-1; nanoseconds++ {
		if seen += times[nanoseconds]; seen*1000 >= writes*thousandths {
			break
		}
	}
	return
}

func latency(number string) {
	entries, err := strconv.Atoi(number)
	if err != nil || entries <= 0 {
		talk.Fail("maps: no number of entries: %s", number)
	}
	var keys []string
	MLatency = make(map[string]string)
	for i := 0; i < entries; i++ {
		key := shortString(i)
		MLatency[key] = shortString(i)
		if i%(1+entries/knownKeys) == 0 {
			keys = append(keys, key)
		}
	}
	runtime.GC()
	debug.SetGCPercent(-1)
	talk.Say("ready latency entries=%d", len(MLatency))
	talk.Command()
	go write(keys)
	for {
		switch talk.Command() {
		case "begin":
			atomic.StoreInt32(&isCounting, 1)
		case "end":
			atomic.StoreInt32(&isCounting, 0)
			<-isStopped
			writes := int64(0)
			for _, n := range times {
				writes += n
			}
			talk.Say("p99_ns=%d p50_ns=%d writes=%d", quantile(990, writes), quantile(500, writes), writes)
		}
	}
}
