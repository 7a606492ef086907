#!/usr/bin/env python3
"""Prints the figures of benchmarks as a table, and writes them as JSON.

    table.py FIGURES [--json FILE]

FIGURES has lines "metric | figure | unit | target | against"; a target is "<= 2" or ">= 1000", or empty.
"""

import argparse
import json
import sys
from pathlib import Path

TITLES = ("metric", "figure", "unit", "target", "against")


def read(path):
    rows = []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        metric, figure, unit, target, against = (part.strip() for part in line.split("|"))
        rows.append({"metric": metric, "figure": float(figure), "unit": unit, "target": target, "against": against})
    return rows


def met(row):
    """None without a target."""
    if not row["target"]:
        return None
    order, bound = row["target"].split()
    return row["figure"] <= float(bound) if order == "<=" else row["figure"] >= float(bound)


def shown(figure):
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


def print_table(rows):
    cells = [TITLES]
    for row in rows:
        target = row["target"] + ("" if row["met"] in (None, True) else "  MISSED")
        cells.append((row["metric"], shown(row["figure"]), row["unit"], target, row["against"]))
    widths = [max(len(row[i]) for row in cells) for i in range(len(TITLES))]
    for number, row in enumerate(cells):
        parts = [text.rjust(width) if i == 1 else text.ljust(width) for i, (text, width) in enumerate(zip(row, widths))]
        print("  ".join(parts).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = read(arguments.figures)
    for row in rows:
        row["met"] = met(row)
    print_table(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
