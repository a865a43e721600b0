"""What can be reached at most: multiply-adds in registers, or the memory that the operands come from, whichever is slower; and for
products of bytes the instructions that multiply them exactly."""
import statistics
from dataclasses import dataclass

from figures import values_of

# Passes of the section `limits` that only read: kernel/extents. The loop beside them tells the rate of reading an array of that size.
READING = ("sum", "sum_squares", "min_max", "column_sum")
FLOAT = 4  # bytes


@dataclass(frozen=True)
class Reading:
    """A loop that read an array again and again on one thread."""
    name: str
    size: int     # bytes of the array
    rate: float   # bytes a second


@dataclass(frozen=True)
class Product:
    """C[m,n] = A[m,k]·B[k,n], or a layer that does as many operations on as many values."""
    flop: float
    bytes: float  # of its operands and its result, each read or written once


@dataclass(frozen=True)
class Roof:
    seconds: float
    by: str         # "memory" or "arithmetic": where most of these seconds go
    readings: tuple  # whose rates were taken, one a product


def threads_of(records):
    return sorted({int(label.split("/")[1]) for r in records for label in r["sides"]})


def peaks(everything):
    """{threads: GFLOP/s of multiply-adds in registers}, if products were measured."""
    found = {}
    for records in everything.get("gemm", {}).values():
        for count in threads_of(records):
            if values := values_of(records, f"tempera/{count}", "peak"):
                found[count] = statistics.median(values)
    return found


def limits_of(everything):
    """{kind: the values of each round} of the section `limits`; none if it was not measured."""
    found = {}
    for records in everything.get("limits", {}).values():
        for r in records:
            for side in r["sides"].values():
                for kind, values in side["values"].items():
                    found.setdefault(kind, []).append(values)
    return found


def readings(everything):
    """The rates at which one thread read arrays, by rising size."""
    found = []
    for kind, rounds in limits_of(everything).items():
        name, *extents = kind.split("/")
        if name in READING:
            size = FLOAT
            for extent in extents:
                size *= int(extent)
            seconds = 1e-6 * statistics.median(values[1] for values in rounds)
            found.append(Reading(f"{name} of {'×'.join(extents)}", size, size / seconds))
    return sorted(found, key=lambda reading: (reading.size, reading.rate))


def nearest(found, size):
    """The reading of the array whose size is the least factor away, of equal sizes the faster."""
    return min(found, key=lambda reading: (max(reading.size / size, size / reading.size), -reading.rate))


def matrix_product(m, n, k):
    return Product(2 * m * n * k, FLOAT * (m * k + k * n + m * n))


def layer_product(layer, batch):
    return Product(2 * batch * layer.multiply_adds, FLOAT * (layer.weights + batch * (layer.inputs + layer.outputs)))


def roof(products, peak, found, threads):
    """The least time of products done one after the other, at `peak` GFLOP/s with these threads. Each thread is taken to read at
    the rate of one alone: with shared caches and memory they are slower, so that it stays a bound."""
    seconds, memory, used = 0.0, 0.0, []
    for product in products:
        reading = nearest(found, product.bytes)
        reads, computes = product.bytes / (threads * reading.rate), product.flop / (1e9 * peak)
        seconds += max(reads, computes)
        memory += reads if reads > computes else 0
        used.append(reading)
    return Roof(seconds, "memory" if 2 * memory > seconds else "arithmetic", tuple(used))


def exact_bound(everything):
    """Operations a second of exact products of bytes in registers on one thread, or None."""
    rounds = limits_of(everything).get("int_bound/pairs")
    return statistics.median(values[0] for values in rounds) if rounds else None
