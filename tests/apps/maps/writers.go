// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand"
	"runtime/debug"
	"sync"

	"gopagewatch.test/apps/internal/talk"
)

// Maps that never rest: they grow from nothing, lose entries, and are made anew.
const (
	writersCount  = 4
	writesPerLock = 64
	grownAt       = 30000
)

var (
	WStringString map[string]string
	WInt64Pointer map[int64]*point
	WArrayBytes   map[[16]byte][]byte
	WStringAny    map[string]interface{}
)

// busy is one map under its lock.
type busy struct {
	lock   sync.Mutex
	change func(random *rand.Rand)
}

func changing[K comparable, V any](at *map[K]V, key func(i int) K, element func(i int) V) *busy {
	most := 0
	return &busy{change: func(random *rand.Rand) {
		m := *at
		if len(m) >= most {
			m, most = make(map[K]V), 1+random.Intn(grownAt)
			*at = m
		}
		for i := 0; i < writesPerLock; i++ {
			m[key(random.Intn(2*grownAt))] = element(i)
		}
		n := 0
		for k := range m {
			if n++; n > writesPerLock/4 {
				break
			}
			delete(m, k)
		}
	}}
}

// These share no buffer, as digits does.
func ownString(i int) string {
	var made [shortBytes]byte
	for k := range made {
		made[k] = byte('a' + i%16)
		i /= 16
	}
	return string(made[:])
}

func ownAny(i int) interface{} {
	if i%2 == 0 {
		return ownString(i)
	}
	return i
}

func writers() {
	debug.SetGCPercent(50)
	all := []*busy{
		changing(&WStringString, ownString, ownString),
		changing(&WInt64Pointer, number, newPoint),
		changing(&WArrayBytes, array, someBytes),
		changing(&WStringAny, ownString, ownAny),
	}
	for i := 0; i < writersCount; i++ {
		go func(random *rand.Rand) {
			for {
				one := all[random.Intn(len(all))]
				one.lock.Lock()
				one.change(random)
				one.lock.Unlock()
			}
		}(rand.New(rand.NewSource(int64(i))))
	}
	talk.Say("ready writers")
	// On a line they all stop, between two changes.
	for {
		talk.Command()
		for _, one := range all {
			one.lock.Lock()
		}
		talk.Say("ready idle")
		talk.Command()
		for _, one := range all {
			one.lock.Unlock()
		}
		talk.Say("ready writers")
	}
}
