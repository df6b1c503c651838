// SPDX-License-Identifier: Apache-2.0

// Client talks to the shim by package gopagewatch. Each line on its standard input is a command; it does that, says what
// came of it, and "ready COMMAND".
//
//	active            "active true"
//	mark TEXT         the rest of the line, as it is
//	dump LABEL        "dump LABEL: <nil>", or the error
//	dumps LABEL       eight goroutines make twenty dumps each, labelled "LABEL.GOROUTINE.NUMBER"; "dumps failed=0"
//	fork              a child of fork(2) calls everything; "fork result=0 milliseconds=2": all was inert
//	serve             ServeSettle; "serve goroutines=1": how many more there are after three calls of it
//	fill MEBIBYTES    garbage of all sizes
//	truth             what runtime/metrics knows of the heap
//	churn             goroutines that allocate without end
//
// Without cgo (client.static) everything is inert.
package main

import (
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"

	"gopagewatch.test/apps/gopagewatch"
	"gopagewatch.test/apps/internal/talk"
)

const (
	dumpers   = 8
	dumpsEach = 20
)

var kept, churned interface{}

func makeDumps(label string) (failed int) {
	var all sync.WaitGroup
	var lock sync.Mutex
	for i := 0; i < dumpers; i++ {
		all.Add(1)
		go func(number int) {
			defer all.Done()
			for k := 0; k < dumpsEach; k++ {
				if gopagewatch.Dump(label+"."+strconv.Itoa(number)+"."+strconv.Itoa(k)) != nil {
					lock.Lock()
					failed++
					lock.Unlock()
				}
			}
		}(i)
	}
	all.Wait()
	return failed
}

func serve() int {
	before := runtime.NumGoroutine()
	for i := 0; i < 3; i++ {
		gopagewatch.ServeSettle()
	}
	return runtime.NumGoroutine() - before
}

func fill(mebibytes int) {
	var blocks [][]byte
	for filled, size := 0, 16; filled < mebibytes<<20; size = size*3/2%65536 + 16 {
		block := make([]byte, size)
		for at := 0; at < size; at += 1024 {
			block[at] = 1
		}
		blocks = append(blocks, block)
		filled += size
	}
	kept = blocks
	runtime.GC()
	kept = nil
}

func sayTruth() {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	talk.Say("truth objects=%d unused=%d free=%d released=%d", samples[0].Value.Uint64(), samples[1].Value.Uint64(),
		samples[2].Value.Uint64(), samples[3].Value.Uint64())
}

func churn() {
	for i := 0; i < 2; i++ {
		go func() {
			for size := 1; ; size = size*5%100000 + 1 {
				churned = make([]byte, size)
			}
		}()
	}
}

func obey(command, rest string) {
	switch command {
	case "active":
		talk.Say("active %v", gopagewatch.Active())
	case "mark":
		gopagewatch.Mark(rest)
	case "dump":
		talk.Say("dump %s: %v", rest, gopagewatch.Dump(rest))
	case "dumps":
		talk.Say("dumps failed=%d", makeDumps(rest))
	case "fork":
		begin := time.Now()
		talk.Say("fork result=%d milliseconds=%d", forkedChild(), time.Since(begin)/time.Millisecond)
	case "serve":
		talk.Say("serve goroutines=%d", serve())
	case "fill":
		mebibytes, _ := strconv.Atoi(rest)
		fill(mebibytes)
	case "truth":
		sayTruth()
	case "churn":
		churn()
	default:
		talk.Fail("client: no command %q", command)
	}
	talk.Say("ready %s", command)
}

func main() {
	talk.Say("ready client")
	for {
		words := strings.SplitN(talk.Command(), " ", 2)
		obey(words[0], strings.Join(words[1:], ""))
	}
}
