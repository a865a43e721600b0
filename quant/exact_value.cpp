#include "tempera/quant/exact_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tempera/core/gemm.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/observer.hpp"

namespace tempera::quant {
namespace {

using core::Shape;
using core::Tensor;

// Integers up to this are exact in float32, and so is every sum that stays below.
constexpr std::int64_t kExact = std::int64_t{1} << 24;

const nn::Site& site_of(const nn::GraphNode& node) {
  const auto* linear = std::get_if<nn::graph::Linear>(&node.operation);
  return *(linear != nullptr ? linear->weight_site : std::get<nn::graph::Conv2d>(node.operation).weight_site);
}

const nn::Variable& bias_of(const nn::GraphNode& node) {
  const auto* linear = std::get_if<nn::graph::Linear>(&node.operation);
  return linear != nullptr ? linear->bias : std::get<nn::graph::Conv2d>(node.operation).bias;
}

// y[m, n] = a[m, k]·b, added up as integers over pieces of k.
struct Product {
  std::int64_t m, n, k, piece;
  const Scalar* a;
  const Scalar* b;
  std::int64_t ldb;
  bool transpose_b;
};

void add_product(const Product& p, Scalar* sums, std::int32_t* y) {
  for (std::int64_t first = 0; first < p.k; first += p.piece) {
    core::gemm({.m = p.m,
                .n = p.n,
                .k = std::min(p.piece, p.k - first),
                .a = p.a + first,
                .lda = p.k,
                .b = p.b + (p.transpose_b ? first : first * p.ldb),
                .ldb = p.ldb,
                .transpose_b = p.transpose_b,
                .c = sums,
                .ldc = p.n,
                .parallel = false});
    for (std::int64_t i = 0; i < p.m * p.n; ++i) y[i] += static_cast<std::int32_t>(sums[i]);
  }
}

std::int64_t piece_of(const ExactValue& x, const ExactWeight& weight, std::int64_t k) {
  const std::int64_t largest = std::max<std::int64_t>(1, x.reach() * weight.largest);
  return std::clamp<std::int64_t>(kExact / largest, 1, std::max<std::int64_t>(1, k));
}

// The windows of channels [first, first + channels) of an image as columns; cells outside of it are z, which is 0 here.
void unfold(const std::int32_t* image, std::int32_t zero, const Shape& shape, std::int64_t first, const Shape& weight,
            const core::Conv2dOptions& o, const Shape& result, Scalar* columns) {
  for (std::int64_t tap = 0; tap < weight[1] * weight[2] * weight[3]; ++tap) {
    const std::int64_t c = first + tap / (weight[2] * weight[3]), ky = tap / weight[3] % weight[2],
                       kx = tap % weight[3];
    for (std::int64_t oy = 0; oy < result[1]; ++oy) {
      const std::int64_t y = oy * o.stride[0] - o.padding[0] + ky * o.dilation[0];
      for (std::int64_t ox = 0; ox < result[2]; ++ox) {
        const std::int64_t x = ox * o.stride[1] - o.padding[1] + kx * o.dilation[1];
        const bool inside = y >= 0 && y < shape[1] && x >= 0 && x < shape[2];
        *columns++ = inside ? static_cast<Scalar>(image[(c * shape[1] + y) * shape[2] + x] - zero) : Scalar{0};
      }
    }
  }
}

}  // namespace

std::int64_t ExactValue::reach() const {
  return std::max(std::abs(std::int64_t{low} - zero_point()), std::abs(std::int64_t{high} - zero_point()));
}

void for_images(std::int64_t images, const std::function<void(std::int64_t)>& fn) {
  core::parallel_for(images, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t image = begin; image < end; ++image) fn(image);
  });
}

