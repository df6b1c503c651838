# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/maps.md. They stand between the lines <!-- NAME --> and <!-- end -->; all else there is prose."""

import re
from statistics import median

from measure import HEAP_PHASES, LONG, SHORT, designs_of

THOUSAND = 1000
DESIGN_WORDS = {"buckets": "hmap", "swiss": "Swiss"}
ANSWER_WORDS = {"buckets": "pages of 8 KiB as an hmap (up to go1.23)", "swiss": "as a Swiss map (from go1.24 on)"}
DELETE_ENTRIES = [1000, 10**5, 10**6]
SAME = 0.2  # rows of two versions that differ by less are of one behaviour: chance does not do more
MIB = 1 << 20
HEAP_WORDS = ["built", "all deleted, two collections", "`debug.FreeOSMemory`", "map made anew, two collections",
              "`debug.FreeOSMemory`"]


def _table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---"] + ["---:"] * (len(head) - 1)) + " |"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _rough(value):
    """Two digits: what chance moves. The blank does not break the line."""
    digits = len(str(round(value)))
    return f"≈\u00a0{round(value, 2 - digits):,.0f}"


def _built(costs):
    return {(row.version, row.string_bytes, row.entries): row for row in costs if row.phase == "built"}


def families(costs):
    """Lists of versions that behave alike, in the order of their first."""
    built, found = _built(costs), []
    versions = list(dict.fromkeys(row.version for row in costs))
    sizes = list(dict.fromkeys((row.string_bytes, row.entries) for row in costs))

    def are_alike(a, b):
        return all(abs(built[(a, *size)].allocated - built[(b, *size)].allocated) < SAME * built[(a, *size)].allocated
                   and built[(a, *size)].design == built[(b, *size)].design for size in sizes)

    for version in versions:
        for family in found:
            if are_alike(family[0], version):
                family.append(version)
                break
        else:
            found.append([version])
    return found


def thousand_row(version, short, long):
    """Bytes are exact, and the same each time."""
    cells = [f"go{version}", DESIGN_WORDS[short.design], f"{short.capacity:,}"]
    for row in (short, long):
        cells += [f"{row.allocated:,}", f"**{row.pages:,}**", f"{row.resident_pages:,}"]
    return cells


THOUSAND_HEAD = ["built by", "design", "slots", "10-byte strings: bytes", "pages", "resident",
                 "100-byte strings: bytes", "pages", "resident"]


def answer(costs):
    """The number that the page is about."""
    words = []
    for _, design in designs_of(costs):
        pages = {row.pages for (_, size, count), row in _built(costs).items()
                 if (row.design, size, count) == (design, SHORT, THOUSAND)}
        words.append(f"**{' to '.join(f'{n:,}' for n in sorted({min(pages), max(pages)}))}** {ANSWER_WORDS[design]}")
    return [f"A `map[string]string` of 1,000 entries, keys and elements of {SHORT} bytes each, takes "
            f"{', '.join(words)}."]


def thousand(costs):
    built = _built(costs)
    return _table(THOUSAND_HEAD, [thousand_row(version, built[version, SHORT, THOUSAND], built[version, LONG, THOUSAND])
                                  for version in dict.fromkeys(row.version for row in costs)])


def _family_cells(rows):
    """Bytes per entry and pages; of versions that behave alike the median."""
    allocated, pages = (median(getattr(row, name) for row in rows) for name in ("allocated", "pages"))
    per_entry = allocated / rows[0].entries
    is_certain = len({row.allocated for row in rows}) == 1 and all(row.is_certain for row in rows)
    is_certain_in_pages = is_certain and len({row.pages for row in rows}) == 1
    return [f"{per_entry:,.0f}" if is_certain else _rough(per_entry),
            f"{pages:,.0f}" if is_certain_in_pages else _rough(pages)]


def _family_words(family, design):
    return f"{DESIGN_WORDS[design]}, go{', '.join(family)}"


def entries(costs, string_bytes):
    built, groups = _built(costs), families(costs)
    head = ["entries"]
    for family in groups:
        head += [f"{_family_words(family, built[family[0], SHORT, THOUSAND].design)}: bytes per entry", "pages"]
    rows = []
    for count in dict.fromkeys(row.entries for row in costs if row.string_bytes == string_bytes):
        rows.append([f"{count:,}"])
        for family in groups:
            rows[-1] += _family_cells([built[version, string_bytes, count] for version in family])
    return _table(head, rows)


def deletes(costs):
    by_key = {(row.version, row.string_bytes, row.entries, row.phase): row for row in costs}
    rows = []
    for version, design in designs_of(costs):
        for size in (SHORT, LONG):
            for count in DELETE_ENTRIES:
                phases = [by_key[version, size, count, phase] for phase in ("built", "deleted", "returned", "remade")]
                pages = [f"{row.pages:,}" if count == THOUSAND or row.pages < 100 else _rough(row.pages)
                         for row in phases]
                rows.append([f"{DESIGN_WORDS[design]}, go{version}", f"{size} bytes", f"{count:,}", *pages,
                             f"{phases[1].allocated / phases[0].allocated:.0%}"])
    return _table(["built by", "strings", "entries", "pages", "all deleted", "`FreeOSMemory`", "made anew",
                   "kept by deletes"], rows)


def heap(heaps):
    rows = []
    for (phase, _), words in zip(HEAP_PHASES, HEAP_WORDS):
        rows.append([words])
        for row in heaps:
            if row.phase == phase:
                rows[-1] += [f"{(row.objects + row.unused) / MIB:.0f}",
                             _rough(row.free / MIB) if row.free >= MIB else "0"]
    head = ["resident MiB"]
    for version, design in dict.fromkeys((row.version, row.design) for row in heaps):
        head += [f"{DESIGN_WORDS[design]}, go{version}: in spans in use", "free, not given back"]
    return _table(head, rows)


def machine(facts):
    fact = {row.name: row.value for row in facts}
    return [f"Measured with {', '.join(fact['go'].split())} on {fact['processor']}, {fact['kernel']}, OS pages of "
            f"{fact['page_bytes']} bytes, transparent huge pages `{fact['huge_pages']}`."]


def fill(page, costs, heaps, facts):
    """The page's text with the tables of these measurements."""
    tables = {"answer": answer(costs), "1,000 entries": thousand(costs), "short strings": entries(costs, SHORT),
              "long strings": entries(costs, LONG), "deletes": deletes(costs), "heap": heap(heaps),
              "machine": machine(facts)}
    for name, lines in tables.items():
        table = "\n".join(lines) + "\n"
        page, count = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)",
                              lambda found, table=table: found[1] + table + found[2], page, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"the page has {count} places for the table '{name}' (<!-- {name} --> ... <!-- end -->)")
    return page
