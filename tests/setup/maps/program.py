# SPDX-License-Identifier: Apache-2.0
"""The program with the map (tests/apps/mapcost), and what gopagewatch says of it.

Each answer of `gopagewatch map` is held against what the program's own HeapAlloc grew by: no number that differs by
more than 1 % gets any further.
"""

import json
import os
import subprocess
import tempfile

MAX_ERROR = 0.01
SELF_BYTES = 200  # what the runtime moves HeapAlloc by on its own, now and then


class Disagreement(Exception):
    """gopagewatch and the program's own counters do not say the same."""


class Program:
    """Runs mapcost by one Go version. Use it in a `with`: then it ends there."""

    def __init__(self, build, version, string_bytes, copies=1):
        self.gopagewatch = os.path.join(build, "gopagewatch")
        self.version = version
        self.copies = copies
        self.heap_bytes = None
        # One processor: pages are filled in the same order each time. No setting of the person who runs this.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("GO", "LD_PRELOAD"))}
        environment["GOMAXPROCS"] = "1"
        self.process = subprocess.Popen(
            [os.path.join(build, "apps", version, "mapcost"), str(string_bytes), str(copies)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self._await_truth()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def _await_truth(self):
        line = self.process.stdout.readline().split()
        if not line or line[0] != "truth":
            raise RuntimeError(f"mapcost of go{self.version} ended: exit {self.process.wait()}")
        self.truth = dict(word.split("=") for word in line[2:])
        self.heap_bytes = int(self.truth["heap_bytes"])

    def do(self, command):
        """Returns when it is done and the heap was collected."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        self._await_truth()

    def _run(self, *arguments):
        done = subprocess.run([self.gopagewatch, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"gopagewatch {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def map(self):
        """The answer about main.Cache, a dictionary (docs/dump-format.md, go.maps)."""
        answer = json.loads(self._run("map", "main.Cache", str(self.process.pid), "--json"))["maps"][0]
        if answer["why"] is not None:
            raise Disagreement(f"go{self.version}: {answer['why']}")
        self._check(answer)
        return answer

    def _check(self, answer):
        allocated, entries = answer["total"]["allocated"], answer["entries"]
        allowed = allocated * MAX_ERROR
        if self.copies == 1:
            allowed = max(allowed, SELF_BYTES)
        what = f"go{self.version}, {entries} entries"
        if abs(allocated - self.heap_bytes) > allowed:
            raise Disagreement(f"{what}: gopagewatch says {allocated} bytes, HeapAlloc {self.heap_bytes}")
        if entries != int(self.truth["entries"]) or answer["torn_reads"] > 0 or answer["unknown_objects"] > 0:
            raise Disagreement(f"{what}: the program has {self.truth['entries']}; {answer['torn_reads']} torn reads, "
                               f"{answer['unknown_objects']} unknown objects")

    def classes(self):
        """Resident bytes by class: of a dump from outside."""
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "dump.json")
            self._run("attach", str(self.process.pid), "-o", path)
            with open(path, encoding="utf-8") as file:
                dump = json.load(file)
        return {name: row["resident"] for name, row in dump["rss"]["classes"].items()}
