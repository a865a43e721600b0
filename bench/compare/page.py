"""docs/results/bench-<machine>.md: medians, ranges, ratios and marks of a comparison."""
import statistics

from cells import GEMM_SHAPES, PROGRAM_ACCURACY, PROGRAM_MEMORY, SCALING_MARKS


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


def verdict(ratio, mark):
    if mark is None:
        return "", ""
    return f"≥ {mark:g}×", "reached" if ratio >= mark else f"**missed**: {100 * ratio / mark:.0f} % of it"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def rate_section(title, unit, chosen):
    rows = []
    for cell, (ours, peer) in chosen:
        a, b = ours.values["samples_per_s"], peer.values["samples_per_s"]
        ratio = statistics.median(a) / statistics.median(b)
        rows.append([cell.name, str(cell.threads), spread(a), spread(b), f"{ratio:.2f}×", *verdict(ratio, cell.mark)])
    peer_name = chosen[0][1][1].peer
    return [f"## {title}", f"{unit}: median of all windows (least–most). tempera is `{chosen[0][1][0].peer}`, the peer `{peer_name}`.", "",
            table(["network", "threads", "tempera", "peer", "ratio", "mark", ""], rows), ""]


def scaling_section(train):
    medians = {(cell.name, cell.threads): statistics.median(ours.values["samples_per_s"]) for cell, (ours, _) in train}
    rows = []
    for workload in dict.fromkeys(cell.name for cell, _ in train):
        if (workload, 1) in medians and (workload, 2) in medians:
            ratio = medians[workload, 2] / medians[workload, 1]
            rows.append([workload, f"{ratio:.2f}×", *verdict(ratio, SCALING_MARKS.get(workload))])
    return ["## From one thread to two", "", table(["network", "ratio", "mark", ""], rows), ""] if rows else []


def gemm_section(chosen):
    rows = []
    for cell, (ours, peer) in chosen:
        peak = max(ours.values["peak"])
        for shape in GEMM_SHAPES:
            a, b = ours.values[shape], peer.values[shape]
            ratio = statistics.median(a) / statistics.median(b)
            rows.append(["×".join(map(str, shape)), str(cell.threads), spread(a), spread(b), f"{ratio:.2f}×",
                         f"{100 * statistics.median(a) / peak:.0f} %", *verdict(ratio, cell.mark)])
    return ["## Matrix products", "GFLOP/s of C[m,n] = A[m,k]·B[k,n] in float32, median of the rounds' best windows (least–most). The "
            f"peer is MKL through `{chosen[0][1][1].peer}`. The share is of the peak that multiply-adds in registers reach here.", "",
            table(["m×n×k", "threads", "tempera", "MKL", "ratio", "of peak", "mark", ""], rows), ""]


def program_section(chosen):
    (cell, (ours, peer)), = chosen
    ratio = statistics.median(peer.values["seconds"]) / statistics.median(ours.values["seconds"])
    memory = max(ours.values["memory"])
    mark, reached = verdict(ratio, cell.mark)
    rows = [["seconds, process start to end", spread(ours.values["seconds"]), spread(peer.values["seconds"]), f"{ratio:.2f}×", mark, reached],
            ["peak resident MB", number(memory / 1e6), number(max(peer.values["memory"]) / 1e6), "",
             f"≤ {PROGRAM_MEMORY / 1e6:.0f}", "reached" if memory <= PROGRAM_MEMORY else "**missed**"]]
    for side, values in (("tempera", ours.values["accuracy"]), ("peer", peer.values["accuracy"])):
        low = min(values)
        rows.append([f"test accuracy of {side}, least", f"{100 * low:.2f} %" if side == "tempera" else "",
                     f"{100 * low:.2f} %" if side == "peer" else "", "", f"≥ {100 * PROGRAM_ACCURACY:.0f} %",
                     "reached" if low >= PROGRAM_ACCURACY else "**missed**"])
    return ["## A whole program", f"mlp128 trained and tested on MNIST with {cell.threads} thread(s), the same epochs, batch and rate on both "
            "sides. tempera also writes its checkpoints and its report in this time.", "",
            table(["", "tempera", "PyTorch", "ratio", "mark", ""], rows), ""]


def commands(chosen, rounds):
    lines = [f"{rounds} round(s); in every round each pair of commands in turn, the first of the two changing from round to round.", "", "```"]
    for cell in chosen:
        script, *arguments = cell.peer
        at = next((i for i, a in enumerate(arguments) if a == "--data"), None)
        if at is not None:
            arguments[at + 1] = "DATA"
        lines += ["tempera " + " ".join(cell.ours).format(config="CONFIG", out="DIR"), f"bench/peers/{script} " + " ".join(arguments)]
    return lines + ["```", ""]


def page(results, facts, rounds, command):
    """The whole document. `facts` are of the machine, `command` is what was typed."""
    by_section = {}
    for cell, sides in results.items():
        by_section.setdefault(cell.section, []).append((cell, sides))
    text = [f"# {facts['processor']}", f"Written by `{command}` on {facts['date']}; revision {facts['revision']}; {facts['cores']} processors "
            f"for this process; {facts['system']}; load {facts['load']:.1f} when it began, {facts['load_after']:.1f} when it ended. Only the "
            "ratios mean something on another machine.", ""]
    if "train" in by_section:
        text += rate_section("Training", "Images a second", by_section["train"]) + scaling_section(by_section["train"])
    if "infer" in by_section:
        text += rate_section("Inference", "Images a second, float32", by_section["infer"])
    if "gemm" in by_section:
        text += gemm_section(by_section["gemm"])
    if "program" in by_section:
        text += program_section(by_section["program"])
    return "\n".join(text + ["## Commands"] + commands(results, rounds))
