"""The page's sections on whole programs: from start to a tested model, and what comes before the first step."""
import statistics

from cells import PROGRAM_ACCURACY, PROGRAM_MARK, PROGRAM_MEMORY, STARTUP_MARKS
from figures import at_least, at_most, number, ratios, spread, table, times, values_of


def memory_row(title, ours, theirs):
    """Of the most that any round took."""
    most = max(ours)
    return [title, number(most / 1e6), number(max(theirs) / 1e6) if theirs else "", "", f"≤ {PROGRAM_MEMORY / 1e6:.0f}",
            "reached" if most <= PROGRAM_MEMORY else "**missed**"]


def compared(records):
    """The rows of the program that the peer runs as well."""
    ours, theirs = records[0]["sides"]
    found = [1 / ratio for ratio in ratios(records, ours, [theirs], "seconds")]
    rows = [["seconds, process start to end", spread(values_of(records, ours, "seconds")), spread(values_of(records, theirs, "seconds")),
             times(found), *at_least(found, PROGRAM_MARK)],
            memory_row("peak resident MB", values_of(records, ours, "memory"), values_of(records, theirs, "memory"))]
    for at, label in enumerate((ours, theirs)):
        low = min(values_of(records, label, "accuracy"))
        figures = ["", ""]
        figures[at] = f"{100 * low:.2f} %"
        rows.append([f"test accuracy of {label.split('/')[0]}, least", *figures, "", f"≥ {100 * PROGRAM_ACCURACY:.0f} %",
                     "reached" if low >= PROGRAM_ACCURACY else "**missed**"])
    return rows


def program(cells, _):
    count = next(iter(next(iter(cells.values()))[0]["sides"])).split("/")[1]
    rows = compared(cells["mlp128"]) if "mlp128" in cells else []
    text = (f"mlp128 trained and tested on MNIST with {count} thread(s), the same epochs, batch and rate on both sides. tempera also writes its "
            "checkpoints and its report in this time.")
    if "mlp1200" in cells:
        (ours,) = cells["mlp1200"][0]["sides"]
        rows.append(memory_row("peak resident MB of mlp1200", values_of(cells["mlp1200"], ours, "memory"), []))
        text += " mlp1200 is trained for a single epoch, for what it keeps in memory alone."
    return ["## A whole program", text, "", table(["", "tempera", "PyTorch", "ratio", "mark", ""], rows), ""]


WHAT = {"version": "`tempera --version`, process start to end", "gzip": "loading the data set from its gzipped files, with an empty cache",
        "cache": "loading it when it was loaded before"}


def startup(cells, _):
    (records,) = cells.values()
    rows = []
    for label in records[-1]["sides"]:
        name = label.split("/")[0]
        seconds = values_of(records, label, "seconds")
        medians = [statistics.median(seconds)]
        rows.append([WHAT[name], spread([1e3 * s for s in seconds]),
                     *at_most(medians, STARTUP_MARKS[name], f"{1e3 * STARTUP_MARKS[name]:g} ms")])
    return ["## Start-up and loading", "Milliseconds: median (least–most). Loading is what `tempera data check` says it took, every checksum "
            "included.", "", table(["", "ms", "mark", ""], rows), ""]
