"""What the tests of `./dev bench compare` share."""
import json
import pathlib
import sys

COMPARE = pathlib.Path(__file__).resolve().parents[2] / "bench" / "compare"
sys.path.insert(0, str(COMPARE))

FACTS = {"processor": "A Processor", "cores": 2, "system": "Linux 6"}


def said(*lines):
    return [("".join(json.dumps(line) + "\n" for line in lines), 1.5, 80e6)]


def record(cell, values, load=(0.5, 1.0), others=0.0, at="2026-01-01 10:00 UTC", revision="abc"):
    """A record of a cell, as compare() writes it; values: {label: {kind: numbers}}."""
    sides = {side.label: {"peer": f"{side.name}-1.0", "command": list(side.command), "values": values[side.label], "notes": []}
             for side in cell.sides}
    return {"section": cell.section, "name": cell.name, "at": at, "revision": revision, "load": list(load), "others": others, "sides": sides}


def rates(cell, *per_side):
    return {side.label: {"samples_per_s": list(values)} for side, values in zip(cell.sides, per_side)}
