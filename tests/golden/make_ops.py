#!/usr/bin/env python3
"""Writes ops.json: values and gradients of operations as PyTorch 2.13 computes them, in double precision.

Run: python tests/golden/make_ops.py   (needs torch; the tests need only the file)
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
path = pathlib.Path(__file__).with_name("ops.json")
path.write_text('{"torch": "%s", "cases": [\n%s\n]}\n' % (torch.__version__, ",\n".join(map(json.dumps, cases))))
