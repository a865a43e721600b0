// Convolutions with one input channel a group: the products of conv2d_forward.cpp, of the image or of the output gradients, and
// for the weight gradient sums by tap. Plain loops over lines where rows are shorter than a vector or would waste a third of it
// (vectors_per_row; of outputs forward, of pixels for the input gradient), and for the input gradient of windows that are further
// apart than one pixel or padded beyond their kernel's reach, or of weights that are not finite.
#include <algorithm>
#include <cmath>

#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/ops/conv2d_plan.hpp"
#include "tempera/core/ops/window_offsets.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

// Calls fn(kernel element, output line, input line) for every pair of lines that meet: `count` outputs, whose inputs
// are `stride` apart.
template <class Fn>
void for_each_line(const Windows& w, Fn&& fn) {
  for (std::int64_t ky = 0; ky < w.kernel_h; ++ky) {
    const Inside y = inside(ky, w.dilation_h, w.stride_h, w.padding_h, w.height, w.out_height);
    for (std::int64_t kx = 0; kx < w.kernel_w; ++kx) {
      const Inside x = inside(kx, w.dilation_w, w.stride_w, w.padding_w, w.width, w.out_width);
      for (std::int64_t o = y.first; o < y.last; ++o) {
        const std::int64_t line = (y.offset + o * w.stride_h) * w.width;
        fn(ky * w.kernel_w + kx, o * w.out_width + x.first, line + x.offset + x.first * w.stride_w, x.last - x.first);
      }
    }
  }
}

std::int64_t planes_per_chunk(const ConvPlan& plan) {
  return std::max<std::int64_t>(1, 4 * kLightGrain / std::max<std::int64_t>(1, plan.flops() / plan.outputs));
}

void convolve_plane(const Windows& w, const Scalar* in, const Scalar* kernel, Scalar* out) {
  for_each_line(w, [&](std::int64_t k, std::int64_t to, std::int64_t from, std::int64_t count) {
    const Scalar factor = kernel[k];
    if (w.stride_w == 1) {
      for (std::int64_t i = 0; i < count; ++i) out[to + i] += factor * in[from + i];
    } else {
      for (std::int64_t i = 0; i < count; ++i) out[to + i] += factor * in[from + i * w.stride_w];
    }
  });
}

void spread_plane(const Windows& w, const Scalar* dy, const Scalar* kernel, Scalar* dx) {
  for_each_line(w, [&](std::int64_t k, std::int64_t from, std::int64_t to, std::int64_t count) {
    const Scalar factor = kernel[k];
    if (w.stride_w == 1) {
      for (std::int64_t i = 0; i < count; ++i) dx[to + i] += factor * dy[from + i];
    } else {
      for (std::int64_t i = 0; i < count; ++i) dx[to + i * w.stride_w] += factor * dy[from + i];
    }
  });
}

// The convolution that gives the gradient by the input, of output gradients by mirrored kernels; it has stride 1.
ConvPlan mirrored(const ConvPlan& plan) {
  const Windows& w = plan.windows;
  ConvPlan mirror{.windows = w, .images = plan.images, .groups = plan.groups, .outputs = 1};
  mirror.windows.channels = plan.outputs;
  mirror.windows.height = w.out_height;
  mirror.windows.width = w.out_width;
  mirror.windows.out_height = w.height;
  mirror.windows.out_width = w.width;
  mirror.windows.padding_h = w.dilation_h * (w.kernel_h - 1) - w.padding_h;
  mirror.windows.padding_w = w.dilation_w * (w.kernel_w - 1) - w.padding_w;
  return mirror;
}

// A weight that is infinite or NaN would meet the zeros beside the output gradients, and spoil pixels it has no share in.
bool has_mirror(const ConvPlan& plan, const ConvPlan& mirror, const Tensor& weight) {
  return plan.windows.stride_h == 1 && plan.windows.stride_w == 1 && mirror.windows.padding_h >= 0 &&
         mirror.windows.padding_w >= 0 && vectors_per_row(mirror.windows) > 0 &&
         std::ranges::all_of(weight.values(), [](Scalar w) { return std::isfinite(w); });
}

