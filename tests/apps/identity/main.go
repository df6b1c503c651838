// SPDX-License-Identifier: Apache-2.0

// Identity does always the same: what it prints on both outputs and how it ends depend on its arguments alone. So two
// runs, with and without something that must not be noticed, can be compared byte by byte.
//
// It is built with cgo, without it (a static program), and without it as a position independent program.
package main

import (
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

func work() uint64 {
	words := make(map[string]int)
	for i := 0; i < 20000; i++ {
		words[fmt.Sprintf("word-%d", i*7919%10007)]++
	}
	names := make([]string, 0, len(words))
	for name := range words {
		names = append(names, name)
	}
	sort.Strings(names)
	hash := fnv.New64a()
	fmt.Fprint(hash, strings.Join(names, ","))
	return hash.Sum64()
}

func main() {
	end := flag.String("end", "return", "how to end: return, exit7, panic, nil, sigterm, sigkill")
	flag.Parse()

	sums := make([]uint64, 4)
	var all sync.WaitGroup
	for i := range sums {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			sums[i] = work()
		}(i)
	}
	all.Wait()
	debug.FreeOSMemory()
	fmt.Println("sums", sums, "again", work())
	fmt.Println("arguments", os.Args[1:], "on", runtime.GOOS, runtime.GOARCH)
	fmt.Fprintln(os.Stderr, "ending by", *end)

	switch *end {
	case "return":
	case "exit7":
		os.Exit(7)
	case "panic":
		panic("as asked")
	case "nil":
		fault()
	case "sigterm":
		die(syscall.SIGTERM)
	case "sigkill":
		die(syscall.SIGKILL)
	default:
		fmt.Fprintln(os.Stderr, "identity: no such end")
		os.Exit(64)
	}
}

// A fault becomes a panic by a signal handler. Left alone it would print an address, which is another in each run.
func fault() {
	defer func() {
		fmt.Fprintln(os.Stderr, "fault:", recover())
		os.Exit(3)
	}()
	var nothing *int
	*nothing = 1
}

// The signal ends the process while this goroutine is held here.
func die(signal syscall.Signal) {
	if err := syscall.Kill(syscall.Getpid(), signal); err != nil {
		panic(err)
	}
	for {
		time.Sleep(time.Hour)
	}
}
