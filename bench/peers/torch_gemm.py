#!/usr/bin/env python3
"""Matrix products C[m,n] = A[m,k]·B[k,n] in float32 through PyTorch (MKL on x86), one JSON line each.

    torch_gemm.py --threads 1 --shapes 64,128,784 1024,1024,1024
"""
import argparse
import json
import os

import common

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--shapes", nargs="+", required=True, metavar="M,N,K")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--seconds", type=float, default=6.0, help="length of the timed part, of all shapes together")
args = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(args.threads)  # before torch is loaded

import torch  # noqa: E402

torch.set_num_threads(args.threads)
for shape in args.shapes:
    m, n, k = map(int, shape.split(","))
    a, b, c = torch.rand(m, k), torch.rand(k, n), torch.empty(m, n)
    with torch.no_grad():
        rates = common.window_rates(args.seconds / len(args.shapes), 1, lambda: torch.mm(a, b, out=c))
    print(json.dumps({"peer": f"pytorch-{torch.__version__}", "kernel": "f32_gemm_mkl", "m": m, "n": n, "k": k,
                      "threads": args.threads, "gflop_per_s": round(max(rates) * 2 * m * n * k / 1e9, 1)}), flush=True)
