#!/usr/bin/env python3
"""Writes bf16.json: products on operands rounded to bfloat16, forward and backward, as PyTorch 2.13 rounds and computes them.

Run: python tests/golden/make_bf16.py   (needs torch; the tests need only the file)
Every case holds its operands, the cotangent of the output, the output, and the gradient of each operand. Operands and the
cotangent are rounded by torch's own conversion to bfloat16, then multiplied and added up in double precision; the bias and
its gradient are not rounded. "torch_bf16" is the output of PyTorch's own bfloat16 operation without bias, which sums in
float32 and rounds the result once more.
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


def rounded(t):
    return t.to(torch.bfloat16).to(torch.float64)


def case(op, fn, left, right, bias=None, relu=False, **options):
    """fn(left, right) is the product, whose channels are axis 1."""
    x, w = rounded(left).requires_grad_(), rounded(right).requires_grad_()
    product = fn(x, w)
    shaped = 0 if bias is None else bias.reshape([1, -1] + [1] * (product.dim() - 2))
    before = product + shaped
    y = F.relu(before) if relu else before
    dy = rand(*y.shape)
    masked = dy * (before > 0) if relu else dy  # the derivative of a rectifier, of the gradient as it is
    gradients = list(torch.autograd.grad(product, [x, w], rounded(masked)))
    inputs = [left, right]
    if bias is not None:
        inputs.append(bias)
        gradients.append(masked.sum([a for a in range(masked.dim()) if a != 1]))
    own = fn(left.to(torch.bfloat16), right.to(torch.bfloat16))
    options["relu"] = relu
    return {"op": op, "options": options, "inputs": [tensor(i) for i in inputs], "dy": tensor(dy), "y": tensor(y),
            "gradients": [tensor(g) for g in gradients], "torch_bf16": tensor(own.to(torch.float64))}


def linear(batch, inputs, outputs, relu):
    return case("linear", lambda x, w: F.linear(x, w), rand(batch, inputs), rand(outputs, inputs), rand(outputs), relu)


def matmul(m, k, n, a, b):
    def fn(x, w):
        return (x.T if a else x) @ (w.T if b else w)
    return case("matmul", fn, rand(k, m) if a else rand(m, k), rand(n, k) if b else rand(k, n), transpose_a=a,
                transpose_b=b)


def conv(x, w, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, relu=False):
    return case("conv2d", lambda x, w: F.conv2d(x, w, None, stride, padding, dilation, groups), rand(*x), rand(*w),
                rand(w[0]), relu, stride=stride, padding=padding, dilation=dilation, groups=groups)


cases = [
    linear(5, 37, 9, False),
    linear(17, 41, 18, True),
    linear(1, 3, 2, True),
    matmul(4, 7, 5, False, False),
    matmul(4, 7, 5, True, False),
    matmul(4, 7, 5, False, True),
    matmul(17, 33, 6, True, True),
    conv((2, 1, 12, 12), (4, 1, 5, 5), relu=True),
    conv((2, 3, 9, 8), (6, 3, 3, 3), padding=(1, 1)),
    conv((1, 4, 10, 9), (6, 2, 3, 2), stride=(2, 1), padding=(1, 0), groups=2, relu=True),
    conv((1, 5, 7, 7), (5, 1, 3, 3), padding=(1, 1), groups=5),
    conv((1, 3, 8, 8), (6, 1, 3, 3), stride=(2, 2), groups=3, relu=True),
    conv((2, 6, 5, 5), (4, 6, 1, 1)),
    conv((1, 2, 9, 9), (3, 2, 3, 3), dilation=(2, 2), relu=True),
]
path = pathlib.Path(__file__).with_name("bf16.json")
path.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")) + "\n")
