"""Writes fold_bn.json: one step of training through a weight that is quantized with its batch norm folded in.

    python3 tests/golden/make_fold_bn.py

The equations are those of the papers, in their form: the weight is folded by running statistics, quantized, and the sums are
corrected by σ/σ_B until the statistics are frozen (Jacob et al. 2018, §3.2; Krishnamoorthi 2018, §3.2.2):

    y = conv(x, Q(γ·w/σ))·σ/σ_B + β − γ·μ_B/σ_B        before the freeze, of the batch's mean μ_B and deviation σ_B
    y = conv(x, Q(γ·w/σ)) + β − γ·μ/σ                  after it

PyTorch's autograd differentiates them in float64, of inputs that float32 holds; which integer a weight becomes is decided in
float32. Q is round and clamp with the straight-through estimator of Jacob et al.: it passes where the integer lies inside.
What the papers leave open is written in several forms:

    batch statistics   "y": of what the quantized layer gives, as PyTorch's own quantization-aware layer does (the forward
                       pass is compared with torch.ao's ConvBn2d here); "y_float_statistics": of a second convolution with
                       weights in floats (Jacob et al., figure C.8)
    dQ(γ·w/σ)/dγ       "gain": Q/γ, as γ is the scale of a whole channel; "gain_straight": w/σ, by the estimator

"y_uncorrected" is what folding without the correction gives before the freeze.
"""
import json
import pathlib
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")  # of torch.ao, which is old and still there
rng = np.random.default_rng(17)
EPSILON = 1e-5


def held(values, grad=True):
    """What float32 holds of them, to be computed with in float64."""
    return torch.tensor(np.float32(values).astype(np.float64), requires_grad=grad)


def flat(tensor):
    """Eight digits, which is what float32 can be compared with."""
    return [float(f"{v:.8g}") for v in tensor.detach().numpy().ravel()]


def channels(values, rank):
    """[out] → [out, 1, …] for weights; for outputs, one axis of the batch goes before."""
    return values.reshape([-1] + [1] * (rank - 1))


