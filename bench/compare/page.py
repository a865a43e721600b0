"""docs/results/bench-<machine>.md: medians, ranges, ratios and marks of a comparison, from its records."""
import statistics

from cells import (BF16_MARKS, INFER_MARKS, LAYERS, LINEAR_NETWORKS, QAT_MARKS, QAT_TIME, SCALING_MARKS, SECTIONS, TRAIN_MARKS, inference_flop,
                   training_flop)
from disturbance import OTHERS, OWN_LOAD, disturbed
from figures import at_least, at_most, number, percent, ratios, spread, table, times, values_of
from kernel_sections import gemm, int_gemm, limits
from profile_section import profiles, qat_profiles
from program_sections import program, startup
from records import by_cell
from roofline import exact_bound, layer_product, peaks, readings, roof, threads_of

RATE = "samples_per_s"
HOW = "median of all windows (least–most); a ratio is the median of those of each round (least–most)"


def peers_of(cells, *names):
    """What the sides of these names call themselves."""
    return ", ".join(sorted({f"`{side['peer']}`" for records in cells.values() for r in records
                             for label, side in r["sides"].items() if label.split("/")[0] in names}))


def train(cells, everything):
    peak, rows, scaling = peaks(everything), [], []
    for name, records in cells.items():
        for count in threads_of(records):
            ours, theirs = f"tempera/{count}", f"PyTorch/{count}"
            rates, found = values_of(records, ours, RATE), ratios(records, ours, [theirs], RATE)
            share = statistics.median(rates) * training_flop(name) / 1e9 / peak[count] if count in peak else None
            rows.append([name, str(count), spread(rates), spread(values_of(records, theirs, RATE)), times(found),
                         *at_least(found, TRAIN_MARKS.get(name)), "" if share is None else percent(share)])
        if found := ratios(records, "tempera/2", ["tempera/1"], RATE):
            theirs = ratios(records, "PyTorch/2", ["PyTorch/1"], RATE)
            scaling.append([name, times(found), *at_least(found, SCALING_MARKS.get(name)), times(theirs)])
    text = ["## Training", f"Images a second in float32: {HOW}. tempera is {peers_of(cells, 'tempera')}, the peer {peers_of(cells, 'PyTorch')}. "
            "With one thread both gather their batches on it. The share is of the peak that multiply-adds in registers reach here with "
            "as many threads, for the operations that the network's definition has.", "",
            table(["network", "threads", "tempera", "PyTorch", "ratio", "mark", "", "of peak"], rows), ""]
    if scaling:
        text += ["## From one thread to two", "Training with two threads over training with one, side by side in each round.", "",
                 table(["network", "tempera", "mark", "", "PyTorch"], scaling), ""]
    return text


def other_train(title, text_before, cells, marks, time_mark):
    rows = []
    for name, records in cells.items():
        count = threads_of(records)[0]
        ours, plain, theirs = (f"{side}/{count}" for side in ("tempera", "tempera float32", "PyTorch"))
        over_peer, over_plain = ratios(records, ours, [theirs], RATE), ratios(records, ours, [plain], RATE)
        rows.append([name, str(count), spread(values_of(records, ours, RATE)), spread(values_of(records, theirs, RATE)), times(over_peer)])
        if time_mark is None:
            rows[-1] += [times(over_plain), *at_least(over_plain, marks.get(name))]
        else:
            step = [1 / ratio for ratio in over_plain]
            rows[-1] += [*at_least(over_peer, marks.get(name)), times(step), *at_most(step, time_mark, f"{time_mark:g}×")]
    header = ["network", "threads", "tempera", "PyTorch", "ratio"]
    header += ["over our float32", "mark", ""] if time_mark is None else ["mark", "", "time over our float32 step", "mark", ""]
    return [f"## {title}", f"{text_before} Images a second: {HOW}. tempera is {peers_of(cells, 'tempera')}, the peer "
            f"{peers_of(cells, 'PyTorch')}.", "", table(header, rows), ""]


def qat(cells, _):
    return other_train("Training with 8-bit fake quantization", "Weights by channel, activations and inputs by tensor, ranges observed in "
                       "every step.", cells, QAT_MARKS, QAT_TIME)


def bf16(cells, _):
    return other_train("Training in bf16", "Products in bf16, master weights in float32.", cells, BF16_MARKS, None)


def float_shares(everything):
    """What stands beside float32 inference: (header, a row's cells for network, batch and both rates, how it is to be read)."""
    peak, found = peaks(everything).get(1), readings(everything)

    def cells_of(network, batch, ours, theirs):
        flop = inference_flop(network) / 1e9
        shares = [percent(rate * flop / peak) if peak else "" for rate in (ours, theirs)]
        if not (peak and found):
            return [*shares, "", ""]
        least = roof([layer_product(layer, batch) for layer in LAYERS[network]], peak, found, 1)
        return [*shares, percent(ours * least.seconds / batch), least.by]

    note = " Shares are of the peak that multiply-adds in registers reach, for the definition's operations." if peak else ""
    if peak and found:
        note += (" The roofline adds up, layer by layer, what takes longer: these operations at the peak, or reading and writing inputs, weights "
                 "and outputs once at the rate of memory (below, *Roofline of the products*); a convolution by fewer multiplications may exceed it.")
    return ["of peak", "peer's", "of roofline", "bound by"], cells_of, note


