// SPDX-License-Identifier: Apache-2.0

package main

/*
#include "place.h"
*/
import "C"

import "fmt"

// Run is main for a C program that has loaded this one as a shared library.
//
//export Run
func Run() {
	main()
}

// Of C it is only known what is written there.
func placesInC() []string {
	place := C.frames_place()
	return []string{fmt.Sprintf("%#x frames_inlined|place.c|%d frames_place|place.c|%d", uintptr(place.address),
		int(place.inner_line), int(place.outer_line))}
}
