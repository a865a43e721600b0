"""Reads a model file with Hugging Face's own reader and holds it against the run's summary: nothing in it is known to
this project's code only. usage: read_model.py RUN_FOLDER"""
import json
import math
import pathlib
import sys

import numpy
from safetensors import safe_open

run = pathlib.Path(sys.argv[1])
summary = json.loads((run / "summary.json").read_text())
config = json.loads((run / "config.resolved.json").read_text())

with safe_open(run / "model.safetensors", framework="numpy") as model:
    tensors = {name: model.get_tensor(name) for name in model.keys()}
for name, tensor in tensors.items():
    assert tensor.dtype == numpy.float32, f"{name} is {tensor.dtype}"
    assert numpy.isfinite(tensor).all(), f"{name} has numbers that are not finite"
    print(f"{name:24} {tensor.shape}")

# What a linear layer keeps is fixed by its definition: weight [out, in] and bias [out].
linear = [layer for layer in config["model"]["layers"] if layer["type"] == "linear"]
assert linear, "the run's model has no linear layer"
for layer in linear:
    weight, bias = tensors[layer["name"] + ".weight"], tensors[layer["name"] + ".bias"]
    assert weight.shape[0] == layer["out"] and bias.shape == (layer["out"],), f"{layer['name']}: {weight.shape}, {bias.shape}"
numbers = sum(math.prod(t.shape) for t in tensors.values())
assert numbers == summary["model"]["parameters"], f"{numbers} numbers, but {summary['model']['parameters']} parameters"
print(f"{len(tensors)} tensors, {numbers} numbers")
