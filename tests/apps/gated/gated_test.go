// SPDX-License-Identifier: Apache-2.0

// Package gated has a test whose memory is gated: go test -exec "gopagewatch run --check ... --" ./gated
package gated

import (
	"testing"

	"gopagewatch.test/apps/gopagewatch"
)

func TestFill(t *testing.T) {
	full := make(map[int]string)
	for i := 0; i < 10000; i++ {
		full[i] = string(rune(i))
	}
	if gopagewatch.Active() {
		if err := gopagewatch.Dump("filled"); err != nil {
			t.Fatal(err)
		}
	}
	if len(full) != 10000 {
		t.Fatal(len(full))
	}
}