def integer_shares(everything):
    """The same for inference on integers: linear layers beside exact products of bytes in registers."""
    bound = exact_bound(everything)

    def cells_of(network, _, ours, theirs):
        return [percent(rate * inference_flop(network) / bound) if bound and network in LINEAR_NETWORKS else "" for rate in (ours, theirs)]

    note = (" For the linear networks also the share of what AVX2's exact products of bytes reach in registers (below); pairs of inputs "
            "that are 0 are left out where that pays, which counts as done. The peer's products need not be exact.") if bound else ""
    return ["of exact products", "peer's"], cells_of, note


def infer(section, title):
    def write(cells, everything):
        header, shares, note = float_shares(everything) if section == "infer" else integer_shares(everything)
        rows = []
        for name, records in cells.items():
            network, batch = name.split(", batch ")
            found = ratios(records, "tempera/1", ["ONNX Runtime/1"], RATE)
            ours, theirs = values_of(records, "tempera/1", RATE), values_of(records, "ONNX Runtime/1", RATE)
            rows.append([network, batch, spread(ours), spread(theirs), times(found),
                         *at_least(found, INFER_MARKS[section].get((network, int(batch)))),
                         number(1e6 * int(batch) / statistics.median(ours)),
                         *shares(network, int(batch), statistics.median(ours), statistics.median(theirs))])
        return [f"## {title}", f"Images a second on one thread: {HOW}. tempera is {peers_of(cells, 'tempera')}, the peer "
                f"{peers_of(cells, 'ONNX Runtime')}.{note}", "",
                table(["network", "batch", "tempera", "ONNX Runtime", "ratio", "mark", "", "our µs a call", *header], rows), ""]
    return write


WRITERS = {"train": train, "profile": profiles, "qat": qat, "qat_profile": qat_profiles, "bf16": bf16,
           "infer": infer("infer", "Inference in float32"),
           "int8": infer("int8", "Inference on 8-bit integers"),
           "dynamic": infer("dynamic", "Inference on 8-bit integers with ranges of the moment"), "gemm": gemm, "int_gemm": int_gemm,
           "limits": limits, "program": program, "startup": startup}


def disturbances(cells, processors):
    """Which rounds other programs disturbed."""
    lines = []
    for (section, name), records in cells.items():
        bad = [(i + 1, r) for i, r in enumerate(records) if disturbed(r, processors)]
        if bad:
            load, others = max(max(r["load"]) for _, r in bad), max(r["others"] for _, r in bad)
            lines.append(f"- {section} {name}: round {', '.join(str(i) for i, _ in bad)} of {len(records)} (load up to {load:.1f}, others "
                         f"up to {percent(others)})")
    rule = (f"A round counts as disturbed where the load average was above the {processors} processors (by more than the {OWN_LOAD} that our own "
            f"programs make), or where other programs had more than {percent(OTHERS)} of their time.")
    if not lines:
        return ["## Disturbances", f"{rule} None was.", ""]
    return ["## Disturbances", f"{rule} Their figures are counted all the same; read them with care:", "", *lines, ""]


def commands(cells):
    lines = ["## Commands", "In every round the commands of a line's group one after the other, every second round in reverse order. DATA is the "
             "folder of MNIST.", ""]
    for section in SECTIONS:
        for (its, name), records in cells.items():
            if its != section:
                continue
            lines += [f"{section} {name}, {len(records)} round(s):", "", "```"]
            for side in records[-1]["sides"].values():
                first, *rest = side["command"]
                words = " ".join([f"bench/peers/{first}" if first.endswith(".py") else first, *rest])
                lines.append(words.replace("{data}", "DATA").replace("{config}", "CONFIG").replace("{out}", "DIR"))
            lines += ["```", ""]
    return lines


def page(records, facts, command, failures):
    """The whole document. `facts` are of the machine, `command` is what was typed, `failures` {(section, name): text}."""
    cells = by_cell(records)
    grouped = {}
    for (section, name), found in cells.items():
        grouped.setdefault(section, {})[name] = found
    kept = [r for found in cells.values() for r in found]
    revisions = list(dict.fromkeys(r["revision"] for r in kept))
    text = [f"# {facts['processor']}", f"Written by `{command}`, measured from {min(r['at'] for r in kept)} to {max(r['at'] for r in kept)}; "
            f"revision {', '.join(revisions)}; {facts['cores']} processors for this process; {facts['system']}; load "
            f"{min(r['load'][0] for r in kept):.1f}–{max(r['load'][1] for r in kept):.1f}. Only the ratios mean something on another machine.", ""]
    for section in SECTIONS:
        if section in grouped:
            text += WRITERS[section](grouped[section], grouped)
    if failures:
        text += ["## Not measured", "", *(f"- {section} {name}: {reason.splitlines()[-1]}" for (section, name), reason in failures.items()), ""]
    return "\n".join(text + disturbances(cells, facts["cores"]) + commands(cells))
