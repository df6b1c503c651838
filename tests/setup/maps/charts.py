# SPDX-License-Identifier: Apache-2.0
"""The pictures of docs/maps.md. Each says in its title and labels what is to be seen, without the text around it."""

import os

from measure import GROWTH_TO, HEAP_ENTRIES, HEAP_PHASES, LONG, SHORT, designs_of
from svg import Picture, Scale

PAGE_BYTES = 8192
STRING_HEADER_BYTES = 16
ENTRY_BYTES = 2 * STRING_HEADER_BYTES  # of a slot: a key and an element
MIB = 1 << 20
WIDTH = 820
LEFT, RIGHT = 64, WIDTH - 36

# At which it grows; the words for it, and how far below the line they stand.
MAX_LOAD = {"buckets": (6.5 / 8, "hmap: 6.5/8", 11), "swiss": (7 / 8, "Swiss: 7/8", 2)}
OLD_WORDS = "hmap while it grows: old and new buckets, until all entries have moved"
BUILT_SHADE = {"built": "strong", "deleted": "middle", "returned": "weak", "remade": "hollow"}
DELETED_WORDS = {"built": "built", "deleted": "all entries deleted, collected", "returned": "after debug.FreeOSMemory",
                 "remade": "made anew"}
STATE_SHADE = [("strong", "in spans in use (go.objects, go.unused)"), ("weak", "free, not given back yet (go.free)")]
HEAP_WORDS = dict(zip([phase for phase, _ in HEAP_PHASES],
                      [("built",), ("all deleted,", "collected"), ("FreeOS-", "Memory"), ("map made", "anew"),
                       ("FreeOS-", "Memory")]))


def design_words(version, design):
    return f"hmap (go{version})" if design == "buckets" else f"Swiss map (go{version})"


def _legend(picture, y, designs, x=LEFT):
    for version, design in designs:
        picture.line(x, y - 4.5, x + 22, y - 4.5, f"{design} line")
        picture.text(x + 28, y, design_words(version, design), f"{design} word")
        x += 190
    return x


def _entries_axis(picture, x, y):
    picture.vertical_ticks(x, y, [10**i for i in range(6) if 10**i <= x.high], lambda n: f"{n:,}")
    picture.text((x.start + x.end) / 2, y.start + 42,
                 "entries (a map that grows, one insertion after the other; log scale)", "dim", "middle")


def growth(costs, steps):
    """The saw teeth."""
    designs = designs_of(costs)
    picture = Picture(WIDTH, 430, "What an entry costs depends on when the map grew last",
                      "Pages per 1,000 entries of a map[string]string over the number of entries, for both designs.")
    x, y = Scale(1, GROWTH_TO, LEFT, RIGHT, is_log=True), Scale(0, 25, 370, 84)
    picture.text(16, 50, "pages of 8 KiB per 1,000 entries; map[string]string, keys and elements of 10 bytes", "dim")
    picture.horizontal_grid(x, y, range(0, 26, 5))
    asked_bytes = ENTRY_BYTES + 2 * SHORT
    asked = 1000 * asked_bytes / PAGE_BYTES
    picture.line(x.start, y(asked), x.end, y(asked), "mark")
    picture.text(x.start + 8, y(asked) - 6, f"the entries alone, {asked_bytes} bytes each: {asked:.1f} pages", "dim")
    for version, design in designs:
        rows = [row for row in steps if (row.version, row.string_bytes) == (version, SHORT)]
        points = [(x(row.entries), y(1000 * row.allocated / row.entries / PAGE_BYTES)) for row in rows]
        picture.polyline(_below(points, y.end), f"{design} line")
        if design == designs[0][1]:
            first = 1000 * rows[0].allocated / PAGE_BYTES
            picture.text(x.start + 52, y.end + 14,
                         f"a single entry: {rows[0].allocated} bytes, as {first:.0f} pages per 1,000", "dim")
    picture.text(x.end, y(22.5), OLD_WORDS, "buckets word", "end")
    _legend(picture, 72, designs)
    _entries_axis(picture, x, y)
    return picture


def _below(points, top):
    """Without what is above the picture: cut where the line enters it."""
    for at in range(len(points) - 1):
        (x1, y1), (x2, y2) = points[at], points[at + 1]
        if y2 >= top:
            return points if y1 >= top else [(x1 + (x2 - x1) * (top - y1) / (y2 - y1), top), *points[at + 1:]]
    return points


