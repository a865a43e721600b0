"""Writes dynamic.json: dynamic quantization as ONNX defines it, one row (sample) at a time.

    python3 tests/golden/make_dynamic.py

The onnx package's reference evaluator runs DynamicQuantizeLinear on each sample by itself, QuantizeLinear on the weights, and
MatMulInteger or ConvInteger on the integers; the last step, accumulator · s_x · s_w + bias, is done here in float64. Samples are
chosen so that no quotient lies near a tie: scales are computed in float32 by one side and rounded once by the other.
"""
import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

rng = np.random.default_rng(17)
TYPES = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("uint8"): TensorProto.UINT8, np.dtype("int8"): TensorProto.INT8}


def onnx_run(op, inputs, outputs, **attributes):
    names = [f"i{k}" for k in range(len(inputs))]
    node = helper.make_node(op, names, outputs, **attributes)
    graph = helper.make_graph([node], op, [helper.make_tensor_value_info(n, TYPES[x.dtype], x.shape) for n, x in zip(names, inputs)],
                              [helper.make_empty_tensor_value_info(n) for n in outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    return ReferenceEvaluator(model).run(None, dict(zip(names, inputs)))


def quantized_sample(x):
    q, scale, zero = onnx_run("DynamicQuantizeLinear", [x.astype(np.float32)], ["q", "s", "z"])
    assert q.dtype == np.uint8
    return q, np.float32(scale), np.uint8(zero)


def away_from_ties(x):
    """Moves values whose quotient is near a half, keeping the extremes, which decide the scale."""
    low, high = min(0.0, float(x.min())), max(0.0, float(x.max()))
    if low == high:
        return x
    scale = np.float32(high - low) / np.float32(255)
    fraction = np.abs(x / scale) % 1
    inner = (x != x.min()) & (x != x.max())
    return np.where(inner & (np.abs(fraction - 0.5) < 0.01), x + 0.1 * scale, x).astype(np.float32)


def flat(x):
    """float32 by the fewest digits that give it back, everything else to ten."""
    x = np.asarray(x)
    return [float(str(v)) if x.dtype == np.float32 else float(f"{v:.10g}") for v in x.ravel()]


def weight_of(shape, bits):
    """Symmetric and narrow, one scale for each output channel."""
    w = rng.normal(0, 0.3, shape).round(3).astype(np.float32)
    qmax = 2 ** (bits - 1) - 1
    scale = (np.abs(w).reshape(shape[0], -1).max(axis=1) / qmax).astype(np.float32)
    zero = np.zeros(shape[0], np.int8)
    (q,) = onnx_run("QuantizeLinear", [w, scale, zero], ["q"], axis=0)
    return w, q.astype(np.int8), scale


def samples():
    """Of every kind that a range can be: both signs, one sign, constant, tiny, huge, one outlier."""
    n = 24
    rows = {"normal": rng.normal(0, 1, n), "non_negative": np.abs(rng.normal(0, 3, n)), "negative": -np.abs(rng.normal(0, 2, n)) - 1,
            "constant": np.full(n, 0.7), "constant_negative": np.full(n, -2.5), "tiny": rng.normal(0, 1e-20, n),
            "huge": rng.normal(0, 1e30, n), "outlier": np.append(rng.normal(0, 1, n - 1), 1e6)}
    all_rows = []
    for name, row in rows.items():
        x = away_from_ties(row.astype(np.float32))
        q, scale, zero = quantized_sample(x)
        all_rows.append({"name": name, "x": flat(x), "q": flat(q), "scale": float(scale), "zero_point": int(zero)})
    return all_rows


def linear(bits, batch=5, inputs=37, outputs=19):
    w, q_w, s_w = weight_of((outputs, inputs), bits)
    bias = rng.normal(0, 1, outputs).round(3).astype(np.float32)
    x = np.stack([away_from_ties((rng.normal(0.5 * i, 1 + i, inputs)).astype(np.float32)) for i in range(batch)])
    y = []
    for row in x:
        q, scale, zero = quantized_sample(row[None])
        (acc,) = onnx_run("MatMulInteger", [q, q_w.T.copy(), np.array(zero, np.uint8)], ["y"])
        y.append(acc[0].astype(np.float64) * float(scale) * s_w.astype(np.float64) + bias)
    return {"bits": bits, "shape": [batch, inputs], "outputs": outputs, "x": flat(x), "weight": flat(w), "bias": flat(bias), "y": flat(y)}


def conv(stride, padding, dilation, groups, batch=2, channels=4, extent=7, outputs=6, kernel=3):
    w, q_w, s_w = weight_of((outputs, channels // groups, kernel, kernel), 8)
    bias = rng.normal(0, 1, outputs).round(3).astype(np.float32)
    x = np.stack([away_from_ties(rng.normal(0.3, 1 + i, (channels, extent, extent)).astype(np.float32)) for i in range(batch)])
    y = []
    for image in x:
        q, scale, zero = quantized_sample(image[None])
        # Padding is real zero, which the zero point stands for: padded here, because ConvInteger's own padding is 0.
        q = np.pad(q, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=zero)
        # The reference evaluator convolves with groups = 1 alone.
        each_in, each_out = channels // groups, outputs // groups
        acc = np.concatenate([onnx_run("ConvInteger", [q[:, g * each_in:(g + 1) * each_in].copy(), q_w[g * each_out:(g + 1) * each_out].copy(),
                                                       np.array(zero, np.uint8)], ["y"], strides=[stride] * 2, dilations=[dilation] * 2,
                                       kernel_shape=[kernel] * 2)[0] for g in range(groups)], axis=1)
        y.append(acc[0].astype(np.float64) * float(scale) * s_w.astype(np.float64)[:, None, None] + bias[:, None, None])
    return {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "shape": list(x.shape), "outputs": outputs,
            "kernel": kernel, "x": flat(x), "weight": flat(w), "bias": flat(bias), "y": flat(y)}


result = {"onnx": onnx.__version__, "samples": samples(), "linear": [linear(8), linear(4), linear(2)],
          "conv": [conv(1, 0, 1, 1), conv(2, 1, 1, 2), conv(1, 2, 2, 1), conv(1, 1, 1, 2)]}
path = pathlib.Path(__file__).with_name("dynamic.json")
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
print(path, path.stat().st_size, "bytes")
