"""Every <svg> of the pages of make_report_pages, and the standalone one, is well-formed XML by Python's expat, has a
title and a description its aria-labelledby names, and no id is used twice in a document.

usage: svg_test.py MAKE_REPORT_PAGES
"""

import collections
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as tree

SVG = "{http://www.w3.org/2000/svg}"


def problems_of(name, text):
    try:
        root = tree.fromstring(text)
    except tree.ParseError as error:
        return [f"{name}: {error}: {text[:80]!r}"]
    named = [e.get("id") for e in (root.find(f"{SVG}title"), root.find(f"{SVG}desc")) if e is not None]
    out = [] if " ".join(named) == root.get("aria-labelledby") else [f"{name}: not labelled by its title and description"]
    for element in root.iter():
        for key, value in element.attrib.items():
            if re.search(r"\b(nan|inf)\b", value) and key not in ("aria-labelledby", "id"):
                out.append(f"{name}: <{element.tag} {key}={value!r}>")
    return out


def main():
    problems = []
    count = 0
    with tempfile.TemporaryDirectory(prefix="tempera-report-") as folder:
        subprocess.run([sys.argv[1], folder], check=True)
        for path in sorted(pathlib.Path(folder).iterdir()):
            text = path.read_text(encoding="utf-8")
            whole = [text] if path.suffix == ".svg" else re.findall(r"<svg .*?</svg>", text, re.S)
            for svg in whole:
                count += 1
                problems += problems_of(path.name, svg)
            ids = collections.Counter(re.findall(r'\sid="([^"]*)"', text))
            problems += [f"{path.name}: id {name!r} is used {n} times" for name, n in ids.items() if n > 1]
            if path.suffix == ".html" and "src=\"http" in text:
                problems.append(f"{path.name}: loads something from the network")
    for problem in problems:
        print("FAILED", problem)
    print(f"{count} charts, {len(problems)} problems")
    return 1 if problems or count < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
