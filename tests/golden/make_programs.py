"""Writes program_format1.safetensors, program_format2.safetensors and programs.json: program files as docs/guide/program-files.md
describes each version of the format, and what they make of some samples.

    python3 tests/golden/make_programs.py

Written from that description and computed by the definitions of the instructions, in whole numbers of any size. The files are
kept as they are: what was shipped once has to be read, and to the same integers, by every version to come.
"""
import json
import math
import pathlib
import random
import struct
import zlib

random.seed(5)
here = pathlib.Path(__file__).parent


def whole(low, high, n):
    return [random.randint(low, high) for _ in range(n)]


def half_even(x):
    return round(x)  # Python's rounds half to even


def half_away(numerator, denominator):
    size = (2 * abs(numerator) + denominator) // (2 * denominator)
    return size if numerator >= 0 else -size


def clamp(x, low, high):
    return max(low, min(high, x))


def packed(values, bits):
    """Two's complement from the lowest bit of the first byte on."""
    stream = sum((v & (1 << bits) - 1) << i * bits for i, v in enumerate(values))
    return stream.to_bytes(math.ceil(len(values) * bits / 8), "little")


def write(path, version, structure, tensors):
    texts = {"tempera.program": version, "tempera.instructions": json.dumps(structure), "labels": "a b c d"}
    header, content, parts = {}, b"", []
    for name in sorted(tensors):
        kind, count, data = tensors[name]
        header[name] = {"dtype": kind, "shape": [count], "data_offsets": [len(content), len(content) + len(data)]}
        content += data
        parts += [name.encode(), data]
    for key in sorted(texts):
        parts += [key.encode(), texts[key].encode()]
    crc = 0
    for part in parts:
        crc = zlib.crc32(part, zlib.crc32(struct.pack("<Q", len(part)), crc))
    texts["tempera.crc32"] = f"{crc:08x}"
    text = json.dumps({"__metadata__": texts, **header}).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)


def tensor(kind, values):
    letter = {"I32": "i", "F32": "f", "I8": "b"}[kind]
    return kind, len(values), struct.pack(f"<{len(values)}{letter}", *values)


# The network: 2 × 4 × 4 pixels → convolution with padding → pooling → 12 values → 4 of a layer.
Z_X, Z_Y = 3, -5
conv_w, conv_zero, conv_bias = whole(-4, 3, 3 * 2 * 3 * 3), [1, 0, -2], [1000, -7, 300]
conv_m, conv_shift = [1288490189, 2147483647, 1 << 30], [2, 3, 4]
line_w, line_bias = whole(-8, 7, 4 * 12), [100, -3, 70000, 0]
thresholds, directions = [-2000, -1500, 400, 1200, 70000, 70500, -1200, -1000], [1, -1, 1, 1]


def convolved(q):
    """[2][4][4] → [3][4][4]; cells outside of the image are Z_X, which adds nothing."""
    result = []
    for o in range(3):
        for y in range(4):
            for x in range(4):
                acc = conv_bias[o]
                for c in range(2):
                    for ky in range(3):
                        for kx in range(3):
                            iy, ix = y + ky - 1, x + kx - 1
                            if 0 <= iy < 4 and 0 <= ix < 4:
                                w = conv_w[((o * 2 + c) * 3 + ky) * 3 + kx] - conv_zero[o]
                                acc += (q[(c * 4 + iy) * 4 + ix] - Z_X) * w
                result.append(clamp(half_away(acc * conv_m[o], 1 << 31 + conv_shift[o]) + Z_Y, -128, 127))
    return result


def pooled(q):
    return [max(q[(c * 4 + 2 * y + dy) * 4 + 2 * x + dx] for dy in range(2) for dx in range(2))
            for c in range(3) for y in range(2) for x in range(2)]


def accumulated(q):
    return [line_bias[o] + sum((q[i] - Z_Y) * line_w[o * 12 + i] for i in range(12)) for o in range(4)]


def reached(acc, o):
    return sum(acc >= t if directions[o] == 1 else acc <= t for t in thresholds[2 * o:2 * o + 2])


def buffer(site, shape, cell, bits, low, high, zero):
    return {"site": site, "shape": shape, "cell": cell, "bits": bits, "low": low, "high": high, "zero_point": zero}


def structure(last, requant):
    mid = ("s8", 8, -128, 127, Z_Y)
    params = {"bits": 8, "signed": False, "low": 0, "high": 255, "scale": [0.25], "zero_point": [Z_X], "rounding": "half_even"}
    conv = {"weight": {"shape": [3, 2, 3, 3], "bits": 3, "symmetric": False}, "stride": [1, 1], "padding": [1, 1],
            "dilation": [1, 1], "groups": 1, "requant": {"mode": "single", "zero_point": Z_Y, "low": -128, "high": 127}}
    line = {"weight": {"shape": [4, 12], "bits": 4, "symmetric": True}, "requant": requant}
    steps = [("quantize", {"params": params}), ("conv2d", conv),
             ("max_pool2d", {"size": [2, 2], "stride": [2, 2], "padding": [0, 0]}), ("reshape", {}), ("linear", line)]
    return {"input": [2, 4, 4],
            "buffers": [buffer("input", [2, 4, 4], "u8", 8, 0, 255, Z_X), buffer("conv", [3, 4, 4], *mid),
                        buffer("pool", [3, 2, 2], *mid), buffer("flat", [12], *mid), last],
            "instructions": [{"op": op, "layer": op, "inputs": [i - 1] if i else [], "output": i, **rest}
                             for i, (op, rest) in enumerate(steps)]}


tensors = {"1.weight": ("U8", 21, packed(conv_w, 3)), "1.zero_points": tensor("I8", conv_zero), "1.bias": tensor("I32", conv_bias),
           "1.multiplier": tensor("I32", conv_m), "1.shift": tensor("I8", conv_shift),
           "4.weight": ("U8", 24, packed(line_w, 4)), "4.bias": tensor("I32", line_bias),
           "buffer0.scale": tensor("F32", [0.25])}
tensors |= {f"buffer{i}.scale": tensor("F32", [0.5]) for i in (1, 2, 3)}
write(here / "program_format1.safetensors", "1", structure(buffer("line", [4], "s32", 32, 0, 0, 0), None),
      tensors | {"buffer4.scale": tensor("F32", [0.25, 0.5, 1, 2])})
write(here / "program_format2.safetensors", "2",
      structure(buffer("line", [4], "u8", 2, 0, 2, 0), {"mode": "thresholds", "zero_point": 0, "low": 0, "high": 2}),
      tensors | {"buffer4.scale": tensor("F32", [1]), "4.thresholds": tensor("I32", thresholds), "4.directions": tensor("I8", directions)})

# Eighths: quotients by 0.25 are halves, so that ties are met.
samples = [[random.randint(-40, 540) / 8 for _ in range(32)] for _ in range(6)]
sums = [accumulated(pooled(convolved([clamp(half_even(x / 0.25) + Z_X, 0, 255) for x in sample]))) for sample in samples]
counts = [[reached(acc, o) for o, acc in enumerate(row)] for row in sums]
(here / "programs.json").write_text(json.dumps({"samples": samples, "format1": sums, "format2": counts}) + "\n")
