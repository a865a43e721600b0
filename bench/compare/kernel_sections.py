"""The page's sections on kernels: products beside those of libraries, passes over arrays beside their limits."""
import statistics

from cells import GEMM_MARK, GEMM_SHAPES, INT_GEMM_MARK, LIMIT_MARK, PLAIN_PASSES, REGION_MARK
from figures import at_least, at_most, number, percent, ratios, spread, table, times, values_of
from roofline import exact_bound, matrix_product, peaks, readings, roof

LIBRARIES = ("MKL", "oneDNN", "OpenBLAS")


def sides_of(records):
    return list(dict.fromkeys(label for r in records for label in r["sides"]))


def product_rows(cells, libraries, rivals, mark, peak):
    """A row for each shape and number of threads; the ratio is over the best of `rivals`, the share is of `peak(threads)`, in the
    unit of the figures, and empty where that is None."""
    rows = []
    for records in cells.values():
        count = sides_of(records)[0].split("/")[1]
        highest = peak(int(count))
        for extents in GEMM_SHAPES:
            shape = "×".join(map(str, extents))
            ours = values_of(records, f"tempera/{count}", shape)
            if not ours:
                continue
            found = ratios(records, f"tempera/{count}", [f"{rival}/{count}" for rival in rivals], shape)
            theirs = [values_of(records, f"{library}/{count}", shape) for library in libraries]
            row = [shape, count, spread(ours), *(spread(v) if v else "–" for v in theirs), times(found)]
            row.append(percent(statistics.median(ours) / highest) if highest else "")
            rows.append(row + list(at_least(found, mark)))
    return rows


def library_notes(cells):
    """What the libraries say about themselves, and those that are not here."""
    said = {}
    for records in cells.values():
        for r in records:
            for label, side in r["sides"].items():
                said.setdefault(label.split("/")[0], set()).update([f"`{side['peer']}`", *side["notes"]])
    return "; ".join(f"{name} is {', '.join(sorted(notes, reverse=True))}" for name, notes in said.items())


def roofs(cells, everything):
    """Each shape beside the slower of arithmetic and memory."""
    peak, found = peaks(everything), readings(everything)
    if not found:
        return []
    rows = []
    for records in cells.values():
        count = int(sides_of(records)[0].split("/")[1])
        for extents in GEMM_SHAPES:
            shape = "×".join(map(str, extents))
            ours = values_of(records, f"tempera/{count}", shape)
            if not ours or count not in peak:
                continue
            product = matrix_product(*extents)
            least = roof([product], peak[count], found, count)
            (reading,) = least.readings
            intensity = product.flop / product.bytes
            rows.append([shape, str(count), number(1e-3 * product.bytes), number(intensity), f"{number(1e-9 * reading.rate)} ({reading.name})",
                         number(1e-9 * intensity * count * reading.rate), number(peak[count]), number(1e-9 * product.flop / least.seconds),
                         least.by, percent(statistics.median(ours) * 1e9 * least.seconds / product.flop)])
    return ["## Roofline of the products", "What a shape can reach at most: the peak of multiply-adds in registers, or its float operations for each "
            "byte of A, B and C, touched once, times the rate of memory; the lower one binds. That rate is of one thread reading an array "
            "again and again that is nearest in size to these bytes (the pass of the section below whose loop was taken stands in brackets), and counts "
            "for each thread: what they share is slower, so that it stays a bound. Rates and products are measured minutes apart.", "",
            table(["m×n×k", "threads", "kB", "FLOP a byte", "GB/s of memory, a thread", "memory allows, GFLOP/s", "registers allow", "roofline",
                   "bound by", "of roofline"], rows), ""]


def gemm(cells, everything):
    rows = product_rows(cells, LIBRARIES, ("MKL", "oneDNN"), GEMM_MARK, peaks(everything).get)
    return ["## Matrix products", "GFLOP/s of C[m,n] = A[m,k]·B[k,n] in float32, packing included, median of the rounds' best windows "
            f"(least–most). The ratio is over the better of MKL (through PyTorch) and oneDNN, round by round. {library_notes(cells)}. The share is of the peak that "
            "multiply-adds in registers reach here.", "",
            table(["m×n×k", "threads", "tempera", *LIBRARIES, "ratio", "of peak", "mark", ""], rows), "", *roofs(cells, everything)]


