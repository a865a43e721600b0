"""The page's sections on where a training step's time goes: what remains of it, what a second thread does for each operation, and
which operations fake quantization adds."""
import statistics

from cells import WORKLOADS
from figures import number, percent, table, values_of

SMALLEST = 0.01  # of a step with one thread: operations below are summed up
NAMED = 3        # rows at most that a sentence names


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


def operations_of(side):
    return [kind for kind in side if kind not in ("step", "peak") and not kind.startswith("of peak: ")]


def behind(sides, rows):
    """The sentence that names the rows which gain less from the other threads than registers do, by the time that costs."""
    gain = sides[-1]["peak"] / sides[0]["peak"]
    lost = {name: sides[-1].get(name, 0) - sides[0][name] / gain for name in rows}
    missing = lost.pop("step")
    if missing <= 0:
        return "The step gains as much."
    largest = [name for name in sorted(lost, key=lost.get, reverse=True) if lost[name] > 0][:NAMED]
    named = [f"{'all else' if name == 'rest' else name} ({sides[0][name] / sides[-1][name]:.2f}×, {number(lost[name])} µs)" for name in largest]
    listed = " and ".join([part for part in (", ".join(named[:-1]), named[-1]) if part])
    return (f"With that gain everywhere the step would take {number(sides[0]['step'] / gain)} µs instead of {number(sides[-1]['step'])}: the "
            f"difference comes from what gains less, most of all {listed}.")


def network(name, records):
    labels = sorted({label for r in records for label in r["sides"]}, key=lambda label: int(label.split("/")[1]))
    counts = [label.split("/")[1] for label in labels]
    sides = [medians(records, label) for label in labels]
    large = [kind for kind in operations_of(sides[0]) if sides[0][kind] >= SMALLEST * sides[0]["step"]]
    for side in sides:
        side["rest"] = max(0, side["step"] - sum(side.get(kind, 0) for kind in large))
    large.sort(key=lambda kind: -sides[0][kind])
    rows = [row(kind, sides) for kind in large] + [row("rest", sides, "all else"), row("step", sides, "**step**")]
    header = ["operation", *(f"µs, {count} thread(s)" for count in counts), *(["gain"] if len(counts) > 1 else []),
              *(f"of peak, {count}" for count in counts)]
    text = f"**{name}.** "
    if len(sides) > 1:
        text += (f"Multiply-adds in registers gain {sides[-1]['peak'] / sides[0]['peak']:.2f}× from the second thread here. "
                 f"{behind(sides, [*large, 'rest', 'step'])}")
    return [text, "", table(header, rows), ""]


def profiles(cells, _):
    text = ["## Where a training step's time goes", "µs a step by operation, medians of the rounds, as `--profile` has them, largest first. What "
            "gains less than multiply-adds in registers do waits for memory that the threads share, or for one another.", ""]
    for name in (w for w in WORKLOADS if w in cells):
        text += network(name, cells[name])
    return text


def added(name, records):
    """A network's operations with and without fake quantization, by what they add."""
    ours = next(label for label in records[0]["sides"] if label.startswith("tempera/"))
    count = ours.split("/")[1]
    quantized, plain = medians(records, ours), medians(records, f"tempera float32/{count}")

    def cells_of(title, with_it, without):
        more = with_it - without
        return [title, number(without), number(with_it), f"{'−' if more < 0 else '+'}{number(abs(more))}",
                f"{'−' if more < 0 else '+'}{percent(abs(more) / plain['step'])}"]

    more = {kind: quantized.get(kind, 0) - plain.get(kind, 0) for kind in dict.fromkeys([*operations_of(quantized), *operations_of(plain)])}
    large = sorted((kind for kind in more if abs(more[kind]) >= SMALLEST * plain["step"]), key=lambda kind: -more[kind])
    rest = [side["step"] - sum(side.get(kind, 0) for kind in large) for side in (quantized, plain)]
    rows = [cells_of(kind, quantized.get(kind, 0), plain.get(kind, 0)) for kind in large]
    rows += [cells_of("all else", *(max(0, r) for r in rest)), cells_of("**step**", quantized["step"], plain["step"])]
    return [f"**{name}**, {count} thread(s).", "",
            table(["operation", "µs in float32", "µs with fake quantization", "more", "of the float32 step"], rows), ""]


def qat_profiles(cells, _):
    text = ["## What fake quantization adds to a step", "µs a step by operation with 8-bit fake quantization and in float32, both with "
            "`--profile`, side by side in each round; medians of the rounds, the largest differences first. `fake_quant` is "
            "of the weights or the output of the layer beside it, without a layer of the inputs.", ""]
    for name in (w for w in WORKLOADS if w in cells):
        text += added(name, cells[name])
    return text
