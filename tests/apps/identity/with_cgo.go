// SPDX-License-Identifier: Apache-2.0

// Left out when cgo is off: then the program has no libc.

package main

import "C"
