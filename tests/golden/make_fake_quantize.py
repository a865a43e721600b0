"""Writes fake_quantize.json: torch.fake_quantize_per_tensor_affine and _per_channel_affine with their gradients.

    python3 tests/golden/make_fake_quantize.py

PyTorch multiplies by 1/scale where tempera divides by the scale: the two are the same where the scale is a power of two, and there
values lie on ties; for other scales they are kept away from ties. NaN, infinities and quotients beyond 2^63 are left out, because
PyTorch converts them to integers, which C++ does not define. Groups of inputs are channels of a reshaped weight.
"""
import json
import pathlib

import numpy as np
import torch

rng = np.random.default_rng(31)


def flat(x):
    return [float(str(v)) for v in x.detach().numpy().ravel()]


def values(scale, zero, low, high):
    """Every kind of quotient by `scale` (which has the shape of the result): ties, their neighbours, ends, far out, tiny."""
    shape = scale.shape
    dyadic = np.log2(scale) % 1 == 0
    steps = rng.integers(2 * low - 10, 2 * high + 11, shape) / 2 - zero  # half of them halves
    steps = np.where(rng.random(shape) < 0.3, rng.choice([low - 1, low - 0.5, low, high, high + 0.5, high + 1], shape) - zero, steps)
    x = (scale * steps).astype(np.float32)
    near = rng.random(shape)
    x = np.where(near < 0.1, np.nextafter(x, np.float32(np.inf)), np.where(near < 0.2, np.nextafter(x, np.float32(-np.inf)), x))
    far = rng.choice(np.float32([0, -0.0, 1e-42, -1e-42, 1e6, -1e6, 1e9, -1e9]), shape)
    x = np.where(rng.random(shape) < 0.1, far * np.where(np.abs(far) > 1, scale, 1), x)
    moved = x + scale * rng.uniform(0.01, 0.4, shape) * rng.choice([-1, 1], shape)
    return torch.tensor(np.where(dyadic, x, moved).astype(np.float32))


def result(name, x, bits, low, high, kind, group, scale, zero, call):
    x = x.requires_grad_(True)
    y = call(x)
    dy = torch.tensor(rng.normal(0, 1, x.shape).astype(np.float32))
    (dx,) = torch.autograd.grad(y, x, dy)
    assert (dx == 0).any() and (dx != 0).any()
    return {"name": name, "bits": bits, "low": low, "high": high, "kind": kind, "group": group, "shape": list(x.shape),
            "scale": flat(torch.tensor(scale)), "zero_point": [int(z) for z in np.ravel(zero)], "x": flat(x), "dy": flat(dy), "y": flat(y),
            "dx": flat(dx)}


def per_tensor(name, bits, low, high, scale, zero, shape=(7, 19)):
    scale = np.float32(scale)
    x = values(np.full(shape, scale), zero, low, high)
    return result(name, x, bits, low, high, "tensor", 0, scale.reshape(1), [zero],
                  lambda v: torch.fake_quantize_per_tensor_affine(v, float(scale), zero, low, high))


def per_channel(name, bits, low, high, scale, zero, columns, group=0):
    scale, zero = np.asarray(scale, np.float32), np.asarray(zero, np.int32)
    rows = scale.size
    x = values(np.repeat(scale.reshape(-1, 1), columns, axis=1), zero.reshape(-1, 1), low, high)
    if group:  # scales [out · groups] over rows of `group` inputs: a weight of out = 3 rows
        x = x.reshape(3, -1)

    def call(v):
        return torch.fake_quantize_per_channel_affine(v.reshape(rows, columns), torch.tensor(scale), torch.tensor(zero), 0, low, high).reshape(v.shape)
    return result(name, x, bits, low, high, "group" if group else "channel", group, scale, zero, call)


powers, others = [0.5, 2, 2.0**-20, 1, 64, 2.0**-7], [0.3, 1e-3, 17, 1 / 3, 1e-6, 0.77]
cases = [
    per_tensor("u8", 8, 0, 255, 0.25, 0), per_tensor("u8 at 255", 8, 0, 255, 2.0**-9, 255), per_tensor("u8 inside", 8, 0, 255, 0.013, 77),
    per_tensor("s8 narrow", 8, -127, 127, 2.0**-7, 0), per_tensor("s8 at -128", 8, -128, 127, 4, -128),
    per_tensor("s8 at 127", 8, -128, 127, 1.1, 127), per_tensor("s2", 2, -2, 1, 0.5, 0), per_tensor("s2 narrow", 2, -1, 1, 0.7, 0),
    per_tensor("u3", 3, 0, 7, 2, 3), per_tensor("u16", 16, 0, 65535, 2.0**-12, 40000), per_tensor("s16", 16, -32768, 32767, 3e-4, -5),
    per_channel("s8 channels", 8, -127, 127, powers, [0] * 6, 17), per_channel("s8 channels", 8, -128, 127, others, [0, 1, -1, 127, -128, 64], 17),
    per_channel("u4 channels", 4, 0, 15, powers, [0, 15, 8, 1, 14, 7], 33), per_channel("s3 groups", 3, -3, 3, powers, [0] * 6, 8, 8),
    per_channel("s4 groups", 4, -8, 7, others, [0, -8, 7, 1, 2, 3], 5, 5)]
path = pathlib.Path(__file__).with_name("fake_quantize.json")
path.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")) + "\n")
print(path, path.stat().st_size, "bytes")
