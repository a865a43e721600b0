#include <algorithm>

#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/ops/conv2d_plan.hpp"
#include "tempera/core/ops/lanes.hpp"
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

}  // namespace

Tensor depthwise_forward(const ConvPlan& plan, const Tensor& x, const Tensor& weight, const Scalar* bias, bool relu,
                         const Shape& result) {
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
  const Scalar* grad = dy.data();
  const Scalar* in = x.data();
  Scalar* out = dw.mutable_data();
  parallel_for(channels, 1, [&](std::int64_t channel, std::int64_t) {
    Scalar* kernel = out + channel * w.rows();
    for (std::int64_t image = 0; image < plan.images; ++image) {
      const std::int64_t plane = image * channels + channel;
      const Scalar* g = grad + plane * w.columns();
      const Scalar* pixels = in + plane / plan.outputs * w.pixels();
      for_each_line(w, [&](std::int64_t k, std::int64_t at, std::int64_t from, std::int64_t count) {
        kernel[k] += lane_sum(count, [=](std::int64_t i) { return g[at + i] * pixels[from + i * w.stride_w]; });
      });
    }
  });
  return dw;
}

}  // namespace tempera::core
