// SPDX-License-Identifier: Apache-2.0

// Package store has package variables of its own.
package store

// Item is an element.
type Item struct{ id int }

type registry struct {
	byName map[string]*Item
}

// Cache is seen from outside, Default is not what it seems.
var (
	Cache   map[string]Item
	Default = &registry{}
)

// Fill makes the maps.
func Fill() {
	Cache = map[string]Item{"a": {id: 1}}
	Default.byName = map[string]*Item{"a": nil}
}

// ByName is the map in Default.
func ByName() map[string]*Item { return Default.byName }
