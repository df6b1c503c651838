// SPDX-License-Identifier: Apache-2.0

//go:build go1.24

package main

// clearSeq is a field of hmap since go1.24.
type clearSeq uint64
