#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads what `gopagewatch check` writes, with readers that are not ours, and prints what they found as JSON.

usage: read_check.py (junit|markdown|openmetrics|gitlab-metrics) FILE
"""
import json
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree


def text_of(element):
    return "".join(element.itertext())


def junit(path):
    root = ElementTree.parse(path).getroot()
    suite = root.find("testsuite")
    cases = []
    for case in suite.findall("testcase"):
        outcomes = [child for child in case if child.tag in ("failure", "error", "skipped")]
        assert len(outcomes) <= 1 and all(child.text for child in outcomes)
        cases.append({"classname": case.get("classname"), "name": case.get("name"),
                      "outcome": outcomes[0].tag if outcomes else "passed",
                      "message": outcomes[0].get("message") if outcomes else None,
                      "text": text_of(outcomes[0]) if outcomes else text_of(case.find("system-out"))})
    return {"tag": root.tag, "cases": cases,
            "counts": {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")},
            "properties": [[p.get("name"), p.get("value")] for p in suite.iter("property")],
            "output": suite.find("system-out").text}


def markdown(path):
    """By cmark-gfm, which GitHub and GitLab descend from."""
    html = subprocess.run(["cmark-gfm", "--extension", "table", "--extension", "strikethrough", "--extension", "autolink",
                           "--unsafe", path], check=True, capture_output=True).stdout.decode()
    root = ElementTree.fromstring("<page>" + html + "</page>")
    allowed = {"page", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "strong", "ul", "li", "blockquote"}
    return {"strange": sorted({element.tag for element in root.iter()} - allowed),
            "heading": text_of(root.find("h3")),
            "paragraphs": [text_of(p) for p in root.findall("p")],
            "quotes": [text_of(q).strip() for q in root.findall("blockquote")],
            "items": [text_of(item).strip() for item in root.iter("li")],
            "tables": [[[text_of(cell) for cell in row] for row in table.iter("tr")] for table in root.findall("table")]}


def openmetrics(path):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
    with open(path, encoding="utf-8") as file:
        families = list(text_string_to_metric_families(file.read()))
    return [{"name": family.name, "type": family.type, "unit": family.unit,
             "samples": [{"name": sample.name, "labels": sample.labels, "value": sample.value}
                         for sample in family.samples]} for family in families]


def gitlab_metrics(path):
    """As GitLab reads the report: no comments, words as in a shell, the second one is the value."""
    series = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = shlex.split(re.sub("#.*$", "", line.rstrip("\n")))
            if words:
                assert len(words) == 2 and words[0] not in series, line
                series[words[0]] = words[1]
    return series


READERS = {"junit": junit, "markdown": markdown, "openmetrics": openmetrics, "gitlab-metrics": gitlab_metrics}
json.dump(READERS[sys.argv[1]](sys.argv[2]), sys.stdout)
