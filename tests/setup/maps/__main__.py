# SPDX-License-Identifier: Apache-2.0
"""Measures what Go maps cost and makes the tables and pictures of docs/maps.md of it.

usage: python3 tests/setup/maps measure BUILD PAGE VERSION...   measure, write PAGE's data, draw
       python3 tests/setup/maps draw PAGE                       tables and pictures from the data that is there
       python3 tests/setup/maps check BUILD PAGE VERSION...     does PAGE say what is measured now?

BUILD is the directory with gopagewatch and apps/VERSION/mapcost; the data of docs/maps.md are docs/maps/*.csv. A check
measures maps of 1,000 entries with these versions: the bytes must be those of the page; and tables and pictures must be
what the data says. Exit status: 0 done, 1 the page is wrong, 2 wrong use, 4 something cannot be measured.
"""

import os
import sys
import tempfile

import charts
import measure
import store
import tables
from program import Disagreement


def read_data(data):
    return [store.read(data, name) for name in store.KINDS]


def filled(page, data):
    costs, _, heaps, facts = data
    with open(page, encoding="utf-8") as file:
        return tables.fill(file.read(), costs, heaps, facts)


def draw(page, directory):
    data = read_data(directory)
    text = filled(page, data)
    charts.draw(directory, *data[:3])
    with open(page + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(page + ".new", page)


def measure_all(build, page, directory, versions):
    rows = measure.everything(build, versions)
    for name, kind in zip(store.KINDS, (*rows, measure.machine(build, versions))):
        store.write(directory, name, kind)
    draw(page, directory)


def same_files(page, directory):
    """What is not what the data says."""
    data = read_data(directory)
    with open(page, encoding="utf-8") as file:
        if file.read() != filled(page, data):
            yield f"{page}: a table is not what {directory}/*.csv say (make maps)"
    with tempfile.TemporaryDirectory() as drawn:
        for name in charts.draw(drawn, *data[:3]):
            with open(os.path.join(drawn, name), "rb") as new, open(os.path.join(directory, name), "rb") as old:
                if new.read() != old.read():
                    yield f"{directory}/{name}: is not what {directory}/*.csv say (make maps)"


def wrong_bytes(build, page, version):
    """Where the page's table of 1,000 entries differs from a map that is made now."""
    with open(page, encoding="utf-8") as file:
        table = file.read().partition("<!-- 1,000 entries -->")[2].partition("<!-- end -->")[0]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    rows = [line for line in lines if line[:1] == [f"go{version}"]]
    if len(rows) != 1:
        yield f"{page}: the table of 1,000 entries has {len(rows)} rows for go{version}"
        return
    now = tables.thousand_row(version, *(measure.lives(build, version, size, tables.THOUSAND, processes=1)[0]
                                         for size in (measure.SHORT, measure.LONG)))
    for column, (head, is_now) in enumerate(zip(tables.THOUSAND_HEAD, now)):
        if head.endswith(("bytes", "slots", "design")) and rows[0][column] != is_now:
            yield f"{page}: go{version}, 1,000 entries, {head}: the page says {rows[0][column]}, measured {is_now}"


def check(build, page, directory, versions):
    wrong = list(same_files(page, directory))
    for version in versions:
        wrong += wrong_bytes(build, page, version)
    for words in wrong:
        print(words, file=sys.stderr)
    return 1 if wrong else 0


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "draw":
        page = arguments[1]
    elif len(arguments) >= 4 and arguments[0] in ("measure", "check"):
        page = arguments[2]
    else:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    directory = os.path.splitext(page)[0]
    try:
        if arguments[0] == "draw":
            draw(page, directory)
        elif arguments[0] == "measure":
            measure_all(arguments[1], page, directory, arguments[3:])
        else:
            return check(arguments[1], page, directory, arguments[3:])
    except (Disagreement, RuntimeError, OSError, ValueError, KeyError) as error:
        print(f"maps: {error}", file=sys.stderr)
        return 4
    return 0


sys.exit(main(sys.argv[1:]))