def int_gemm(cells, everything):
    bound = exact_bound(everything)
    rows = product_rows(cells, ("oneDNN",), ("oneDNN",), INT_GEMM_MARK, lambda threads: threads * 1e-9 * bound if bound else None)
    note = (" The share is of what AVX2's exact products reach in registers with as many threads (below, *Products of bytes in registers*), "
            "measured minutes apart.") if bound else ""
    return ["## Products of bytes", "10⁹ operations a second of C[m,n] = A[m,k]·B[k,n], uint8 times int8 into int32, B packed beforehand, "
            "median of the rounds' best windows (least–most). tempera's sums are exact on every processor; oneDNN counts with the faster of its "
            f"two ways, its product of plain matrices and its primitive with prepared weights. {library_notes(cells)}.{note}", "",
            table(["m×n×k", "threads", "tempera", "oneDNN", "ratio", "of exact products", "mark", ""], rows), ""]


def integer_bounds(bounds):
    """What AVX2 allows at most: the reason why exact products of bytes stay behind those that let pairs saturate."""
    if len(bounds) < 2:
        return []
    exact, saturating = bounds["pairs"], bounds["saturating_bytes"]
    share = statistics.median(e / s for e, s in zip(exact, saturating))
    rows = [["pairs of int16, exact", spread([1e-9 * v for v in exact])], ["bytes, whose pairs saturate", spread([1e-9 * v for v in saturating])]]
    return ["## Products of bytes in registers", "10⁹ operations a second of AVX2's instructions with nothing else to do. Exact ones reach "
            f"{percent(share)} of those that saturate: with the same share of its bound, a product of bytes or a linear layer in integers that "
            "has to be exact, and is no convolution with fewer multiplications, cannot come nearer to a peer that lets pairs saturate. "
            "Processors with VNNI or AMX have exact instructions of the faster kind.", "",
            table(["products", "10⁹ a second"], rows), ""]


def limits(cells, _):
    (records,) = cells.values()
    label = sides_of(records)[0]
    kinds = list(dict.fromkeys(kind for r in records for kind in r["sides"][label]["values"]))
    held = dict(note.rsplit(": ", 1) for r in records for note in r["sides"][label]["notes"])
    passes, regions, bounds = [], [], {}
    for kind in kinds:
        values = [r["sides"][label]["values"][kind] for r in records if kind in r["sides"][label]["values"]]
        if kind.startswith("empty_region"):
            _, threads, chunks, *_ = kind.split("/")
            seconds = [v[0] for v in values]
            mark = REGION_MARK if threads == "2" else None
            regions.append([threads, chunks, spread([1e6 * s for s in seconds]), *at_most(seconds, mark, "3 µs")])
            continue
        name, *sizes = kind.split("/")
        if name == "int_bound":
            bounds[sizes[0]] = [v[0] for v in values]
            continue
        shares = [v[2] for v in values]
        mark = LIMIT_MARK if name in PLAIN_PASSES else None
        passes.append([name, "×".join(sizes), spread([v[0] for v in values]), number(statistics.median(v[1] for v in values)), held[kind],
                       percent(statistics.median(shares)),
                       *(("", "") if mark is None else (f"≥ {percent(mark)}", at_least(shares, mark)[1]))])
    return ["## Passes over arrays", "µs of a call on one thread beside those of a loop, timed in turn with it, that does nothing but the same "
            "reading and writing, or as many multiplications or divisions; the slower loop is the limit (`bench/bounds.hpp`). tanh, gelu and "
            "cross_entropy have more arithmetic than is counted.", "",
            table(["kernel", "values", "µs", "limit, µs", "by", "of limit", "mark", ""], passes), "",
            "## An empty parallel loop", "µs, by threads that may take part and chunks.", "",
            table(["threads", "chunks", "µs", "mark", ""], regions), "", *integer_bounds(bounds)]