ExactWeight exact_weight(const nn::GraphNode& node, const nn::graph::BatchNorm* norm, const ExactValue& input) {
  const nn::Site& site = site_of(node);
  const SiteQuantizer* transform = quantizer_of(site);
  if (transform == nullptr) refuse(node, fmt::format("its weight is not quantized: no rule takes \"{}\"", site.name));
  if (!transform->quantizer().ready()) refuse(node, fmt::format("site \"{}\": has no range yet", site.name));
  const std::optional<QParams> grid = transform->quantizer().params();
  if (!grid) refuse(node, fmt::format("site \"{}\": its quantizer gives no integers times a scale", site.name));

  nn::ForwardContext context;
  const core::NoGrad no_grad;
  const Tensor used = site(site.parameter, context).value();
  static_cast<void>(finite_range(site.parameter.value().values(), site.name));
  ExactWeight weight{.values = Tensor(used.shape()), .scale = {}, .bias = {}};
  const auto channels = static_cast<std::size_t>(used.shape()[0]);
  const std::size_t row = static_cast<std::size_t>(used.numel()) / channels;
  const Tensor bias = bias_of(node).empty() ? Tensor::zeros({used.shape()[0]}) : bias_of(node).value();
  const Tensor real_bias = norm == nullptr ? bias : folded_bias(*norm, bias);
  Scalar* integers = weight.values.mutable_data();
  std::int64_t saturated = 0;
  for (std::size_t c = 0; c < channels; ++c) {
    const auto s_w = static_cast<double>(grid->scale[grid->scale.size() == 1 ? 0 : c]);
    const double f = norm == nullptr ? 1 : static_cast<double>(fold_factor(*norm).values()[c]);
    // What the batch norm multiplies by is in the weight's grid already, or stretches it.
    const double stretch = transform->folded() || f == 0 ? 1 : std::abs(f);
    std::int64_t sum = 0;
    for (std::size_t i = c * row; i < (c + 1) * row; ++i) {
      const double q = static_cast<double>(used.values()[i]) * f / (s_w * stretch);
      const double nearest = std::nearbyint(q);
      if (!(std::abs(q - nearest) <= 0.01)) refuse(node, fmt::format("site \"{}\": values beside its grid", site.name));
      integers[i] = static_cast<Scalar>(nearest);
      weight.largest = std::max(weight.largest, std::abs(static_cast<std::int64_t>(nearest)));
      sum += std::abs(static_cast<std::int64_t>(nearest));
    }
    weight.scale.push_back(static_cast<double>(input.grid.scale[0]) * s_w * stretch);
    const std::int64_t room = kLargestAccumulator - sum * input.reach();
    if (room < 0) refuse(node, "its accumulators could leave int32");
    weight.bias.push_back(
        integer_bias(node, static_cast<double>(real_bias.values()[c]), weight.scale.back(), room, saturated));
  }
  return weight;
}

std::vector<std::int32_t> exact_linear(const ExactValue& x, const ExactWeight& weight) {
  const std::int64_t out = weight.values.shape()[0], in = weight.values.shape()[1];
  const auto images = static_cast<std::int64_t>(x.q->size()) / in;
  std::vector<std::int32_t> y(static_cast<std::size_t>(images * out));
  core::parallel_for(images, 64, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t m = end - begin;
    std::vector<Scalar> centred(static_cast<std::size_t>(m * in)), sums(static_cast<std::size_t>(m * out));
    const std::int32_t* from = x.q->data() + begin * in;
    for (std::size_t i = 0; i < centred.size(); ++i) centred[i] = static_cast<Scalar>(from[i] - x.zero_point());
    std::int32_t* to = y.data() + begin * out;
    for (std::int64_t i = 0; i < m * out; ++i) to[i] = weight.bias[static_cast<std::size_t>(i % out)];
    add_product({.m = m,
                 .n = out,
                 .k = in,
                 .piece = piece_of(x, weight, in),
                 .a = centred.data(),
                 .b = weight.values.data(),
                 .ldb = in,
                 .transpose_b = true},
                sums.data(), to);
  });
  return y;
}

std::vector<std::int32_t> exact_conv2d(const ExactValue& x, const ExactWeight& weight, const nn::graph::Conv2d& op,
                                       const Shape& result) {
  const Shape& w = weight.values.shape();
  const std::int64_t rows = w[1] * w[2] * w[3], pixels = result[1] * result[2], groups = op.options.groups;
  const std::int64_t outputs = w[0] / groups;
  const auto images = static_cast<std::int64_t>(x.q->size()) / x.shape.numel();
  std::vector<std::int32_t> y(static_cast<std::size_t>(images * result.numel()));
  for_images(images, [&](std::int64_t image) {
    std::vector<Scalar> columns(static_cast<std::size_t>(rows * pixels));
    std::vector<Scalar> sums(static_cast<std::size_t>(outputs * pixels));
    std::int32_t* to = y.data() + image * result.numel();
    for (std::int64_t i = 0; i < result.numel(); ++i) to[i] = weight.bias[static_cast<std::size_t>(i / pixels)];
    for (std::int64_t g = 0; g < groups; ++g) {
      unfold(x.q->data() + image * x.shape.numel(), x.zero_point(), x.shape, g * w[1], w, op.options, result,
             columns.data());
      add_product({.m = outputs,
                   .n = pixels,
                   .k = rows,
                   .piece = piece_of(x, weight, rows),
                   .a = weight.values.data() + g * outputs * rows,
                   .b = columns.data(),
                   .ldb = pixels,
                   .transpose_b = false},
                  sums.data(), to + g * outputs * pixels);
    }
  });
  return y;
}

}  // namespace tempera::quant
