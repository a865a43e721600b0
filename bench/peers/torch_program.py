#!/usr/bin/env python3
"""A whole program: trains mlp128 for some epochs, tests it once, and prints the accuracy.

    torch_program.py --data DIR --epochs 8 --rate 0.05 --threads 2
"""
import argparse
import json
import os

import common

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", required=True, help="folder of the IDX files")
parser.add_argument("--epochs", type=int, required=True)
parser.add_argument("--rate", type=float, required=True, help="learning rate at first; it falls to 0 along a cosine")
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(args.threads)  # before torch is loaded

import torch  # noqa: E402

from networks import network  # noqa: E402

torch.set_num_threads(args.threads)
torch.manual_seed(1)
inputs = {part: (torch.from_numpy(common.images(args.data, part)) - 0.1307) / 0.3081 for part in ("train", "t10k")}
labels = {part: torch.from_numpy(common.labels(args.data, part)) for part in ("train", "t10k")}
batch, images = common.BATCH["mlp128"], inputs["train"]
model = network("mlp128")
optimizer = torch.optim.SGD(model.parameters(), lr=args.rate, momentum=0.9, fused=True)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs * (len(images) // batch))
for _ in range(args.epochs):
    order = torch.randperm(len(images))
    for i in range(0, len(images) - batch + 1, batch):
        pick = order[i:i + batch]
        loss = torch.nn.functional.cross_entropy(model(images[pick]), labels["train"][pick])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
with torch.no_grad():
    correct = (model(inputs["t10k"]).argmax(1) == labels["t10k"]).float().mean().item()
print(json.dumps({"peer": f"pytorch-{torch.__version__}", "epochs": args.epochs, "accuracy": round(correct, 4)}))
