"""Writes learned_quantizers.json: what PyTorch's autograd makes of the papers' equations.

    python3 tests/golden/make_learned_quantizers.py

Rounding is x + (round(x) − x).detach(); everything else (clamp, tanh, sigmoid, division by a learned scale) is differentiated
by PyTorch. Numbers are float32 for staircases, so that values fall on the same side of every step, and float64 for the smooth
form, of inputs that float32 holds: a steep sigmoid multiplies what they were rounded by.
"""
import json
import pathlib

import numpy as np
import torch

rng = np.random.default_rng(11)


def round_pass(x):
    return x + (x.round() - x).detach()


def grad_scale(x, factor):
    return x * factor + (x - x * factor).detach()


def leaf(values, dtype=torch.float32):
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def held(values):
    """What float32 holds of them, to be computed with in float64."""
    return leaf(np.float32(values).astype(np.float64), torch.float64)


def flat(tensor):
    return tensor.detach().numpy().astype(np.float64).ravel().tolist()


def case(config, kind, shape, x, dy, y, **learned):
    """One case after y.backward(dy): values, gradients, and each learned number with its gradient."""
    y.backward(torch.tensor(dy, dtype=y.dtype))
    return {"config": config, "kind": kind, "shape": shape, "x": flat(x), "dy": np.asarray(dy).ravel().tolist(),
            "y": flat(y), "dx": flat(x.grad),
            "learned": {k: {"value": flat(v), "grad": flat(v.grad)} for k, v in learned.items()}}


def data(shape, low=None):
    x = rng.normal(0, 1, shape).round(3)
    return (np.abs(x) if low == 0 else x), rng.normal(0, 1, shape).round(3)


def lsq(bits, kind, signed, scale, per_channel=False, shape=(4, 6)):
    """Esser et al. 2020, appendix B."""
    values, dy = data(shape)
    weight = kind == "weight"
    n, p = (-(2 ** (bits - 1)) + (1 if weight else 0), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)
    x, s = leaf(values), leaf(scale)
    features = shape[1] if (per_channel or not weight) else shape[0] * shape[1]
    step = grad_scale(s, 1 / np.sqrt(features * p))
    step = step[:, None] if per_channel else step
    y = round_pass((x / step).clamp(n, p)) * step
    config = {"type": "lsq", "bits": bits, "signed": signed, "per_channel": per_channel}
    result = case(config, kind, shape, x, dy, y, scale=s)
    mean = np.abs(values).mean(axis=1 if per_channel else None)
    result["initial"] = {"scale": np.atleast_1d(2 * mean / np.sqrt(p)).tolist()}
    return result


def lsq_plus(bits, signed, scale, offset, shape=(4, 6)):
    """Bhalgat et al. 2020, eq. 3–6; the offset is what the lowest integer stands for, moved onto the grid."""
    values, dy = data(shape)
    n, p = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)
    x, s, b = leaf(values), leaf([scale]), leaf([offset])
    g = 1 / np.sqrt(shape[1] * p)
    step, shift = grad_scale(s, g), grad_scale(b, g)
    shift = shift + ((b / s).round() * s - b).detach()
    y = round_pass(((x - shift) / step).clamp(0, p - n)) * step + shift
    return case({"type": "lsq_plus", "bits": bits, "signed": signed}, "output", shape, x, dy, y, scale=s, offset=b)


def pact(bits, alpha, decay, shape=(4, 6)):
    """Choi et al. 2018, eq. 1: y = (|x| − |x − α| + α)/2, then 2^k − 1 steps."""
    values, dy = data(shape)
    x, a = leaf(values), leaf([alpha])
    steps = 2 ** bits - 1
    clipped = 0.5 * (x.abs() - (x - a).abs() + a)
    scale = (a / steps).detach()
    y = clipped + (torch.round(clipped / scale) * scale - clipped).detach()
    (0.5 * decay * a.square()).sum().backward()
    return case({"type": "pact", "bits": bits, "alpha": alpha, "decay": decay}, "output", shape, x, dy, y, alpha=a)


def dorefa_weight(bits, shape=(4, 6)):
    """Zhou et al. 2016, eq. 9, with max|tanh w| as a constant."""
    values, dy = data(shape)
    x = leaf(values)
    n = 2 ** bits - 1
    t = torch.tanh(x)
    unit = t / (2 * t.abs().max().detach()) + 0.5
    return case({"type": "dorefa", "bits": bits}, "weight", shape, x, dy, 2 * round_pass(unit * n) / n - 1)


def dorefa_activation(bits, shape=(4, 6)):
    values, dy = data(shape)
    x = leaf(values)
    n = 2 ** bits - 1
    return case({"type": "dorefa", "bits": bits}, "output", shape, x, dy, round_pass(x.clamp(0, 1) * n) / n)


