#include "tempera/quant/lowered_weight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tempera/quant/attach.hpp"
#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/integer_rules.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

[[noreturn]] void refuse_weight(const nn::GraphNode& node, const WeightSource& from, const std::string& reason) {
  refuse(node, fmt::format("site \"{}\": {}", from.site.name, reason));
}

// One output channel of a weight.
struct Channel {
  std::span<std::int8_t> values;
  std::int32_t& zero_point;
};

// −(v − z), within the bits: ~v = −v − 1 exists for every v, −v does not.
void negate(Channel channel, int bits) {
  const std::int32_t lowest = -(1 << (bits - 1));
  const bool whole = channel.zero_point == lowest || std::ranges::find(channel.values, lowest) != channel.values.end();
  for (std::int8_t& v : channel.values) v = static_cast<std::int8_t>(whole ? ~v : -v);
  channel.zero_point = whole ? -1 - channel.zero_point : -channel.zero_point;
}

std::int64_t magnitude(Channel channel) {
  std::int64_t sum = 0;
  for (const std::int8_t v : channel.values) sum += std::abs(v - channel.zero_point);
  return sum;
}

// Products with several scales within a channel cannot be added up as integers.
Integers channel_integers(const nn::GraphNode& node, const WeightSource& from) {
  Integers integers = weight_integers(node);
  const QParams& grid = integers.params;
  if (grid.granularity == Granularity::kGroup &&
      grid.scale.size() != static_cast<std::size_t>(from.weight.shape()[0])) {
    refuse_weight(node, from,
                  "has several scales within a channel, whose products cannot be added up as integers (dynamic "
                  "quantization adds them up as floats)");
  }
  return integers;
}

}  // namespace

WeightSource weight_source(const nn::GraphNode& node) {
  if (const auto* linear = std::get_if<nn::graph::Linear>(&node.operation)) {
    return {linear->weight, linear->bias, *linear->weight_site};
  }
  const auto& conv = std::get<nn::graph::Conv2d>(node.operation);
  return {conv.weight, conv.bias, *conv.weight_site};
}

Integers weight_integers(const nn::GraphNode& node) {
  const WeightSource from = weight_source(node);
  const SiteQuantizer* transform = quantizer_of(from.site);
  if (transform == nullptr)
    refuse(node, fmt::format("its weight is not quantized: no rule takes \"{}\"", from.site.name));
  const Quantizer& quantizer = transform->quantizer();
  if (!quantizer.ready())
    refuse_weight(node, from, "its quantizer has no range yet; train or calibrate the model first");
  const std::optional<QParams> grid = quantizer.params();
  if (!grid) refuse_weight(node, from, "its quantizer gives no integers times a scale");
  if (grid->bits > 8)
    refuse_weight(node, from, fmt::format("integer products take weights of 2 to 8 bits, not of {}", grid->bits));
  return transform->integers(from.weight.value());
}

LoweredWeight lower_weight(const nn::GraphNode& node, const nn::graph::BatchNorm* norm, const WeightInput& input) {
  const WeightSource from = weight_source(node);
  const Integers integers = channel_integers(node, from);
  const bool folded = quantizer_of(from.site)->folded().has_value();
  const QParams& grid = integers.params;
  const core::Shape& shape = from.weight.shape();
  const auto channels = static_cast<std::size_t>(shape[0]);
  const std::size_t row = integers.values.size() / channels;
  const Tensor factor = norm == nullptr ? Tensor::full({shape[0]}, 1) : fold_factor(*norm);
  const Tensor unrounded =
      norm == nullptr ? Tensor() : folded_bias(*norm, from.bias.empty() ? Tensor() : from.bias.value());
  const std::int32_t offset = grid.is_signed ? 0 : 1 << (grid.bits - 1);

  LoweredWeight result;
  result.weight = {.shape = shape, .bits = grid.bits, .values = {}, .zero_points = std::vector<std::int32_t>(channels)};
  for (const std::int32_t q : integers.values) result.weight.values.push_back(static_cast<std::int8_t>(q - offset));
  for (std::size_t c = 0; c < channels; ++c) {
    const std::size_t slot = grid.scale.size() == 1 ? 0 : c;
    const Channel channel{std::span(result.weight.values).subspan(c * row, row), result.weight.zero_points[c]};
    channel.zero_point = grid.zero_point[slot] - offset;
    const auto f = static_cast<double>(factor.values()[c]);
    double scale = input.scale * static_cast<double>(grid.scale[slot]);
    if (f == 0) {
      std::ranges::fill(channel.values, static_cast<std::int8_t>(channel.zero_point));  // the channel is constant
    } else if (!folded) {
      scale *= std::abs(f);
      if (f < 0) negate(channel, grid.bits);
    }
    result.scale.push_back(scale);

    const std::int64_t reach = magnitude(channel) * input.reach;
    if (reach > kLargestAccumulator) {
      refuse(node, fmt::format("output {}: {} products with inputs of up to {} could add up to {}, beyond the int32 of "
                               "an accumulator (use fewer bits)",
                               c, row, input.reach, reach));
    }
    const double bias = norm != nullptr     ? static_cast<double>(unrounded.values()[c])
                        : from.bias.empty() ? 0.0
                                            : static_cast<double>(from.bias.value().values()[c]);
    result.bias.push_back(integer_bias(node, bias, scale, kLargestAccumulator - reach, result.saturated));
    result.reach = std::max(result.reach, reach + std::abs(std::int64_t{result.bias.back()}));
  }
  const auto zero = [](std::int32_t z) { return z == 0; };
  if (std::ranges::all_of(result.weight.zero_points, zero)) result.weight.zero_points.clear();
  if (std::ranges::all_of(result.scale, [&](double s) { return s == result.scale[0]; })) result.scale.resize(1);
  return result;
}

}  // namespace tempera::quant
