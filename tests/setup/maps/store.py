# SPDX-License-Identifier: Apache-2.0
"""The measurements as files: docs/maps/*.csv, from which tables and charts are drawn.

All numbers are whole: bytes, pages of 8 KiB, slots, entries.
"""

import csv
import os
from dataclasses import astuple, dataclass, fields


CLOSE = 0.01  # less would not show in a table


@dataclass
class Cost:
    """A map in one phase of its life. Of several processes: the one with the median of `allocated`."""

    version: str
    design: str  # "buckets" or "swiss"
    string_bytes: int
    entries: int  # when it was built
    phase: str  # "built", "deleted", "returned" (FreeOSMemory), "remade" (into a new map)
    allocated: int
    lowest: int  # `allocated` of all processes: the seed of the hash function, a new one for each map, decides a little
    highest: int
    asked: int
    slots_allocated: int  # buckets, groups and overflow; the rest is strings and headers
    capacity: int
    overflow: int
    tombstones: int
    pages: int
    resident_pages: int
    heap_bytes: int  # by the program itself

    @property
    def is_certain(self):
        """The median is an end of the range too, so at least half of the processes had just this; the others nearly."""
        is_close = self.highest - self.lowest < CLOSE * self.allocated
        return is_close and self.allocated in (self.lowest, self.highest)


@dataclass
class Step:
    """A map on its way from 1 entry to 100,000."""

    version: str
    design: str
    string_bytes: int
    entries: int
    allocated: int
    slots_allocated: int
    capacity: int  # slots, by which the load is counted
    slots: int  # all that there are: with overflow, and while it grows with those of the old array


@dataclass
class Heap:
    """The classes of the Go heap in one phase; resident bytes."""

    version: str
    design: str
    phase: str
    objects: int
    unused: int
    free: int
    released: int
    rss: int


@dataclass
class Fact:
    """Of the machine and the compilers."""

    name: str
    value: str


KINDS = {"costs.csv": Cost, "growth.csv": Step, "heap.csv": Heap, "machine.csv": Fact}


def write(directory, name, rows):
    path = os.path.join(directory, name)
    with open(path + ".new", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(KINDS[name]))
        writer.writerows(astuple(row) for row in rows)
    os.replace(path + ".new", path)


def read(directory, name):
    kind = KINDS[name]
    with open(os.path.join(directory, name), encoding="utf-8", newline="") as file:
        return [kind(**{field.name: field.type(row[field.name]) for field in fields(kind)})
                for row in csv.DictReader(file)]
