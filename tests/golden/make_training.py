"""Writes training.json: the losses of 200 steps of PyTorch's SGD on two networks.

    python3 tests/golden/make_training.py [--check]

Start, images and labels are closed formulas of integers, which tests/golden/training.cpp evaluates to the same bits, so
that nothing but the losses is stored. The rates are small because a ReLU or the choice of a maximum is now and then
decided by the last bit of a sum; at large rates the training amplifies that one decision beyond any bound. --check
prints how far PyTorch strays from itself when the last bits of its start are changed.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
from torch import nn

STEPS = 200
IMAGES = 500
MOMENTUM = 0.9


def mix(x):
    """Chris Wellons' lowbias32, on arrays of uint32."""
    x = np.asarray(x, dtype=np.uint32).copy()
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def start(model, changed_bits=None):
    """Uniform within ±1/√fan_in (of the weight, for its bias too): 24 bits of a hash, scaled by a float32."""
    fan_in = 1
    for stream, parameter in enumerate(model.parameters(), 1):
        if parameter.dim() > 1:
            fan_in = parameter[0].numel()
        bits = mix(np.arange(parameter.numel(), dtype=np.uint32) + np.uint32(stream << 24)) >> np.uint32(8)
        scale = np.float32(1.0 / math.sqrt(fan_in) / (1 << 23))
        values = (bits.astype(np.int32) - (1 << 23)).astype(np.float32) * scale
        if changed_bits is not None:
            values *= np.float32(1) + np.float32(2.0**-22) * changed_bits.integers(-1, 2, values.shape).astype(np.float32)
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(values.reshape(parameter.shape)))


def images_and_labels():
    """Each class has a pattern of 4×4 squares, under a quarter of noise; every fifth label is drawn by lot."""
    index = np.arange(IMAGES, dtype=np.uint32)
    pixel = np.arange(784, dtype=np.uint32)
    kind = index % np.uint32(10)
    square = pixel // np.uint32(112) * np.uint32(7) + pixel % np.uint32(28) // np.uint32(4)
    pattern = mix(kind[:, None] * np.uint32(49) + square + np.uint32(0x10000000)) >> np.uint32(24)
    noise = mix(index[:, None] * np.uint32(784) + pixel + np.uint32(0x20000000)) >> np.uint32(24)
    bytes_ = (np.uint32(3) * pattern + noise) >> np.uint32(2)
    lot = mix(index + np.uint32(0x30000000))
    labels = np.where(lot % np.uint32(5) == 0, (lot >> np.uint32(8)) % np.uint32(10), kind)
    return (bytes_.astype(np.float32) - np.float32(128)) / np.float32(64), labels.astype(np.int64)


def mlp():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def lenet():
    return nn.Sequential(nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 500), nn.ReLU(),
                         nn.Linear(500, 10))


RUNS = {"mlp": (mlp, 32, 0.005), "lenet": (lenet, 8, 0.0002)}


def train(name, changed_bits=None):
    make, batch, rate = RUNS[name]
    model = make()
    start(model, changed_bits)
    images, labels = (torch.from_numpy(array) for array in images_and_labels())
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=MOMENTUM)
    losses = []
    for step in range(STEPS):
        rows = [(step * batch + i) % IMAGES for i in range(batch)]
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"batch": batch, "rate": rate, "losses": [float(f"{loss:.9g}") for loss in losses]}


def check(name, losses):
    generator = np.random.default_rng(1)
    strays = []
    for _ in range(10):
        other = train(name, generator)["losses"]
        strays.append(max(abs(a - b) / b for a, b in zip(other, losses)))
    print(f"{name}: {losses[0]:.4f} … {losses[-1]:.4f}, strays", " ".join(f"{stray:.0e}" for stray in strays))


def main():
    torch.set_num_threads(1)
    runs = {name: train(name) for name in RUNS}
    if "--check" in sys.argv:
        for name, run in runs.items():
            check(name, run["losses"])
        return
    golden = {"torch": torch.__version__.split("+")[0], "momentum": MOMENTUM, **runs}
    pathlib.Path(__file__).with_name("training.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
