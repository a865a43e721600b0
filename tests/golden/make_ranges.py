"""Writes ranges.json: scales and zero points that PyTorch's observers choose for ranges.

    python3 tests/golden/make_ranges.py

torch.ao.quantization's MinMaxObserver, PerChannelMinMaxObserver and MovingAverageMinMaxObserver on some batches. PyTorch divides
in float32 where tempera rounds once, raises scales to 2^−23, and rounds −min/scale where tempera rounds qmin − min/scale: the
ranges are neither tiny nor have their zero point on a tie. Its symmetric scale is amax / ((qmax − qmin)/2): on a narrow range
that is amax/qmax, on a whole one amax/(qmax + ½), which tempera calls full_range.
"""
import json
import pathlib

import numpy as np
import torch
from torch.ao.quantization import MinMaxObserver, MovingAverageMinMaxObserver, PerChannelMinMaxObserver

rng = np.random.default_rng(41)


def flat(x):
    return [float(str(v)) for v in np.asarray(x, np.float32).ravel()]


def case(name, observer, batches, bits, is_signed, narrow, symmetric, full_range=False, **more):
    for batch in batches:
        observer(torch.tensor(batch))
    scale, zero = observer.calculate_qparams()
    low = observer.min_val.numpy().reshape(-1)
    if not symmetric:
        ratio = -np.minimum(low, 0) / scale.numpy()
        assert (np.abs(ratio - np.floor(ratio) - 0.5) > 1e-3).all(), name
    return {"name": name, "bits": bits, "signed": is_signed, "narrow": narrow, "symmetric": symmetric, "full_range": full_range,
            "shape": list(batches[0].shape), "batches": [flat(b) for b in batches], "scale": flat(scale),
            "zero_point": [int(z) for z in zero.reshape(-1)]} | more


def ends(bits, is_signed, narrow):
    half = 2 ** (bits - 1)
    return {"quant_min": (-half + narrow if is_signed else 0), "quant_max": (half - 1 if is_signed else 2 * half - 1),
            "dtype": torch.qint8 if is_signed and bits <= 8 else torch.quint8 if bits <= 8 else torch.qint32}


def batches(low, high, shape=(3, 6), count=2):
    return [rng.uniform(low, high, shape).astype(np.float32) for _ in range(count)]


tensor, channel = {"qscheme": torch.per_tensor_affine}, {"qscheme": torch.per_channel_affine, "ch_axis": 0}
cases = []
for low, high in ((-1, 2), (0.5, 3), (-7, -2), (-0.3, 0.02), (-1e20, 3e20), (-0.01, 100)):
    for bits, is_signed in ((8, False), (8, True), (4, False), (3, True), (16, False)):
        cases.append(case("min_max", MinMaxObserver(**tensor, **ends(bits, is_signed, False)), batches(low, high), bits, is_signed, False, False))
    for bits, narrow in ((8, True), (8, False), (4, True), (2, True), (5, False)):
        observer = MinMaxObserver(qscheme=torch.per_tensor_symmetric, **ends(bits, True, narrow))
        cases.append(case("min_max", observer, batches(low, high), bits, True, narrow, True, full_range=not narrow))
    observer = MovingAverageMinMaxObserver(averaging_constant=0.25, **tensor, **ends(8, False, False))
    cases.append(case("moving_average", observer, batches(low, high, count=4), 8, False, False, False, rate=0.25))
weight = (rng.normal(0, 1, (7, 12)) * 10.0 ** rng.uniform(-3, 3, (7, 1))).astype(np.float32)
weight[2] = np.abs(weight[2])
for bits, narrow in ((8, True), (4, False)):
    observer = PerChannelMinMaxObserver(qscheme=torch.per_channel_symmetric, ch_axis=0, **ends(bits, True, narrow))
    cases.append(case("min_max", observer, [weight], bits, True, narrow, True, full_range=not narrow, per_channel=True))
cases.append(case("min_max", PerChannelMinMaxObserver(**channel, **ends(8, False, False)), [weight], 8, False, False, False, per_channel=True))
path = pathlib.Path(__file__).with_name("ranges.json")
path.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")) + "\n")
print(path, path.stat().st_size, "bytes", len(cases))
