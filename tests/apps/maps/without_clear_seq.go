// SPDX-License-Identifier: Apache-2.0

//go:build !go1.24

package main

// clearSeq is no field of hmap before go1.24.
type clearSeq struct{}
