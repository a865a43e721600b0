"""From what a command printed to numbers: {"peer": name, "values": {kind: [numbers]}, "notes": [what it said about itself]}."""
import json

from profile_section import profile


def shape_of(line):
    return f"{line['m']}×{line['n']}×{line['k']}"


def products(lines):
    """Lines of `tempera bench kernels` and its peers. Where a library has several ways for a shape, the best of them counts."""
    values, notes = {}, set()
    for line in lines:
        rate = line.get("gflop_per_s", line.get("gop_per_s"))
        shape = shape_of(line)
        values[shape] = [max(rate, *values.get(shape, [0]))]
        if "peak_gflop_per_s" in line:
            values.setdefault("peak", []).append(line["peak_gflop_per_s"])
        if "how" in line:
            notes.add(line["how"] if line.get("exact", True) else f"{line['how']} (sums of large bytes come out wrong)")
    return values, notes


def rates(lines):
    """Lines of `tempera bench train|infer` and its peers: images a second, window by window."""
    return {"samples_per_s": [rate for line in lines for rate in line["windows"]]}, set()


def limits(document):
    """Google Benchmark's JSON: seconds of empty loops, operations a second of bare products, and of kernels with a limit µs, those of the limit, and the share of it."""
    values, notes = {}, set()
    for entry in document["benchmarks"]:
        if "of_limit" in entry:
            values[entry["name"]] = [entry["kernel_us"], entry["limit_us"], entry["of_limit"]]
            notes.add(f"{entry['name']}: {entry['label']}")
        elif entry["name"].startswith("empty_region"):
            values[entry["name"]] = [entry["real_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}[entry["time_unit"]]]
        elif entry["name"].startswith("int_bound/"):
            values[entry["name"]] = [entry["op/s"]]
    return values, notes


def accuracy_of(document):
    """The test accuracy in a summary of `tempera run`, or in the peer's line."""
    return document["accuracy"] if "accuracy" in document else document["results"]["float"]["test"]["accuracy"]


def read(section, name, output):
    """`output` is a list of (standard output, wall seconds, peak resident bytes) of one side, one a call."""
    text, seconds, memory = output[0]
    if section == "startup":
        took = [s for _, s, _ in output] if name == "version" else [json.loads(t)["seconds"] for t, _, _ in output]
        return {"peer": "tempera", "values": {"seconds": took}, "notes": []}
    if section == "program":
        document = json.loads(text)
        return {"peer": document.get("peer", "tempera"), "notes": [],
                "values": {"seconds": [seconds], "memory": [memory], "accuracy": [accuracy_of(document)]}}
    if section == "limits":
        values, notes = limits(json.loads(text))
        return {"peer": "tempera", "values": values, "notes": sorted(notes)}
    if section in ("profile", "qat_profile"):
        document = json.loads(text)
        return {"peer": document["peer"], "values": profile(document), "notes": []}
    lines = [json.loads(line) for line in text.splitlines()]
    if not lines:
        raise ValueError("it printed nothing")
    values, notes = products(lines) if section in ("gemm", "int_gemm") else rates(lines)
    return {"peer": lines[-1]["peer"], "values": values, "notes": sorted(notes)}
