// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package gopagewatch

func active() bool { return false }

func mark(string) {}

func dump(string) bool { return false }

func settleAwait(uint32) uint32 { return 0 }