def quantized_relu(bits, alpha, surrogate, shape=(4, 6)):
    values, dy = data(shape)
    x = leaf(values)
    scale = float(np.float32(alpha / (2 ** bits - 1)))
    hard = (x / scale).round().clamp(0, 2 ** bits - 1) * scale
    if surrogate == "ste_identity":
        y = x + (hard - x).detach()
    else:  # the decision falls on the rounded integer
        inside = ((x / scale).round() >= 0) & ((x / scale).round() <= 2 ** bits - 1)
        y = x * inside + (hard - x * inside).detach()
    config = {"type": "quantized_relu", "bits": bits, "alpha": alpha, "surrogate": surrogate}
    return case(config, "output", shape, x, dy, y)


def smooth(bits, kind, alpha, temperature, shape=(4, 6)):
    """Yang et al. 2019, eq. 4 with β = 1/δ: every sigmoid of the sum is computed."""
    values, dy = data(shape)
    x, a = held(values), held([alpha])
    middle = 2 ** (bits - 1) - 1 if kind == "weight" else 0
    steps = 2 * middle if kind == "weight" else 2 ** bits - 1
    delta = a / (middle or steps)
    at = torch.arange(1, steps + 1, dtype=torch.float64) - middle - 0.5
    y = delta * (torch.sigmoid(temperature * (x[..., None] / delta - at)).sum(-1) - middle)
    config = {"type": "smoothed_sigmoid", "bits": bits, "temperature": temperature, "alpha": alpha, "max_temperature": 5000}
    return case(config, kind, shape, x, dy, y, alpha=a)


def smooth_learned(bits, kind, first, alpha, end, shifts, temperature, shape=(4, 6)):
    """Yang et al. 2019, eq. 4 with β and the b_i of their own. β = q/end, where q steps lie above 0; the b_i are kept in the
    unit of x, times the first δ, `first`/q. end None: β = 1/δ. shifts None: midpoints; else added to them and shuffled."""
    values, dy = data(shape)
    x, a = held(values), held([alpha])
    middle = 2 ** (bits - 1) - 1 if kind == "weight" else 0
    top = middle or 2 ** bits - 1
    delta = a / top
    learned = {"alpha": a}
    b = torch.arange(1, top + middle + 1, dtype=torch.float64) - middle - 0.5
    if shifts is not None:
        moved = b.numpy() + rng.normal(0, shifts, len(b)).round(3)
        unit = float(np.float32(first / top))
        learned["biases"] = held(rng.permutation(moved) * unit)
        b = learned["biases"] / unit
        b.retain_grad()
    beta = 1 / delta
    if end is not None:
        learned["input_range"] = held([end])
        beta = top / learned["input_range"]
        beta.retain_grad()
    y = delta * (torch.sigmoid(temperature * (beta * x[..., None] - b)).sum(-1) - middle)
    config = {"type": "smoothed_sigmoid", "bits": bits, "temperature": temperature, "alpha": first, "max_temperature": 5000,
              "beta": "tied" if end is None else "learned", "biases": "midpoints" if shifts is None else "learned"}
    result = case(config, kind, shape, x, dy, y, **learned)
    result["hard"] = flat(delta * ((beta * x[..., None] >= b).sum(-1) - middle))
    if end is not None:
        result["beta"] = {"value": flat(beta), "grad": flat(beta.grad)}
    if shifts is not None:
        result["b"] = {"value": flat(b), "grad": flat(b.grad)}
    return result


cases = [lsq(2, "weight", True, [0.6]), lsq(4, "weight", True, [0.25]), lsq(3, "weight", True, [0.3, 0.5, 0.2, 0.9], True),
         lsq(4, "output", False, [0.11]), lsq(8, "output", True, [0.02]),
         lsq_plus(4, False, 0.2, -0.71), lsq_plus(3, True, 0.4, -0.9), lsq_plus(4, False, 0.1, -0.3),
         pact(4, 1.1, 0.0), pact(2, 0.7, 0.01), dorefa_weight(2), dorefa_weight(4), dorefa_activation(3),
         quantized_relu(4, 1.5, "ste_clipped"), quantized_relu(2, 0.8, "ste_identity")]
cases += [smooth(bits, kind, alpha, t) for bits, kind, alpha in [(2, "weight", 0.9), (4, "weight", 1.7), (4, "output", 1.3), (8, "output", 2.0)]
          for t in [0.5, 4.0, 30.0, 1000.0]]
cases += [smooth_learned(bits, kind, first, alpha, end, shifts, t)
          for bits, kind, first, alpha, end in [(2, "output", 1.5, 1.2, 1.9), (4, "output", 1.5, 1.7, 1.1), (3, "weight", 0.9, 1.1, 1.4),
                                                (4, "weight", 1.2, 0.9, 1.0)]
          for end, shifts in [(end, None), (None, 0.3), (end, 0.6)] for t in [0.5, 4.0, 30.0, 1000.0]]
out = pathlib.Path(__file__).with_name("learned_quantizers.json")
out.write_text(json.dumps({"torch": torch.__version__, "cases": cases}) + "\n")
