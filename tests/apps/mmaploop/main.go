// SPDX-License-Identifier: Apache-2.0

// Mmaploop maps and unmaps a page from C, again and again, some frames below the Go function that calls it. Prints
// "elapsed_ns=N".
package main

/*
#include <stdlib.h>
#include <sys/mman.h>

static __attribute__((noinline)) void *map_page(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		abort();
	return page;
}

static __attribute__((noinline)) void *allocate(int depth)
{
	void *page = depth == 0 ? map_page() : allocate(depth - 1);
	__asm__ volatile("" ::: "memory");
	return page;
}

static void loop(int count)
{
	for (int i = 0; i < count; i++)
		munmap(allocate(8), 4096);
}
*/
import "C"

import (
	"flag"
	"time"

	"gopagewatch.test/apps/internal/talk"
)

func main() {
	count := flag.Int("n", 100000, "mappings")
	flag.Parse()
	C.loop(1000) // warm
	start := time.Now()
	C.loop(C.int(*count))
	talk.Say("elapsed_ns=%d", time.Since(start).Nanoseconds())
}
