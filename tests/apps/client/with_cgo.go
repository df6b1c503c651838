// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package main

/*
#cgo CFLAGS: -std=gnu17 -D_GNU_SOURCE -Wall -I${SRCDIR}/../../../include
#include "c_child.h"
*/
import "C"

func forkedChild() int {
	return int(C.c_child_fork())
}
