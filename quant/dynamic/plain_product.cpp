#include "tempera/quant/dynamic/plain_product.hpp"

#include <algorithm>

#include "tempera/core/parallel.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/lowered_weight.hpp"

namespace tempera::quant::dynamic {

using core::Tensor;

PlainProduct::PlainProduct(const nn::GraphNode& node) : node_(node) {
  const Integers integers = weight_integers(node);
  const WeightSource from = weight_source(node);
  grid_ = integers.params;
  shape_ = from.weight.shape();
  length_ = shape_.numel() / shape_[0];
  piece_ = grid_.granularity == Granularity::kGroup ? grid_.group : length_;
  for (std::size_t i = 0; i < integers.values.size(); ++i) {
    const std::int32_t zero = grid_.zero_point[grid_.slot(static_cast<std::int64_t>(i), shape_)];
    weight_.push_back(static_cast<std::int16_t>(integers.values[i] - zero));
  }
  if (const auto& norm = quantizer_of(from.site)->folded()) factor_ = invertible_factor(*norm);
  if (!from.bias.empty()) bias_ = from.bias.value();
}

Tensor PlainProduct::operator()(const Tensor& x, const QParams& rows, bool relu) const {
  Tensor y(node_.shape.with_batch(x.dim(0)));
  Scalar* to = y.mutable_data();
  core::parallel_for(x.dim(0), 1, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t sample = x.numel() / x.dim(0);
    std::vector<std::int16_t> q(static_cast<std::size_t>(sample));
    for (std::int64_t i = begin; i < end; ++i) {
      const auto slot = static_cast<std::size_t>(i);
      for (std::int64_t k = 0; k < sample; ++k) {
        const std::int32_t integer = rows.quantize(static_cast<float>(x.data()[i * sample + k]), slot);
        q[static_cast<std::size_t>(k)] = static_cast<std::int16_t>(integer - rows.zero_point[slot]);
      }
      run(x.shape(), q.data(), static_cast<Scalar>(rows.scale[slot]), relu, to + i * node_.shape.numel());
    }
  });
  return y;
}

void PlainProduct::run(const core::Shape& x, const std::int16_t* q, Scalar s_x, bool relu, Scalar* y) const {
  const auto* conv = std::get_if<nn::graph::Conv2d>(&node_.operation);
  const std::int64_t groups = conv == nullptr ? 1 : conv->options.groups;
  const std::int64_t outputs = shape_[0] / groups, cells = node_.shape.numel() / shape_[0];
  std::vector<std::int16_t> window(q, q + (conv == nullptr ? length_ : 0));
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      if (conv != nullptr) gather(x, q, group, cell, window);
      for (std::int64_t o = group * outputs; o < (group + 1) * outputs; ++o) {
        const Scalar value = output(o, window, s_x);
        y[o * cells + cell] = relu && value < 0 ? 0 : value;
      }
    }
  }
}

void PlainProduct::gather(const core::Shape& x, const std::int16_t* q, std::int64_t group, std::int64_t cell,
                          std::vector<std::int16_t>& window) const {
  const core::Conv2dOptions& options = std::get<nn::graph::Conv2d>(node_.operation).options;
  const std::int64_t top = cell / node_.shape[2] * options.stride[0] - options.padding[0];
  const std::int64_t left = cell % node_.shape[2] * options.stride[1] - options.padding[1];
  window.clear();
  for (std::int64_t c = group * shape_[1]; c < (group + 1) * shape_[1]; ++c) {
    for (std::int64_t i = 0; i < shape_[2]; ++i) {
      for (std::int64_t j = 0; j < shape_[3]; ++j) {
        const std::int64_t h = top + i * options.dilation[0], w = left + j * options.dilation[1];
        const bool inside = h >= 0 && h < x[2] && w >= 0 && w < x[3];
        window.push_back(inside ? q[(c * x[2] + h) * x[3] + w] : std::int16_t{0});
      }
    }
  }
}

Scalar PlainProduct::output(std::int64_t o, const std::vector<std::int16_t>& window, Scalar s_x) const {
  const std::int16_t* w = weight_.data() + o * length_;
  const Scalar factor = factor_.empty() ? 1 : factor_.values()[static_cast<std::size_t>(o)];
  Scalar sum = 0;
  for (std::int64_t begin = 0; begin < length_; begin += piece_) {
    std::int32_t accumulator = 0;  // PackedWeight refuses what could leave it
    for (std::int64_t k = begin; k < std::min(begin + piece_, length_); ++k) {
      accumulator += window[static_cast<std::size_t>(k)] * w[k];
    }
    const auto s_w = static_cast<Scalar>(grid_.scale[grid_.slot(o * length_ + begin, shape_)]) / factor;
    const Scalar real = static_cast<Scalar>(accumulator) * (s_x * s_w);
    sum = begin == 0 ? real : sum + real;
  }
  return sum + (bias_.empty() ? 0 : bias_.values()[static_cast<std::size_t>(o)]);
}

}  // namespace tempera::quant::dynamic
