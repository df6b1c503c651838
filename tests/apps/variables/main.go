// SPDX-License-Identifier: Apache-2.0

// Variables keeps maps in package variables of all shapes, and says of each the header that Go itself sees there, the
// type and the address of its descriptor: what is found by debug information must be the same.
package main

import (
	"reflect"
	"strings"
	"sync"

	"gopagewatch.test/apps/internal/talk"
	odd "gopagewatch.test/apps/variables/odd.v1"
	"gopagewatch.test/apps/variables/store"
)

// Names is a map with a name.
type Names map[string]int

// Table is a map for any element.
type Table[E any] map[string]E

// Pair is generic and has maps in it.
type Pair[K comparable, E any] struct {
	first  map[K]E
	second Table[E]
}

type alias = map[[16]byte]struct{}

// Base is embedded.
type Base struct {
	count  int
	shared map[string]bool
}

// Deep is embedded by its address, in what is embedded itself.
type Deep struct {
	*Base2
	hidden map[int8]string
}

// Base2 is the last of those.
type Base2 struct {
	pad    [100]byte
	buried map[uint16]uint16
}

// Server is what programs have.
type Server struct {
	sync.Mutex
	name  string
	cache map[string]string
	index struct {
		pad    [3]int64
		byHash map[uint64]*Server
	}
	next *Server
	Base
	*Deep
	holder *Base
	any    interface{}
}

type shard struct {
	lock sync.Mutex
	m    map[uint32]string
}

var (
	plain   map[string]string
	never   map[string]int
	named   Names
	generic Table[int]
	pair    Pair[string, float64]
	aliased alias
	keys    map[interface{}]func()
	odds    map[odd.Key]*odd.Element
	srv     Server
	psrv    *Server
	pmap    *map[int64]int64
	ppmap   **map[int64]int64
	shards  [4]map[string]int
	stripes [3]shard
	grid    [2][3]map[int]int
	many    [100]map[int16]bool
	list    []shard
	lists   [][]*shard
	noList  []map[string]string
	nothing *Server
	number  int
	text    string
	whole   interface{}
	channel chan map[string]string
	anon    struct{ inner struct{ m map[string][]byte } }
	unused  map[string]complex128
)

func say(name string, m interface{}) {
	value := reflect.ValueOf(m)
	talk.Say("map %s %#x %#x %s", name, value.Pointer(), reflect.ValueOf(value.Type()).Pointer(),
		strings.ReplaceAll(value.Type().String(), " ", ""))
}

func fill() {
	one := map[int64]int64{1: 2}
	two := &map[int64]int64{3: 4}
	plain = map[string]string{"a": "b"}
	named = Names{"a": 1}
	generic = Table[int]{"a": 1}
	pair = Pair[string, float64]{first: map[string]float64{"a": 1}, second: Table[float64]{"b": 2}}
	aliased = alias{{1}: {}}
	keys = map[interface{}]func(){1: fill}
	odds = map[odd.Key]*odd.Element{1: nil}
	srv = Server{cache: map[string]string{"a": "b"}, holder: &Base{shared: map[string]bool{"a": true}}}
	srv.index.byHash = map[uint64]*Server{1: nil}
	srv.shared = map[string]bool{"b": true}
	srv.Deep = &Deep{Base2: &Base2{buried: map[uint16]uint16{1: 2}}, hidden: map[int8]string{1: "a"}}
	psrv = &Server{cache: map[string]string{"a": "b"}, next: &srv}
	pmap = &one
	ppmap = &two
	for i := range shards {
		shards[i] = map[string]int{"a": i}
	}
	for i := range stripes {
		stripes[i].m = map[uint32]string{uint32(i): "a"}
	}
	for i := range grid {
		for k := range grid[i] {
			grid[i][k] = map[int]int{i: k}
		}
	}
	for i := range many {
		many[i] = map[int16]bool{int16(i): true}
	}
	list = []shard{{m: map[uint32]string{1: "a"}}, {m: map[uint32]string{2: "b"}}}
	lists = [][]*shard{nil, {&list[0], {m: map[uint32]string{3: "c"}}}}
	whole = plain
	channel = make(chan map[string]string, number)
	anon.inner.m = map[string][]byte{"a": nil}
	text = "text"
}

func main() {
	fill()
	store.Fill()
	odd.Fill()
	say("main.plain", plain)
	say("main.never", never)
	say("main.named", named)
	say("main.generic", generic)
	say("main.pair.first", pair.first)
	say("main.pair.second", pair.second)
	say("main.aliased", aliased)
	say("main.keys", keys)
	say("main.odds", odds)
	say("main.srv.cache", srv.cache)
	say("main.srv.index.byHash", srv.index.byHash)
	say("main.srv.shared", srv.shared)
	say("main.srv.Base.shared", srv.Base.shared)
	say("main.srv.hidden", srv.hidden)
	say("main.srv.buried", srv.buried)
	say("main.srv.Deep.Base2.buried", srv.Deep.Base2.buried)
	say("main.srv.holder.shared", srv.holder.shared)
	say("main.psrv.cache", psrv.cache)
	say("main.psrv.next.cache", psrv.next.cache)
	say("main.psrv.next.buried", psrv.next.buried)
	say("main.pmap", *pmap)
	say("main.ppmap", **ppmap)
	say("main.shards[3]", shards[3])
	say("main.stripes[2].m", stripes[2].m)
	say("main.grid[1][2]", grid[1][2])
	say("main.many[99]", many[99])
	say("main.list[1].m", list[1].m)
	say("main.lists[1][1].m", lists[1][1].m)
	say("main.anon.inner.m", anon.inner.m)
	say("gopagewatch.test/apps/variables/store.Cache", store.Cache)
	say("gopagewatch.test/apps/variables/store.Default.byName", store.ByName())
	say("store.Cache", store.Cache)
	say("gopagewatch.test/apps/variables/odd.v1.Cache", odd.Cache)
	say("odd.v1.Cache", odd.Cache)
	_ = []interface{}{nothing, number, text, whole, channel, noList}
	talk.Reach("ready")
	fill() // or they were dead
	store.Fill()
	odd.Fill()
}
