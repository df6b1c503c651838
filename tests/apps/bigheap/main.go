// SPDX-License-Identifier: Apache-2.0

// bigheap holds 4 GiB of touched heap and, asked by "scan", measures one bare PAGEMAP_SCAN of it: what a dump of the same
// memory is compared with. With -small it is that many MiB of 64-byte objects instead.
package main

import "C"

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"
	"unsafe"
)

const (
	blockBytes     = 64 << 20
	blocks         = 64
	pagemapScan    = 0xc0606610
	regionsPerCall = 512 // more than that and the kernel may return a stale end
	present        = 1 << 3
	swapped        = 1 << 4
	zeroPage       = 1 << 5
	huge           = 1 << 6
)

type scanArgument struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages   uint64
	categoryInverted, categoryMask, categoryAnyof, returnMask uint64
}

type node struct {
	next *node
	data [7]uint64
}

// What is scanned: [start, end) of each.
type span struct{ start, end uint64 }

var (
	heap  [][]byte
	nodes *node
	spans []span
)

func holdBlocks() {
	for i := 0; i < blocks; i++ {
		block := make([]byte, blockBytes)
		for k := 0; k < len(block); k += 4096 {
			block[k] = 1
		}
		heap = append(heap, block)
		start := uint64(uintptr(unsafe.Pointer(&block[0])))
		spans = append(spans, span{start, start + blockBytes})
	}
}

// A list needs no memory beside its objects. They fill the heap from its start on, nearly without a gap.
func holdNodes(mebibytes int) {
	debug.SetGCPercent(-1)
	low, high := ^uintptr(0), uintptr(0)
	for i := 0; i < mebibytes<<20/int(unsafe.Sizeof(*nodes)); i++ {
		nodes = &node{next: nodes}
		at := uintptr(unsafe.Pointer(nodes))
		if at < low {
			low = at
		}
		if at >= high {
			high = at + unsafe.Sizeof(*nodes)
		}
	}
	const page = 4096
	spans = append(spans, span{uint64(low) &^ (page - 1), (uint64(high) + page - 1) &^ (page - 1)})
}

func scan() time.Duration {
	begin := time.Now()
	fd, err := syscall.Open("/proc/self/pagemap", syscall.O_RDONLY, 0)
	if err != nil {
		panic(err)
	}
	defer syscall.Close(fd)
	regions := make([]uint64, 3*regionsPerCall)
	for _, scanned := range spans {
		start, end := scanned.start, scanned.end
		for start < end {
			a := scanArgument{start: start, end: end, vec: uint64(uintptr(unsafe.Pointer(&regions[0]))),
				vecLen: regionsPerCall, categoryAnyof: present | swapped, returnMask: present | swapped | zeroPage | huge}
			a.size = uint64(unsafe.Sizeof(a))
			if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), pagemapScan, uintptr(unsafe.Pointer(&a))); errno != 0 {
				panic(errno)
			}
			start = a.walkEnd
		}
	}
	return time.Since(begin)
}

func main() {
	small := flag.Int("small", 0, "MiB of small objects to hold instead of large ones")
	flag.Parse()
	if *small > 0 {
		holdNodes(*small)
	} else {
		holdBlocks()
	}
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		fmt.Printf("scan_ns=%d\n", scan().Nanoseconds())
	}
}
