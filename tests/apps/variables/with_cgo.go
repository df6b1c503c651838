// SPDX-License-Identifier: Apache-2.0

// Left out when cgo is off: then the program has no libc.

package main

import "C"

// Run is main for a C program that has loaded this one as a shared library.
//
//export Run
func Run() {
	main()
}
