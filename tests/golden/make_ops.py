#!/usr/bin/env python3
"""Writes ops.json and plain_ops.json: values and gradients of operations as PyTorch 2.13 computes them, in double precision.

Run: python tests/golden/make_ops.py   (needs torch; the tests need only the files)
Every case holds its operands, the cotangent of the output, the output, and the gradient of each operand.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(20240607)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def tensor(t):
    return {"shape": list(t.shape), "values": [float(f"{v:.9g}") for v in t.detach().flatten().tolist()]}


def rand(*shape):
    # Rounded before use, so that the file's digits are the operands exactly.
    return torch.round(torch.randn(shape) * 1000) / 1000


def case(op, fn, *operands, extra=None, **options):
    leaves = [o.clone().requires_grad_() for o in operands]
    y = fn(*leaves)
    dy = rand(*y.shape)
    grads = torch.autograd.grad(y, leaves, dy)
    result = {"op": op, "options": options, "inputs": [tensor(o) for o in operands], "dy": tensor(dy), "y": tensor(y),
              "gradients": [tensor(g) for g in grads]}
    if extra:
        result["extra"] = {k: tensor(v) for k, v in extra(*leaves).items()}
    return result


def conv(x, w, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, relu=False):
    def fn(x, w, b):
        y = F.conv2d(x, w, b, stride, padding, dilation, groups)
        return F.relu(y) if relu else y
    return case("conv2d", fn, rand(*x), rand(*w), rand(w[0]), stride=stride, padding=padding, dilation=dilation,
                groups=groups, relu=relu)


def max_pool(shape, size, stride, padding):
    x = torch.randint(-3, 4, shape).double()  # few values: ties decide
    return case("max_pool2d", lambda x: F.max_pool2d(x, size, stride, padding), x, size=size, stride=stride,
                padding=padding)


def avg_pool(shape, size, stride, padding, count_padding):
    return case("avg_pool2d", lambda x: F.avg_pool2d(x, size, stride, padding, count_include_pad=count_padding),
                rand(*shape), size=size, stride=stride, padding=padding, count_padding=count_padding)


def batch_norm(shape, training):
    mean, var = rand(shape[1]), rand(shape[1]).abs() + 0.5

    def running(x, g, b):
        m, v = torch.zeros(shape[1]), torch.zeros(shape[1])
        F.batch_norm(x, m, v, g, b, True, momentum=1.0)
        return {"mean": m, "unbiased_variance": v} if training else {"mean": mean, "variance": var}

    return case("batch_norm", lambda x, g, b: F.batch_norm(x, None if training else mean.clone(),
                                                           None if training else var.clone(), g, b, training),
                rand(*shape), rand(shape[1]), rand(shape[1]), extra=running, training=training)


def layer_norm(shape, features):
    return case("layer_norm", lambda x, g, b: F.layer_norm(x, features, g, b), rand(*shape), rand(*features),
                rand(*features), axes=len(features))


def cross_entropy(rows, classes, smoothing):
    labels = torch.randint(0, classes, (rows,))
    return case("cross_entropy", lambda x: F.cross_entropy(x, labels, label_smoothing=smoothing),
                rand(rows, classes) * 4, labels=labels.tolist(), smoothing=smoothing)


cases = [
    conv((2, 3, 6, 5), (4, 3, 3, 2)),
    conv((2, 2, 7, 7), (3, 2, 3, 3), stride=(2, 2), padding=(1, 1)),
    conv((1, 4, 8, 7), (6, 2, 3, 3), stride=(1, 2), padding=(2, 1), dilation=(2, 1), groups=2),
    conv((2, 4, 5, 6), (4, 1, 3, 3), padding=(1, 1), groups=4),
    conv((2, 3, 6, 6), (6, 1, 2, 3), stride=(2, 1), padding=(0, 1), dilation=(1, 2), groups=3),
    conv((3, 4, 4, 4), (5, 4, 1, 1)),
    conv((2, 3, 5, 5), (4, 3, 3, 3), padding=(1, 1), relu=True),
    max_pool((2, 2, 6, 7), (2, 2), (2, 2), (0, 0)),
    max_pool((1, 3, 7, 6), (3, 2), (2, 1), (1, 1)),
    avg_pool((2, 2, 6, 7), (3, 3), (2, 2), (1, 1), False),
    avg_pool((2, 2, 6, 7), (3, 3), (2, 2), (1, 1), True),
    batch_norm((5, 4), True),
    batch_norm((3, 2, 4, 5), True),
    batch_norm((3, 2, 4, 5), False),
    layer_norm((3, 7), (7,)),
    layer_norm((2, 3, 4), (3, 4)),
    case("gelu", F.gelu, rand(40) * 3),
    case("softplus", F.softplus, rand(40) * 3),
    case("log_softmax", lambda x: F.log_softmax(x / 4.0, -1), rand(5, 10) * 10, temperature=4.0),
    cross_entropy(6, 10, 0.0),
    cross_entropy(6, 10, 0.1),
]
plain_cases = [
    case("permute", lambda x: x.permute(2, 0, 3, 1).contiguous(), rand(2, 3, 4, 5), axes=[2, 0, 3, 1]),
    case("permute", lambda x: x.permute(4, 1, 0, 3, 2).contiguous(), rand(2, 3, 1, 2, 3), axes=[-1, 1, 0, 3, 2]),
    case("transpose", lambda x: x.transpose(1, 3).contiguous(), rand(2, 3, 2, 4), first=1, second=-1),
    case("slice", lambda x: x[:, 1:3], rand(2, 4, 3), axis=1, begin=1, end=3),
    case("concat", lambda a, b, c: torch.cat([a, b, c], 1), rand(2, 1, 3), rand(2, 4, 3), rand(2, 2, 3), axis=-2),
    case("pad", lambda x: F.pad(x, (0, 2, 1, 0, 3, 1), value=0.5), rand(2, 3, 2), widths=[[3, 1], [1, 0], [0, 2]], value=0.5),
    case("index_select", lambda x: x[:, [2, 0, 2]], rand(2, 3, 4), axis=1, indices=[2, 0, 2]),
    case("pick", lambda x: x[torch.arange(4), [1, 0, 2, 2]], rand(4, 3), columns=[1, 0, 2, 2]),
    case("sum", lambda x: x.sum((0, 2)), rand(3, 4, 5), axes=[0, 2], keep=False),
    case("sum", lambda x: x.sum(), rand(3, 4, 5), axes=[], keep=False),
    case("mean", lambda x: x.mean((1,), keepdim=True), rand(3, 4, 5), axes=[-2], keep=True),
    case("max", lambda x: x.max(1).values, rand(3, 40, 5), axes=[1], keep=False),
    case("max", lambda x: x.max(), rand(3, 4, 5), axes=[], keep=False),
    case("matmul", lambda a, b: a.T @ b.T, rand(4, 3), rand(5, 4), a=True, b=True),
    case("matmul", lambda a, b: a.T @ b, rand(4, 3), rand(4, 5), a=True, b=False),
    case("matmul", lambda a, b: a @ b.T, rand(3, 4), rand(5, 4), a=False, b=True),
    case("broadcast", lambda a, b: (a + b) * a - b / (a * a + 1), rand(2, 1, 3), rand(4, 1)),
    case("maximum", torch.maximum, rand(2, 5), rand(5)),
    case("minimum", torch.minimum, rand(2, 5), rand(2, 1)),
    case("exp", torch.exp, rand(20)),
    case("log", torch.log, rand(20).abs() + 0.1),
    case("sqrt", torch.sqrt, rand(20).abs() + 0.1),
    case("square", torch.square, rand(20)),
    case("abs", torch.abs, rand(20)),
    case("pow", lambda x: x ** 3, rand(20), exponent=3.0),
    case("clamp", lambda x: x.clamp(-0.5, 0.75), rand(20), low=-0.5, high=0.75),
    case("relu", F.relu, rand(20)),
    case("leaky_relu", lambda x: F.leaky_relu(x, 0.2), rand(20), slope=0.2),
    case("sigmoid", torch.sigmoid, rand(20) * 4),
    case("tanh", torch.tanh, rand(20) * 2),
    case("softmax", lambda x: torch.softmax(x, -1), rand(3, 4, 6) * 3),
]
for name, content in (("ops", cases), ("plain_ops", plain_cases)):
    path = pathlib.Path(__file__).with_name(name + ".json")
    path.write_text('{"torch": "%s", "cases": [\n%s\n]}\n' % (torch.__version__, ",\n".join(map(json.dumps, content))))