def load(costs, steps):
    """How full, and what is empty."""
    designs = designs_of(costs)
    picture = Picture(WIDTH, 620, "How full the slots are, and what the empty ones take",
                      "Load factor, and bytes of unused slots per entry, over the number of entries, for both designs.")
    x = Scale(1, GROWTH_TO, LEFT, RIGHT - 60, is_log=True)
    full, empty = Scale(0, 1, 290, 92), Scale(0, 120, 560, 352)
    picture.text(16, 50, "load: entries per slot, without overflow and old buckets", "dim")
    picture.horizontal_grid(x, full, [0, .25, .5, .75, 1], lambda share: f"{share:.0%}")
    picture.text(16, 338, f"bytes in unused slots, per entry; a slot of a map[string]string is {ENTRY_BYTES} bytes",
                 "dim")
    picture.horizontal_grid(x, empty, range(0, 121, 20))
    for version, design in designs:
        limit, words, below = MAX_LOAD[design]
        picture.line(x.start, full(limit), x.end, full(limit), "mark")
        picture.text(x.end + 6, full(limit) + below, words, f"{design} word")
        rows = [row for row in steps if (row.version, row.string_bytes) == (version, SHORT)]
        picture.polyline([(x(row.entries), full(row.entries / row.capacity)) for row in rows], f"{design} line")
        unused = [(x(row.entries), empty(ENTRY_BYTES * (row.slots - row.entries) / row.entries)) for row in rows]
        picture.polyline(_below(unused, empty.end), f"{design} line")
    picture.text(x.end, empty(105), OLD_WORDS, "buckets word", "end")
    _legend(picture, 76, designs)
    picture.vertical_ticks(x, full, [10**i for i in range(6)], lambda n: f"{n:,}")
    _entries_axis(picture, x, empty)
    return picture


def deletes(costs):
    """What a map keeps."""
    entries, designs = 10**5, designs_of(costs)
    rows = {(row.version, row.string_bytes, row.phase): row for row in costs if row.entries == entries}
    picture = Picture(WIDTH, 420, "Deleting every entry frees the strings, never the slots",
                      f"Pages that a map of {entries:,} entries takes: built, all deleted, FreeOSMemory, made anew.")
    x, y = Scale(0, 4, LEFT, RIGHT), Scale(0, 4000, 340, 100)
    picture.text(16, 50, f"pages of 8 KiB that a map[string]string of {entries:,} entries takes", "dim")
    picture.horizontal_grid(x, y, range(0, 4001, 1000), lambda n: f"{n:,}")
    at = LEFT
    for phase, shade in BUILT_SHADE.items():
        picture.bar(at, 65, 14, 12, f"plain bar {shade}")
        picture.text(at + 20, 76, DELETED_WORDS[phase])
        at += 46 + 7.2 * len(DELETED_WORDS[phase])
    groups = [(size, version, design) for size in (SHORT, LONG) for version, design in designs]
    for group, (size, version, design) in enumerate(groups):
        for number, (phase, shade) in enumerate(BUILT_SHADE.items()):
            pages = rows[version, size, phase].pages
            left = x(group + 0.08) + number * 39
            picture.bar(left, y(pages), 33, y.start - y(pages), f"{design} bar {shade}")
            picture.text(left + 16.5, y(pages) - 6, f"{pages:,}", "", "middle")
        picture.text(x(group + 0.48), y.start + 22, design_words(version, design), f"{design} word", "middle")
        picture.text(x(group + 0.48), y.start + 40, f"strings of {size} bytes", "dim", "middle")
    picture.line(x.start, y.start, x.end, y.start, "axis")
    picture.text(16, 408, "made anew: m = make(map[string]string, len(m)) and copied; here nothing is left to copy",
                 "dim")
    return picture


def heap(costs, heaps):
    """What is resident on the way out."""
    designs = designs_of(costs)
    picture = Picture(WIDTH, 420, "What is freed stays resident until the scavenger gives it back",
                      f"Resident memory of the Go heap by class, over the life of a map of {HEAP_ENTRIES:,} entries.")
    x, y = Scale(0, 2, LEFT, RIGHT), Scale(0, 180, 330, 100)
    picture.text(16, 50, f"resident MiB of the Go heap; map[string]string of {HEAP_ENTRIES:,} entries, strings of "
                         f"{SHORT} bytes", "dim")
    picture.horizontal_grid(x, y, range(0, 181, 30))
    at = LEFT
    for shade, words in STATE_SHADE:
        picture.bar(at, 65, 14, 12, f"plain bar {shade}")
        picture.text(at + 20, 76, words)
        at += 52 + 7.2 * len(words)
    for group, (version, design) in enumerate(designs):
        for number, row in enumerate(row for row in heaps if row.version == version):
            left, base = x(group + 0.03) + number * 70, 0
            for (shade, _), size in zip(STATE_SHADE, ((row.objects + row.unused) / MIB, row.free / MIB)):
                picture.bar(left, y(base + size), 52, y(base) - y(base + size), f"{design} bar {shade}")
                base += size
            picture.text(left + 26, y(base) - 6, f"{base:.0f}" if base >= 1 else f"{base:.1f}", "", "middle")
            for at, word in enumerate(HEAP_WORDS[row.phase]):
                picture.text(left + 26, y.start + 20 + 15 * at, word, "dim", "middle")
        picture.text(x(group + 0.03) + 166, y.start + 62, design_words(version, design), f"{design} word", "middle")
    picture.line(x.start, y.start, x.end, y.start, "axis")
    return picture


def draw(directory, costs, steps, heaps):
    """Writes them all; returns their names."""
    pictures = {"growth.svg": growth(costs, steps), "load.svg": load(costs, steps), "deletes.svg": deletes(costs),
                "heap.svg": heap(costs, heaps)}
    for name, picture in pictures.items():
        picture.write(os.path.join(directory, name))
    return list(pictures)
