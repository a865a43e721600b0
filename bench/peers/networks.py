"""The four reference networks in PyTorch: in float, fake-quantized to 8 bits, or with signs for weights and activations."""
import torch
from torch import nn


class Sign(torch.autograd.Function):
    """±1 by sign, with the gradient of the clip to [-1, 1]."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (ctx.saved_tensors[0].abs() <= 1)


class BinaryLinear(nn.Linear):
    def forward(self, x):
        return nn.functional.linear(x, Sign.apply(self.weight), self.bias)


class BinaryConv2d(nn.Conv2d):
    def forward(self, x):
        return self._conv_forward(x, Sign.apply(self.weight), self.bias)


class SignActivation(nn.Module):
    def forward(self, x):
        return Sign.apply(x)


def layers(workload, linear, conv, act):
    as_image = nn.Unflatten(1, (1, 28, 28))
    if workload == "mlp128":
        return [linear(784, 128), act(), linear(128, 10)]
    if workload == "mlp1200":
        return [linear(784, 1200), act(), linear(1200, 1200), act(), linear(1200, 10)]
    if workload == "lenet":
        return [as_image, conv(1, 20, 5), act(), nn.MaxPool2d(2), conv(20, 50, 5), act(), nn.MaxPool2d(2), nn.Flatten(),
                linear(800, 500), act(), linear(500, 10)]
    return [as_image, conv(1, 32, 3), act(), conv(32, 64, 3), act(), nn.MaxPool2d(2), nn.Flatten(), linear(9216, 128),
            act(), linear(128, 10)]


def network(workload, numerics="float"):
    if numerics == "binary":
        return nn.Sequential(*layers(workload, BinaryLinear, BinaryConv2d, SignActivation))
    plain = layers(workload, nn.Linear, nn.Conv2d, nn.ReLU)
    if numerics != "qat":
        return nn.Sequential(*plain)
    import torch.ao.quantization as tq
    model = nn.Sequential(tq.QuantStub(), *plain)
    model.qconfig = tq.get_default_qat_qconfig("x86")
    return tq.prepare_qat(model.train())
