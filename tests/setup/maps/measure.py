# SPDX-License-Identifier: Apache-2.0
"""What is measured: which maps, in which phases of their lives, how often."""

import math
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from program import Disagreement, Program
from store import Cost, Fact, Heap, Step

SHORT, LONG = 10, 100  # bytes of a key and of an element
ENTRIES = {SHORT: [1, 8, 100, 1000, 10**4, 10**5, 10**6, 10**7], LONG: [1, 8, 100, 1000, 10**4, 10**5, 10**6]}
PHASES = [("built", None), ("deleted", "delete"), ("returned", "return"), ("remade", "remake")]
SMALL = 8  # maps up to here are made 1000 times: HeapAlloc tells nothing exact of a single one
COPIES = 1000
ONCE_FROM = 10**6
PROCESSES = 5  # a map each, below that size
GROWTH_TO, GROWTH_STEP = 10**5, 1.05
HEAP_ENTRIES = 10**6
HEAP_PROCESSES = 5
HEAP_PHASES = [("built", f"grow {HEAP_ENTRIES}"), ("deleted", "delete"), ("returned", "return"), ("remade", "remake"),
               ("returned again", "return")]
ATTEMPTS = 3
GROUP_SLOTS = 8


def _slots_allocated(answer):
    return sum(part["allocated"] for part in answer["parts"] if part["part"] in ("buckets", "old_buckets", "overflow"))


def _cost(version, string_bytes, entries, phase, answer, heap_bytes):
    total = answer["total"]
    return Cost(version=version, design=answer["design"], string_bytes=string_bytes, entries=entries, phase=phase,
                allocated=total["allocated"], lowest=total["allocated"], highest=total["allocated"],
                asked=total["asked"] + total["image"], slots_allocated=_slots_allocated(answer),
                capacity=answer["capacity"], overflow=answer["overflow_buckets"], tombstones=answer["tombstones"],
                pages=total["pages"], resident_pages=answer["pages_resident"], heap_bytes=heap_bytes)


def _again(measure):
    """The runtime allocates for itself now and then: a disagreement that stays is one."""
    for attempt in range(ATTEMPTS):
        try:
            return measure()
        except Disagreement:
            if attempt == ATTEMPTS - 1:
                raise


def _one_life(build, version, string_bytes, entries):
    copies = COPIES if entries <= SMALL else 1
    rows = []
    with Program(build, version, string_bytes, copies) as program:
        for phase, command in PHASES:
            program.do(command or f"grow {entries}")
            rows.append(_cost(version, string_bytes, entries, phase, program.map(), program.heap_bytes))
    return rows


def lives(build, version, string_bytes, entries, processes=PROCESSES):
    """A row for each phase."""
    if entries >= ONCE_FROM:
        processes = 1
    runs = [_again(lambda: _one_life(build, version, string_bytes, entries)) for _ in range(processes)]
    medians = []
    for rows in zip(*runs):
        rows = sorted(rows, key=lambda row: (row.allocated, row.pages))
        median = rows[len(rows) // 2]
        median.lowest, median.highest = rows[0].allocated, rows[-1].allocated
        medians.append(median)
    return medians


def growth(build, version, string_bytes):
    rows = []
    with Program(build, version, string_bytes) as program:
        entries = 1
        while entries <= GROWTH_TO:
            program.do(f"grow {entries}")
            answer = program.map()
            slots = answer["capacity"] + GROUP_SLOTS * (answer["overflow_buckets"] + answer["old_buckets"])
            rows.append(Step(version, answer["design"], string_bytes, entries, answer["total"]["allocated"],
                             _slots_allocated(answer), answer["capacity"], slots))
            entries = max(entries + 1, math.ceil(entries * GROWTH_STEP))
    return rows


def _one_heap(build, version, design):
    rows = []
    with Program(build, version, SHORT) as program:
        for phase, command in HEAP_PHASES:
            program.do(command)
            classes = program.classes()
            rows.append(Heap(version, design, phase, objects=classes["go.objects"], unused=classes["go.unused"],
                             free=classes["go.free"], released=classes["go.released"], rss=sum(classes.values())))
    return rows


def heap(build, version, design):
    """A row for each phase: with the median RSS, because the scavenger works meanwhile."""
    runs = [_one_heap(build, version, design) for _ in range(HEAP_PROCESSES)]
    return [sorted(rows, key=lambda row: row.rss)[HEAP_PROCESSES // 2] for rows in zip(*runs)]


def designs_of(costs):
    """The newest version of each design, the older design first: (version, design)."""
    newest = {}
    for row in costs:
        newest[row.design] = row.version
    return [(version, design) for design, version in newest.items()]


def _all_of(function, build, cases, workers=2):
    """The rows of function(build, *case) for each case, in their order."""
    done = []
    with ThreadPoolExecutor(workers) as pool:
        for at, rows in enumerate(pool.map(lambda case: function(build, *case), cases), 1):
            done.extend(rows)
            if sys.stderr.isatty():
                print(f"\rmaps: {function.__name__} {at} of {len(cases)} ", end="\n" if at == len(cases) else "",
                      file=sys.stderr, flush=True)
    return done


def everything(build, versions):
    """(costs, growth, heap)"""
    costs = _all_of(lives, build, [(v, s, n) for v in versions for s in (SHORT, LONG) for n in ENTRIES[s]])
    designs = designs_of(costs)
    return (costs, _all_of(growth, build, [(v, s) for v, _ in designs for s in (SHORT, LONG)]),
            _all_of(heap, build, designs, workers=1))


def machine(build, versions):
    """Where it was measured."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    go = []
    for version in versions:
        with Program(build, version, SHORT) as program:
            go.append(program.truth["version"])
    with open("/sys/kernel/mm/transparent_hugepage/enabled", encoding="utf-8") as file:
        huge = file.read().split("[")[1].split("]")[0]
    return [Fact("go", " ".join(go)), Fact("kernel", "Linux " + os.uname().release.split("-")[0]),
            Fact("processor", f"{len(models)} x {models[0]}"), Fact("page_bytes", str(os.sysconf("SC_PAGESIZE"))),
            Fact("huge_pages", huge)]
