// SPDX-License-Identifier: Apache-2.0

// Package odd lies in a directory whose name has a dot, which symbols have as %2e.
package odd

// Key and Element are types with that dot in their full names.
type (
	Key     int
	Element struct{ next *Element }
)

// Cache is seen from outside.
var Cache map[Key]Element

// Fill makes the map.
func Fill() {
	Cache = map[Key]Element{1: {}}
}