// Every kernel from its last element to its first.
Tensor turned(const Tensor& weight, std::int64_t elements) {
  Tensor turned(weight.shape());
  Scalar* to = turned.mutable_data();
  for (std::int64_t at = 0; at < weight.numel(); at += elements) {
    std::reverse_copy(weight.data() + at, weight.data() + at + elements, to + at);
  }
  return turned;
}

// dw of one channel by kernels that read the pixels of all taps in place.
class TapSums {
 public:
  TapSums(const Windows& w, const WindowOffsets& offsets)
      : w_(w), offsets_(offsets), copy_(offsets.is_copied() ? scalars(offsets.pixels()) : Storage()) {}

  // Of one plane of outputs and its plane of pixels.
  void add(const Scalar* dy, const Scalar* x, Scalar* sums) const noexcept {
    if (Scalar* copied = data_of(copy_)) {
      offsets_.copy(x, copied);
      x = copied;
    }
    kernels().conv_taps({.height = w_.out_height,
                         .width = w_.out_width,
                         .k = w_.rows(),
                         .offsets = offsets_.rows().data(),
                         .dy = dy,
                         .image = x,
                         .image_row = w_.stride_h * offsets_.line(),
                         .sums = sums});
  }

 private:
  const Windows& w_;
  const WindowOffsets& offsets_;
  Storage copy_;
};

}  // namespace

Tensor depthwise_forward(const ConvPlan& plan, const Tensor& x, const Tensor& weight, const Scalar* bias, bool relu,
                         const Shape& result) {
  if (vectors_per_row(plan.windows) > 0) return conv_forward(plan, x, weight, bias, relu, result);
  Tensor y(result);
  const Windows& w = plan.windows;
  const std::int64_t channels = plan.groups * plan.outputs;
  const Scalar* in = x.data();
  const Scalar* weights = weight.data();
  Scalar* out = y.mutable_data();
  parallel_for(plan.images * channels, planes_per_chunk(plan), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = begin; plane < end; ++plane) {
      const std::int64_t channel = plane % channels;
      Scalar* to = out + plane * w.columns();
      std::fill(to, to + w.columns(), bias == nullptr ? Scalar{0} : bias[channel]);
      convolve_plane(w, in + plane / plan.outputs * w.pixels(), weights + channel * w.rows(), to);
      if (relu) kernels().relu(w.columns(), to, to);
    }
  });
  return y;
}

Tensor depthwise_by_input(const ConvPlan& plan, const Tensor& dy, const Tensor& weight, const Shape& input) {
  const ConvPlan mirror = mirrored(plan);
  if (has_mirror(plan, mirror, weight)) {
    return conv_forward(mirror, dy, turned(weight, plan.windows.rows()), nullptr, false, input);
  }
  Tensor dx = Tensor::zeros(input);
  const Windows& w = plan.windows;
  const Scalar* grad = dy.data();
  const Scalar* weights = weight.data();
  Scalar* out = dx.mutable_data();
  parallel_for(plan.images * plan.groups, planes_per_chunk(plan), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = begin; item < end; ++item) {
      for (std::int64_t o = 0; o < plan.outputs; ++o) {
        const std::int64_t channel = item % plan.groups * plan.outputs + o;
        spread_plane(w, grad + (item * plan.outputs + o) * w.columns(), weights + channel * w.rows(),
                     out + item * w.pixels());
      }
    }
  });
  return dx;
}

Tensor depthwise_by_weight(const ConvPlan& plan, const Tensor& dy, const Tensor& x, const Shape& weight) {
  Tensor dw = Tensor::zeros(weight);
  const Windows& w = plan.windows;
  const std::int64_t channels = plan.groups * plan.outputs;
  Scalar* out = dw.mutable_data();
  const WindowOffsets offsets(w);
  parallel_for(channels, 1, [&](std::int64_t channel, std::int64_t) {
    const TapSums taps(w, offsets);
    for (std::int64_t image = 0; image < plan.images; ++image) {
      const std::int64_t plane = image * channels + channel;
      taps.add(dy.data() + plane * w.columns(), x.data() + plane / plan.outputs * w.pixels(), out + channel * w.rows());
    }
  });
  return dw;
}

}  // namespace tempera::core
