#!/usr/bin/env python3
"""Checks that the relative links of Markdown pages lead to a file, and their anchors to a heading of it.

    scripts/check-links.py [FILE...]        (all pages that git knows, if not told)

Prints `page: link: what` for each that does not; exit code 1 when there are any.
"""

import re
import subprocess
import sys
from pathlib import Path


def slug(heading):
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page):
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", page.read_text(), flags=re.M)}


def findings(page):
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(), flags=re.S | re.M)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists():
            yield f"{page}: {link}: no such file"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            yield f"{page}: {link}: no such heading"


def main():
    names = sys.argv[1:] or subprocess.run(["git", "ls-files", "*.md"], text=True, capture_output=True, check=True).stdout.split()
    found = [finding for name in names for finding in findings(Path(name))]
    for finding in found:
        print(finding, file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
