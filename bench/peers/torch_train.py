#!/usr/bin/env python3
"""Training throughput of PyTorch. All of MNIST lies in memory as normalised float32 (made outside of the timing), is shuffled
each epoch, and whole optimizer steps are timed. A user's best honest setting: no DataLoader, fused SGD.

    torch_train.py --data DIR --workload mlp128 --threads 2 [--numerics float|qat|binary|bf16] [--mode eager|compile]
"""
import argparse
import os

import common

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", required=True, help="folder of the IDX files")
parser.add_argument("--workload", choices=common.BATCH, required=True)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
parser.add_argument("--numerics", choices=["float", "qat", "binary", "bf16"], default="float")
parser.add_argument("--seconds", type=float, default=6.0, help="length of the timed part")
args = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(args.threads)  # before torch is loaded

import torch  # noqa: E402

from networks import network  # noqa: E402

torch.set_num_threads(args.threads)
torch.manual_seed(1)
images = (torch.from_numpy(common.images(args.data, "train")) - 0.1307) / 0.3081
labels = torch.from_numpy(common.labels(args.data, "train"))
batch = common.BATCH[args.workload]
model = network(args.workload, args.numerics)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
run = torch.compile(model) if args.mode == "compile" else model


def steps():
    while True:
        order = torch.randperm(len(images))
        for i in range(0, len(images) - batch + 1, batch):
            pick = order[i:i + batch]
            with torch.autocast("cpu", torch.bfloat16, enabled=args.numerics == "bf16"):
                loss = torch.nn.functional.cross_entropy(run(images[pick]), labels[pick])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            yield


stepper = steps()
common.say(f"pytorch-{torch.__version__}-{args.mode}-{args.numerics}",
           {"workload": args.workload, "batch": batch, "threads": args.threads},
           common.window_rates(args.seconds, batch, lambda: next(stepper)))
