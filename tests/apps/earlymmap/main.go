// SPDX-License-Identifier: Apache-2.0

// Earlymmap has a constructor in C that maps what a Go runtime maps first, 256 KiB, before the runtime begins.
//
// Phase: full, with 32 MiB on the heap; the line of truth has the address of the constructor's mapping ("early").
package main

/*
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

enum { EARLY_BYTES = 256 << 10 };

static void *early;

__attribute__((constructor)) static void map_early(void)
{
	early = mmap(NULL, EARLY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(early, 1, EARLY_BYTES);
}

static void *early_place(void)
{
	return early;
}
*/
import "C"

import (
	"fmt"
	"runtime"

	"gopagewatch.test/apps/internal/talk"
)

const mebibyte = 1 << 20

func main() {
	heap := make([]byte, 32*mebibyte)
	for i := range heap {
		heap[i] = 1
	}
	talk.Reach("full", fmt.Sprintf("early=%d", uintptr(C.early_place())))
	runtime.KeepAlive(heap)
	talk.Say("done")
}
