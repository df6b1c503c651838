#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds JSON documents against a JSON Schema.

usage: validate_schema.py SCHEMA DOCUMENT...

One line on stdout for each document: "ok", or "bad" with the place and what is wrong there. Exits with 0 when all
documents are as the schema says, 1 when one is not, 77 when the jsonschema package is not installed.
"""
import json
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    sys.exit(77)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    worst = 0
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        error = next(validator.iter_errors(document), None)
        if error is None:
            print("ok")
            continue
        place = "/".join(str(step) for step in error.absolute_path)
        print(f"bad {place}: {error.message[:200]}")
        worst = 1
    return worst


if __name__ == "__main__":
    sys.exit(main())
