"""Writes optimizers.json: 20 steps of PyTorch's optimizers on two parameters with given gradients.

    python3 tests/golden/make_optimizers.py

Forms PyTorch does not have (decoupled decay of SGD, Hinton's momentum) are computed here with numpy in double.
"""
import json
import pathlib

import numpy as np
import torch

rng = np.random.default_rng(3)
STEPS = 20
start = {"weight": rng.normal(0, 1, (2, 3)).round(3), "bias": rng.normal(0, 1, 2).round(3)}
# The gradient is a fixed part plus the value itself, so that an error in one step shows in the next.
fixed = {name: rng.normal(0, 1, (STEPS, *value.shape)).round(3) for name, value in start.items()}


def torch_run(make):
    params = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in start.items()}
    # Weight decay acts on weights alone by default.
    optimizer, no_decay = make([params["weight"]], True), make([params["bias"]], False)
    for step in range(STEPS):
        for k, p in params.items():
            p.grad = torch.tensor(fixed[k][step]) + 0.3 * p.detach()
        optimizer.step()
        no_decay.step()
    return {k: p.detach().numpy().ravel().tolist() for k, p in params.items()}


def numpy_run(update):
    params, state = {k: v.copy() for k, v in start.items()}, {k: np.zeros_like(v) for k, v in start.items()}
    for step in range(STEPS):
        for k in params:
            g = fixed[k][step] + 0.3 * params[k]
            params[k], state[k] = update(params[k], g, state[k], k == "weight")
    return {k: p.ravel().tolist() for k, p in params.items()}


def sgd(**options):
    decay = options.pop("weight_decay", 0)
    return lambda p, d: torch.optim.SGD(p, weight_decay=decay if d else 0, **options)


def family(kind, **options):
    decay = options.pop("weight_decay", 0)
    return lambda p, d: kind(p, weight_decay=decay if d else 0, **options)


def decoupled_sgd(w, g, v, decays):
    v = 0.9 * v + g
    return w * (1 - 0.05 * 0.1 * decays) - 0.05 * v, v


def hinton(w, g, v, decays):
    v = 0.7 * v - 0.3 * 0.1 * (g + 0.01 * decays * w)
    return w + v, v


cases = [
    ({"type": "sgd", "learning_rate": 0.1}, torch_run(sgd(lr=0.1))),
    ({"type": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.1},
     torch_run(sgd(lr=0.05, momentum=0.9, weight_decay=0.1))),
    ({"type": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
     torch_run(sgd(lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1))),
    ({"type": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.1, "decoupled": True},
     numpy_run(decoupled_sgd)),
    ({"type": "adam", "learning_rate": 0.01, "weight_decay": 0.1},
     torch_run(family(torch.optim.Adam, lr=0.01, weight_decay=0.1))),
    ({"type": "adamw", "learning_rate": 0.01, "beta1": 0.8, "weight_decay": 0.1},
     torch_run(family(torch.optim.AdamW, lr=0.01, betas=(0.8, 0.999), weight_decay=0.1))),
    ({"type": "rmsprop", "learning_rate": 0.01, "alpha": 0.9, "momentum": 0.5, "weight_decay": 0.1},
     torch_run(family(torch.optim.RMSprop, lr=0.01, alpha=0.9, momentum=0.5, weight_decay=0.1))),
    ({"type": "hinton", "learning_rate": 0.1, "momentum": 0.7, "weight_decay": 0.01}, numpy_run(hinton)),
]
golden = {"start": {k: v.ravel().tolist() for k, v in start.items()},
          "gradients": {k: [g.ravel().tolist() for g in v] for k, v in fixed.items()}, "self": 0.3,
          "cases": [{"config": config, "end": end} for config, end in cases]}
pathlib.Path(__file__).with_name("optimizers.json").write_text(json.dumps(golden) + "\n")
