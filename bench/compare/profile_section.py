"""The page's section on where a training step's time goes: what remains of it, and what a second thread does for each operation."""
import statistics

from cells import WORKLOADS
from figures import number, percent, table, values_of

SMALLEST = 0.01  # of a step with one thread: operations below are summed up


def name_of(operation):
    return " ".join(part for part in (operation["phase"], operation["scope"], operation["op"]) if part)


def profile(document):
    """What `tempera bench train --profile --json` printed: µs a step by operation, and shares of the peak."""
    values = {"step": [document["us_per_step"]], "peak": [document["peak_gflop_per_s"]], "of peak: step": [document["share_of_peak"]]}
    for operation in document["operations"]:
        name = name_of(operation)
        values[name] = [operation["us_per_step"]]
        if "share_of_peak" in operation:
            values[f"of peak: {name}"] = [operation["share_of_peak"]]
    return values


def medians(records, label):
    """{kind: median over the rounds}; an operation that a round does not have took no time there."""
    kinds = dict.fromkeys(kind for r in records if label in r["sides"] for kind in r["sides"][label]["values"])
    rounds = sum(label in r["sides"] for r in records)
    found = {kind: values_of(records, label, kind) for kind in kinds}
    return {kind: statistics.median(values + [0] * (rounds - len(values))) for kind, values in found.items()}


def row(name, sides, title=None):
    figures = [side.get(name, 0) for side in sides]
    shares = [side.get(f"of peak: {name}") for side in sides]
    gain = [f"{figures[0] / figures[-1]:.2f}×" if figures[-1] > 0 else ""] if len(sides) > 1 else []
    return [title or name, *map(number, figures), *gain, *("" if share is None else percent(share) for share in shares)]


def network(name, records):
    labels = sorted({label for r in records for label in r["sides"]}, key=lambda label: int(label.split("/")[1]))
    counts = [label.split("/")[1] for label in labels]
    sides = [medians(records, label) for label in labels]
    operations = [kind for kind in sides[0] if kind not in ("step", "peak") and not kind.startswith("of peak: ")]
    large = [kind for kind in operations if sides[0][kind] >= SMALLEST * sides[0]["step"]]
    for side in sides:
        side["rest"] = max(0, side["step"] - sum(side.get(kind, 0) for kind in large))
    large.sort(key=lambda kind: -sides[0][kind])
    rows = [row(kind, sides) for kind in large] + [row("rest", sides, "all else"), row("step", sides, "**step**")]
    header = ["operation", *(f"µs, {count} thread(s)" for count in counts), *(["gain"] if len(counts) > 1 else []),
              *(f"of peak, {count}" for count in counts)]
    text = f"**{name}.** "
    if len(sides) > 1:
        text += f"Multiply-adds in registers gain {sides[-1]['peak'] / sides[0]['peak']:.2f}× from the second thread here."
    return [text, "", table(header, rows), ""]


def profiles(cells, _):
    text = ["## Where a training step's time goes", "µs a step by operation, medians of the rounds, as `--profile` has them, largest first. What "
            "gains less than multiply-adds in registers do waits for memory that the threads share, or for one another.", ""]
    for name in (w for w in WORKLOADS if w in cells):
        text += network(name, cells[name])
    return text
