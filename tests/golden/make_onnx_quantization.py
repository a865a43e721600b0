"""Writes onnx_quantization.json: ONNX's quantization operators on small tensors.

    python3 tests/golden/make_onnx_quantization.py

The onnx package's reference evaluator runs QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, MatMulInteger, ConvInteger,
QLinearMatMul and QLinearConv. Two of its habits are worked around: it turns quotients beyond int32 into int32 without
saturating, so none are given to it; and the QLinear operators add the zero point before they round, which changes ties unless it
is even, so either there are no ties or the zero point is even. Every layer says which.
"""
import json
import pathlib

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

rng = np.random.default_rng(23)
TYPES = {np.dtype(t): getattr(TensorProto, name) for t, name in (("float32", "FLOAT"), ("uint8", "UINT8"), ("int8", "INT8"),
         ("uint16", "UINT16"), ("int16", "INT16"), ("int32", "INT32"), (ml_dtypes.uint4, "UINT4"), (ml_dtypes.int4, "INT4"))}


def run(op, inputs, outputs=("y",), **attributes):
    names = [f"i{k}" for k in range(len(inputs))]
    node = helper.make_node(op, names, list(outputs), **attributes)
    graph = helper.make_graph([node], op, [helper.make_tensor_value_info(n, TYPES[x.dtype], x.shape) for n, x in zip(names, inputs)],
                              [helper.make_empty_tensor_value_info(n) for n in outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    results = ReferenceEvaluator(model).run(None, dict(zip(names, inputs)))
    return results if len(outputs) > 1 else results[0]


def flat(x):
    """Integers as they are, float32 by the fewest digits that give them back."""
    x = np.asarray(x)
    return [float(str(v)) for v in x.ravel()] if x.dtype == np.float32 else [int(v) for v in x.ravel()]


def f32(x):
    return np.asarray(x, np.float32)


def limits(dtype):
    return (int(ml_dtypes.iinfo(dtype).min), int(ml_dtypes.iinfo(dtype).max)) if "int4" in str(dtype) else \
        (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


def quantize(name, dtype, shape, scale, zero, kind="tensor", group=0):
    """Values on ties, between them, at both ends and far outside, for every scale."""
    bits, (low, high) = {"4": 4, "8": 8, "6": 16}[str(np.dtype(dtype))[-1]], limits(dtype)
    scale, zero = f32(scale), np.asarray(zero).astype(dtype)
    axis = {"tensor": {}, "channel": {"axis": 0}, "group": {"axis": 1, "block_size": group}}[kind]
    spread = {"tensor": lambda a: np.broadcast_to(a, shape), "channel": lambda a: np.broadcast_to(a.reshape(-1, 1), shape),
              "group": lambda a: np.repeat(a, group, axis=1)[:, :shape[1]]}[kind]
    steps = rng.integers(2 * low - 8, 2 * high + 9, shape) / 2  # half of them ties
    s, z = spread(scale), spread(zero.astype(np.int32))
    x = (s * (steps - z).astype(np.float32)).astype(np.float32)
    flat_x = x.ravel()
    flat_x[0::11] += (rng.uniform(-0.4, 0.4, flat_x[0::11].shape) * s.ravel()[0::11]).astype(np.float32)
    flat_x[1::13] = np.nextafter(flat_x[1::13], np.float32(np.inf))   # the neighbours of ties
    flat_x[2::13] = np.nextafter(flat_x[2::13], np.float32(-np.inf))
    special = f32([0, -0.0, 1e-40, -1e-40, 1e9, -1e9]) * np.append(f32([1, 1, 1, 1]), s.ravel()[-2:])
    flat_x[-special.size:] = special
    x = flat_x.reshape(shape)
    q = run("QuantizeLinear", [x, scale, zero], **axis)
    return {"name": name, "bits": bits, "low": low, "high": high, "kind": kind, "group": group, "shape": list(shape), "x": flat(x),
            "scale": flat(scale), "zero_point": flat(zero), "q": flat(q.astype(np.int32)),
            "dequantized": flat(run("DequantizeLinear", [q, scale, zero], **axis))}


def quantizations():
    return [quantize("u8", np.uint8, (6, 20), 0.25, 0), quantize("u8 odd scale", np.uint8, (6, 20), 0.0123, 77),
            quantize("u8 at 255", np.uint8, (6, 20), 3.7e-5, 255), quantize("s8", np.int8, (6, 20), 1 / 128, 0),
            quantize("s8 at -128", np.int8, (6, 20), 1.7, -128), quantize("s8 at 127", np.int8, (6, 20), 1e-30, 127),
            quantize("u16", np.uint16, (6, 20), 0.003, 40000), quantize("s16", np.int16, (6, 20), 2.5e-4, -3),
            quantize("u4", ml_dtypes.uint4, (6, 20), 0.3, 7), quantize("s4", ml_dtypes.int4, (6, 20), 0.125, -8),
            quantize("s8 channels", np.int8, (5, 21), [0.5, 0.1, 1e-3, 7, 1 / 3], [0, -128, 127, 1, -2], "channel"),
            quantize("s16 channels", np.int16, (3, 33), [0.5, 0.1, 1e-3], [0, -32768, 32767], "channel"),
            quantize("s8 groups", np.int8, (4, 24), rng.uniform(0.01, 1, (4, 3)), rng.integers(-128, 128, (4, 3)), "group", 8),
            quantize("s4 groups", ml_dtypes.int4, (4, 24), rng.uniform(0.01, 1, (4, 6)), rng.integers(-8, 8, (4, 6)), "group", 4)]


def dynamics():
    """Ranges of 255 · 2^−k, whose scale is exact, with the zero point on ties too; then any."""
    exact = [f32(np.append([low * 0.25, (255 + low) * 0.25], rng.integers(2 * low, 2 * low + 511, 20) * 0.125))
             for low in (-2.5, -3.5, -0.5, 0, -255, -254.5, -127.5, -128, -100.25)]
    cases = [("exact", x) for x in exact] + [("one sign", f32(rng.uniform(3, 63.75, 9).tolist() + [63.75])),
             ("one sign", f32((-rng.uniform(3, 63.75, 9)).tolist() + [-63.75])), ("zeros", f32([0, 0, 0]))]
    cases += [("any", f32(rng.normal(m, s, 15))) for m, s in ((0, 1), (3, 0.1), (-7, 5), (1e-6, 1e-5), (1e20, 1e19), (0, 1e-30))]
    results = []
    for name, x in cases:
        q, scale, zero = run("DynamicQuantizeLinear", [x], ("q", "s", "z"))
        results.append({"name": name, "x": flat(x), "q": flat(q), "scale": flat(f32(scale)), "zero_point": int(zero)})
    return results


def integers(dtype, shape, around=None):
    """Anything, with both ends often; or a few steps around a zero point, so that small sums make ties."""
    low, high = limits(dtype)
    if around is not None:
        return np.clip(around.astype(np.int32) + rng.integers(-3, 4, shape), low, high).astype(dtype)
    q = rng.integers(low, high + 1, shape)
    return np.where(rng.random(shape) < 0.2, rng.choice([low, high], shape), q).astype(dtype)


def requantized(layer, accumulators, y_type, per_channel, dyadic, make):
    """Adds scales to a layer, and y of make(x_scale, w_scale, y_scale, y_zero)."""
    channels = accumulators.shape[1]
    spread = float(np.abs(accumulators).max()) / (10 if dyadic else 100)
    for _ in range(1000):
        if dyadic:  # multipliers are powers of two, and so are some halves met; an even zero point
            x_scale, y_scale, zero = f32(0.5), f32(2.0 ** np.ceil(np.log2(spread))), 2 * int(rng.integers(-20, 20))
            w_scale = f32(2.0 ** rng.integers(-1, 3, channels if per_channel else ())) * 2
        else:
            x_scale, y_scale, zero = f32(rng.uniform(0.01, 0.1)), f32(rng.uniform(0.01, 0.1) * spread), int(rng.integers(-60, 60))
            w_scale = f32(rng.uniform(0.3, 2, channels if per_channel else ()))
        zero = np.asarray(zero + (128 if y_type == np.uint8 else 0)).astype(y_type)
        multiplier = (x_scale * w_scale / y_scale).astype(np.float32)  # in float32, as the operators do
        shaped = multiplier.reshape((1, -1) + (1,) * (accumulators.ndim - 2)) if per_channel else multiplier
        exact = accumulators * shaped.astype(np.float64)
        from_tie = np.abs(exact - np.floor(exact) - 0.5)
        if dyadic or from_tie.min() > 2e-4:
            break
    else:
        raise SystemExit("no scales without ties")
    assert not dyadic or (from_tie == 0).any()
    low, high = limits(y_type)
    return layer | {"dyadic": dyadic, "multiplier": flat(multiplier), "y_zero": int(zero), "y_low": low, "y_high": high,
                    "y": flat(make(x_scale, w_scale, y_scale, zero))}


def zero_points(dtype, shape):
    low, high = limits(dtype)
    return rng.integers(low, high + 1, shape).astype(dtype)


def grids(x, x_zero, w, w_zero):
    return {"x": flat(x), "x_low": limits(x.dtype)[0], "x_high": limits(x.dtype)[1], "x_zero": int(x_zero), "w": flat(w),
            "w_signed": w.dtype == np.int8, "w_zero": flat(w_zero)}


def linear(x_type, w_type, y_type, batch, inputs, outputs, per_channel=True, dyadic=False, w_zero=None):
    x_zero = zero_points(x_type, ())
    w_zero = zero_points(w_type, outputs if per_channel else ()) if w_zero is None else np.full(outputs if per_channel else (), w_zero, w_type)
    x, w = integers(x_type, (batch, inputs), x_zero if dyadic else None), integers(w_type, (inputs, outputs), w_zero if dyadic else None)
    accumulators = run("MatMulInteger", [x, w, x_zero, w_zero])
    layer = {"shape": [batch, inputs, outputs], "accumulators": flat(accumulators)} | grids(x, x_zero, w.T, w_zero)
    return requantized(layer, accumulators, y_type, per_channel, dyadic, lambda x_scale, w_scale, y_scale, y_zero: run(
        "QLinearMatMul", [x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero]))


def conv(x_type, w_type, y_type, channels, outputs, groups=1, kernel=(3, 3), stride=(1, 1), padding=(0, 0), dilation=(1, 1),
         extent=(6, 7), batch=2, per_channel=True, dyadic=False):
    x_zero, w_zero = zero_points(x_type, ()), zero_points(w_type, outputs if per_channel else ())
    around = w_zero.reshape(-1, 1, 1, 1) if per_channel else w_zero
    x = integers(x_type, (batch, channels, *extent), x_zero if dyadic else None)
    w = integers(w_type, (outputs, channels // groups, *kernel), around if dyadic else None)
    bias = rng.integers(*((-20, 20) if dyadic else (-3000, 3000)), outputs).astype(np.int32)
    options = {"kernel_shape": kernel, "strides": stride, "pads": padding * 2, "dilations": dilation}
    each_in, each_out = channels // groups, outputs // groups

    def by_group(call):  # the evaluator's own groups are slow and have been wrong; a group is a convolution by itself
        parts = [call(np.ascontiguousarray(x[:, g * each_in:(g + 1) * each_in]), slice(g * each_out, (g + 1) * each_out)) for g in range(groups)]
        return np.concatenate(parts, axis=1)

    def of(values, part):
        return values[part] if np.ndim(values) else values

    accumulators = by_group(lambda xs, part: run("ConvInteger", [xs, w[part], x_zero, of(w_zero, part)], **options))
    accumulators = accumulators + bias.reshape(1, -1, 1, 1)
    layer = {"shape": [batch, channels, *extent], "weight": list(w.shape), "groups": groups, "stride": stride, "padding": padding,
             "dilation": dilation, "bias": flat(bias), "accumulator_shape": list(accumulators.shape),
             "accumulators": flat(accumulators)} | grids(x, x_zero, w, w_zero)
    return requantized(layer, accumulators, y_type, per_channel, dyadic, lambda x_scale, w_scale, y_scale, y_zero: by_group(
        lambda xs, part: run("QLinearConv", [xs, x_scale, x_zero, w[part], of(w_scale, part), of(w_zero, part), y_scale, y_zero, bias[part]],
                             **options)))


U8, S8 = np.uint8, np.int8
result = {
    "onnx": onnx.__version__,
    "quantize": quantizations(),
    "dynamic": dynamics(),
    "linear": [linear(U8, S8, U8, 3, 37, 11), linear(S8, S8, S8, 2, 16, 33, per_channel=False, w_zero=0), linear(U8, U8, S8, 5, 1, 3),
               linear(S8, U8, U8, 1, 70, 9), linear(U8, S8, S8, 4, 33, 17, dyadic=True), linear(U8, S8, U8, 18, 9, 8, dyadic=True, w_zero=0)],
    "conv": [conv(U8, S8, U8, 3, 5), conv(U8, S8, S8, 4, 6, groups=2, padding=(1, 2), stride=(2, 1)),
             conv(S8, S8, U8, 5, 5, groups=5, padding=(1, 1)), conv(U8, U8, U8, 2, 4, kernel=(2, 3), padding=(1, 0), dilation=(2, 1)),
             conv(S8, U8, S8, 6, 4, groups=2, dilation=(2, 2), padding=(2, 2)), conv(U8, S8, S8, 9, 3, kernel=(1, 1), stride=(2, 3)),
             conv(U8, S8, U8, 3, 4, padding=(1, 1), per_channel=False), conv(S8, S8, S8, 4, 4, padding=(1, 1), dyadic=True),
             conv(U8, S8, U8, 4, 8, groups=4, kernel=(5, 5), padding=(2, 2), dyadic=True)]}
path = pathlib.Path(__file__).with_name("onnx_quantization.json")
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
print(path, path.stat().st_size, "bytes")
