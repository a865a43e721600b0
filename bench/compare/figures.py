"""Figures of the page: medians and ratios over rounds, and how they stand to their marks."""
import statistics


def number(x):
    """Three or four figures, thousands apart: 131 000, 8.52."""
    if x >= 1000:
        digits = len(str(int(x)))
        return f"{round(x, 4 - digits):,.0f}".replace(",", " ")
    return f"{x:.3g}" if x < 100 else f"{x:.0f}"


def spread(values):
    """Median, and the range where there is one."""
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({number(min(values))}–{number(max(values))})"


def values_of(records, label, kind):
    """All values of a side, over all rounds; none if the side was never there."""
    return [value for r in records if label in r["sides"] for value in r["sides"][label]["values"].get(kind, [])]


def ratios(records, over, under, kind):
    """Round by round the median of one side over that of another: what drifts from round to round cancels out. `under` may be several
    sides, of which the largest counts."""
    found = []
    for r in records:
        tops, *bottoms = [r["sides"].get(label, {}).get("values", {}).get(kind) for label in (over, *under)]
        medians = [statistics.median(b) for b in bottoms if b]
        if tops and medians:
            found.append(statistics.median(tops) / max(medians))
    return found


def times(found):
    """1.23× (1.10–1.40), or nothing."""
    if not found:
        return ""
    middle = f"{statistics.median(found):.2f}×"
    return middle if len(found) == 1 else f"{middle} ({min(found):.2f}–{max(found):.2f})"


def at_least(found, mark, unit="×"):
    """The mark and whether the median reaches it; empty where there is none."""
    if mark is None or not found:
        return "", ""
    middle = statistics.median(found)
    return f"≥ {mark:g}{unit}", "reached" if middle >= mark else f"**missed**: {100 * middle / mark:.0f} % of it"


def at_most(found, mark, text):
    if mark is None or not found:
        return "", ""
    middle = statistics.median(found)
    return f"≤ {text}", "reached" if middle <= mark else f"**missed**: {middle / mark:.2f} times it"


def percent(share):
    return f"{100 * share:.0f} %"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
