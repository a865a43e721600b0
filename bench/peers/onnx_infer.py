#!/usr/bin/env python3
"""Inference throughput of ONNX Runtime: float32, statically quantized 8 bits (QDQ, weights per channel), and dynamically
quantized 8 bits (DynamicQuantizeLinear and MatMulInteger or ConvInteger; one range for the whole batch). The weights are random, because the time does not depend on them; the inputs are MNIST's test images.

    onnx_infer.py --data DIR --workload mlp1200 --batch 1 --threads 1 [--formats fp32,int8,dynamic_int8]
"""
import argparse
import os
import tempfile

import common

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", required=True, help="folder of the IDX files")
parser.add_argument("--workload", choices=common.BATCH, required=True)
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--formats", default="fp32,int8")
parser.add_argument("--seconds", type=float, default=2.0, help="length of the timed part of each format")
args = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(args.threads)  # before numpy is loaded

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnxruntime import quantization  # noqa: E402


class Network:
    """Appends operations to a graph; `top` is the name of the last one's output."""

    def __init__(self):
        self.random = np.random.default_rng(1)
        self.nodes, self.constants, self.top = [], [], "x"

    def add(self, op, inputs=(), **attributes):
        result = f"y{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [self.top, *inputs], [result], **attributes))
        self.top = result
        return self

    def constant(self, values):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def weight(self, *shape):
        scale = np.sqrt(2 / np.prod(shape[1:]))
        return self.constant((self.random.standard_normal(shape) * scale).astype(np.float32))

    def linear(self, rows, columns, relu=True):
        self.add("Gemm", [self.weight(rows, columns), self.weight(rows)], transB=1)
        return self.add("Relu") if relu else self

    def conv(self, out, channels, size):
        self.add("Conv", [self.weight(out, channels, size, size), self.weight(out)], kernel_shape=[size, size])
        return self.add("Relu")

    def reshape(self, *shape):
        return self.add("Reshape", [self.constant(np.array(shape, np.int64))])

    def pool(self):
        return self.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])

    def save(self, path):
        floats = TensorProto.FLOAT
        graph = helper.make_graph(self.nodes, "net", [helper.make_tensor_value_info("x", floats, ["n", 784])],
                                  [helper.make_tensor_value_info(self.top, floats, ["n", 10])], self.constants)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def network(workload):
    n = Network()
    if workload == "mlp128":
        return n.linear(128, 784).linear(10, 128, False)
    if workload == "mlp1200":
        return n.linear(1200, 784).linear(1200, 1200).linear(10, 1200, False)
    n.reshape(-1, 1, 28, 28)
    if workload == "lenet":
        n.conv(20, 1, 5).pool().conv(50, 20, 5).pool()
        return n.reshape(-1, 800).linear(500, 800).linear(10, 500, False)
    n.conv(32, 1, 3).conv(64, 32, 3).pool()
    return n.reshape(-1, 9216).linear(128, 9216).linear(10, 128, False)


class Calibration(quantization.CalibrationDataReader):
    def __init__(self, images):
        self.left = iter([{"x": images[i:i + 64]} for i in range(0, 512, 64)])

    def get_next(self):
        return next(self.left, None)


def quantize(source, target, images):
    quantization.quantize_static(source, target, Calibration(images), quant_format=quantization.QuantFormat.QDQ,
                                 per_channel=True, activation_type=quantization.QuantType.QUInt8,
                                 weight_type=quantization.QuantType.QInt8)


def quantize_dynamically(source, target):
    quantization.quantize_dynamic(source, target, per_channel=True, weight_type=quantization.QuantType.QInt8)


images = common.images(args.data, "t10k")
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = args.threads
options.log_severity_level = 3
batch = np.ascontiguousarray(images[:args.batch])
with tempfile.TemporaryDirectory() as folder:
    plain, quantized = os.path.join(folder, "fp32.onnx"), os.path.join(folder, "int8.onnx")
    network(args.workload).save(plain)
    for name in args.formats.split(","):
        if name == "int8":
            quantize(plain, quantized, images)
        if name == "dynamic_int8":
            quantize_dynamically(plain, quantized)
        session = onnxruntime.InferenceSession(plain if name == "fp32" else quantized, options,
                                               providers=["CPUExecutionProvider"])
        common.say(f"onnxruntime-{onnxruntime.__version__}-{name}",
                   {"workload": args.workload, "batch": args.batch, "threads": args.threads},
                   common.window_rates(args.seconds, args.batch, lambda: session.run(None, {"x": batch})))
