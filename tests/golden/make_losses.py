"""Writes losses.json: values and gradients of PyTorch's losses.

    python3 tests/golden/make_losses.py
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(2)
classes = 4
outputs = torch.randn(5, classes, dtype=torch.float64).mul(2).round(decimals=3)
labels = torch.tensor([0, 3, 1, 1, 2])
onehot = F.one_hot(labels, classes).double()
smooth = 0.9 * onehot + 0.1 / classes
cases = [
    ({"type": "cross_entropy"}, lambda z: F.cross_entropy(z, labels)),
    ({"type": "cross_entropy", "label_smoothing": 0.1}, lambda z: F.cross_entropy(z, labels, label_smoothing=0.1)),
    ({"type": "kl", "label_smoothing": 0.1}, lambda z: F.kl_div(F.log_softmax(z, 1), smooth, reduction="batchmean")),
    ({"type": "kl"}, lambda z: F.kl_div(F.log_softmax(z, 1), onehot, reduction="batchmean")),
    ({"type": "mse"}, lambda z: F.mse_loss(z, onehot)),
    ({"type": "hinge", "margin": 1.5}, lambda z: F.multi_margin_loss(z, labels, margin=1.5)),
    ({"type": "hinge", "squared": True}, lambda z: F.multi_margin_loss(z, labels, p=2)),
]
golden = {"outputs": outputs.tolist(), "labels": labels.tolist(), "cases": []}
for config, loss in cases:
    z = outputs.clone().requires_grad_()
    value = loss(z)
    value.backward()
    assert math.isfinite(value.item())
    golden["cases"].append({"config": config, "value": value.item(), "gradient": z.grad.ravel().tolist()})
pathlib.Path(__file__).with_name("losses.json").write_text(json.dumps(golden) + "\n")