class Case:
    def __init__(self, layer, x_shape, w_shape, bits, groups=1, reach=1):
        self.layer, self.bits, self.groups, self.rank, self.clamps = layer, bits, groups, len(w_shape), reach == 1
        out = w_shape[0]
        self.scale = reach * 2.0 ** (1 - bits)  # on [−1, 1) some folded weights lie outside, on [−8, 8) none
        self.x, self.w = held(rng.normal(0.3, 1, x_shape).round(3)), held(rng.normal(0, 0.5, w_shape).round(4))
        self.b, self.beta = held(rng.normal(0, 0.3, out)), held(rng.normal(0, 0.5, out))
        self.gamma = held(rng.uniform(0.5, 1.5, out) * rng.choice([-1, 1], out))
        # Unlike those of any batch here, which has means about 0 and variances from 1 to 5.
        self.mean, self.variance = held(rng.normal(2, 0.5, out), False), held(rng.uniform(0.3, 0.8, out), False)
        self.dy = None

    def conv(self, w):
        if self.layer == "linear":
            return self.x @ w.T
        return torch.nn.functional.conv2d(self.x, w, padding=1, groups=self.groups)

    def over(self, per_channel):
        return per_channel if self.layer == "linear" else per_channel[:, None, None]

    def statistics(self, z):
        axes = [0] if self.layer == "linear" else [0, 2, 3]
        return z.mean(axes), torch.sqrt(z.var(axes, unbiased=False) + EPSILON)

    def quantized(self, straight):
        """Q(γ·w/σ). Its factor is rounded to float32 once; `straight`: by γ, too, the estimator's derivative."""
        sigma = torch.sqrt(self.variance + EPSILON)
        constant = held((self.gamma.detach() / sigma).numpy(), False)
        factor = self.gamma / sigma
        exact = factor + (constant - factor).detach()  # the value that float32 holds, the derivative of γ/σ
        folded = self.w * channels(exact if straight else constant, self.rank)
        half = 2 ** (self.bits - 1)
        step = np.float32(folded.detach().numpy().astype(np.float32) / np.float32(self.scale))
        assert (np.abs(step - np.floor(step) - 0.5) > 1e-4).all(), "a weight on a tie"
        integers = np.round(step)
        inside = (integers >= -half) & (integers <= half - 1)
        assert inside.any() and inside.all() != self.clamps
        hard = torch.tensor(np.clip(integers, -half, half - 1).astype(np.float64) * self.scale)
        passed = folded * torch.tensor(inside)
        q = passed + (hard - passed).detach()
        return q if straight else q * channels(exact / constant, self.rank), sigma

    def forward(self, frozen, straight=False, float_statistics=False, corrected=True):
        q, sigma = self.quantized(straight)
        gain = self.gamma
        bias = self.b * gain / sigma
        sums = self.conv(q) + self.over(bias)
        if frozen or not corrected:
            return sums + self.over(self.beta - gain * self.mean / sigma), None
        plain = self.conv(self.w) + self.over(self.b) if float_statistics else sums / self.over(gain / sigma)
        mean, deviation = self.statistics(plain)
        return sums * self.over(sigma / deviation) + self.over(self.beta - gain * mean / deviation), plain

    def gradients(self, frozen, straight):
        leaves = {"x": self.x, "weight": self.w, "bias": self.b, "gain": self.gamma, "shift": self.beta}
        y, _ = self.forward(frozen, straight)
        return dict(zip(leaves, torch.autograd.grad(y, list(leaves.values()), self.dy)))

    def torch_ao(self):
        """PyTorch's own layer of this kind."""
        from torch.ao.nn.intrinsic.qat import ConvBn2d
        from torch.ao.quantization import FakeQuantize, MovingAverageMinMaxObserver, QConfig
        half = 2 ** (self.bits - 1)
        fake = FakeQuantize.with_args(observer=MovingAverageMinMaxObserver, quant_min=-half, quant_max=half - 1, dtype=torch.qint8)
        shape = self.w.shape
        layer = ConvBn2d(shape[1] * self.groups, shape[0], tuple(shape[2:]), padding=1, groups=self.groups, bias=True,
                         qconfig=QConfig(activation=fake, weight=fake))
        with torch.no_grad():
            for to, value in [(layer.weight, self.w), (layer.bias, self.b), (layer.bn.weight, self.gamma), (layer.bn.bias, self.beta),
                              (layer.bn.running_mean, self.mean), (layer.bn.running_var, self.variance)]:
                to.copy_(value)
        layer.weight_fake_quant.disable_observer()
        layer.weight_fake_quant.scale = torch.tensor([self.scale])
        layer.weight_fake_quant.zero_point = torch.tensor([0], dtype=torch.int32)
        return layer.train()(self.x.detach().float()).double()

    def json(self):
        y, plain = self.forward(False)
        self.dy = held(rng.normal(0, 1, y.shape).round(3), False)
        if self.layer == "conv2d":
            assert torch.allclose(y, self.torch_ao(), atol=2e-5), (y - self.torch_ao()).abs().max()
        axes = [0] if self.layer == "linear" else [0, 2, 3]
        result = {"layer": self.layer, "bits": self.bits, "groups": self.groups, "clamps": self.clamps, "scale": self.scale}
        for name, value in [("x", self.x), ("weight", self.w), ("bias", self.b), ("gain", self.gamma), ("shift", self.beta),
                            ("running_mean", self.mean), ("running_variance", self.variance), ("dy", self.dy)]:
            result[name] = flat(value)
        result["x_shape"], result["weight_shape"] = list(self.x.shape), list(self.w.shape)
        for phase, frozen in [("batch", False), ("frozen", True)]:
            y, _ = self.forward(frozen)
            result[phase] = {"y": flat(y), "gradients": {k: flat(v) for k, v in self.gradients(frozen, False).items()},
                             "gain_straight": flat(self.gradients(frozen, True)["gain"])}
        result["batch"]["y_float_statistics"] = flat(self.forward(False, float_statistics=True)[0])
        result["batch"]["y_uncorrected"] = flat(self.forward(False, corrected=False)[0])
        result["batch"]["running_mean"] = flat(0.9 * self.mean + 0.1 * plain.mean(axes))
        result["batch"]["running_variance"] = flat(0.9 * self.variance + 0.1 * plain.var(axes, unbiased=True))
        return result


cases = [Case("linear", (12, 7), (4, 7), 4).json(), Case("linear", (12, 7), (4, 7), 8).json(),
         Case("conv2d", (3, 2, 4, 4), (3, 2, 3, 3), 4).json(), Case("conv2d", (3, 2, 4, 4), (3, 2, 3, 3), 8).json(),
         Case("conv2d", (3, 2, 4, 4), (3, 2, 3, 3), 8, reach=8).json(),
         Case("conv2d", (3, 4, 4, 4), (4, 1, 3, 3), 4, groups=4).json()]
out = pathlib.Path(__file__).with_name("fold_bn.json")
out.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")) + "\n")
print(out, out.stat().st_size, "bytes")
