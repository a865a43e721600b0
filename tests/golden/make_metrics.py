"""Writes metrics.json: metrics of a small set of logits as numpy and PyTorch compute them.

    python3 tests/golden/make_metrics.py
"""
import json
import pathlib

import numpy as np
import torch

rng = np.random.default_rng(7)
n, classes = 60, 4
labels = rng.integers(0, classes, n)
logits = rng.normal(0, 1.5, (n, classes)).astype(np.float32)
logits[np.arange(n), labels] += 1.5
logits = np.round(logits, 3).astype(np.float32)


def softmax(temperature):
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    p = np.exp(scaled)
    return p / p.sum(axis=1, keepdims=True)


def scores(temperature):
    p = softmax(temperature)
    onehot = np.eye(classes)[labels]
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    upper = np.linspace(0, 1, 16)[1:]
    width = np.searchsorted(upper, confidence, side="left")
    ece = sum(abs(right[width == b].sum() - confidence[width == b].sum()) for b in range(15)) / n
    order = np.argsort(confidence, kind="stable")
    mass = sum(abs(right[part].sum() - confidence[part].sum()) for part in np.array_split(order, 15)) / n
    return {"nll": float(-np.log(p[np.arange(n), labels]).mean()), "brier": float(((p - onehot) ** 2).sum(1).mean()),
            "entropy": float(-(p * np.log(p)).sum(1).mean()), "ece": float(ece), "ece_equal_mass": float(mass)}


def fitted_temperature():
    z, y = torch.tensor(logits, dtype=torch.float64), torch.tensor(labels)
    log_t = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([log_t], max_iter=200, tolerance_grad=1e-14, tolerance_change=1e-16,
                               line_search_fn="strong_wolfe")

    def closure():
        solver.zero_grad()
        loss = torch.nn.functional.cross_entropy(z / log_t.exp(), y)
        loss.backward()
        return loss

    solver.step(closure)
    return float(log_t.detach().exp())


confusion = np.zeros((classes, classes), int)
np.add.at(confusion, (labels, logits.argmax(1)), 1)
dark = np.stack([softmax(4)[labels == i].mean(0) for i in range(classes)])
golden = {"logits": [[float(v) for v in row] for row in logits.round(3).tolist()], "labels": labels.tolist(),
          "errors": int((logits.argmax(1) != labels).sum()), "confusion": confusion.tolist(),
          "temperatures": {str(t): scores(t) for t in (1, 4, 20)}, "best_temperature": fitted_temperature(),
          "dark_knowledge_at_4": dark.tolist()}
golden["logits"] = [[round(v, 3) for v in row] for row in golden["logits"]]
path = pathlib.Path(__file__).with_name("metrics.json")
path.write_text(json.dumps(golden) + "\n")
