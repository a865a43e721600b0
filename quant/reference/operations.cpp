#include "tempera/quant/reference/operations.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "tempera/quant/program_shapes.hpp"

namespace tempera::quant::reference {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

// The accumulator of a channel, and what becomes of it. It fits int32: check() has proved that.
std::int32_t finish(std::int64_t accumulator, const std::optional<Requant>& requant, std::int64_t channel) {
  const auto narrow = static_cast<std::int32_t>(accumulator);
  return requant ? apply(*requant, narrow, channel) : narrow;
}

// Calls cell(iy, ix) for the cells of window (oy, ox) that lie inside the image.
template <class Pool, class Cell>
void over_window(const Pool& pool, const core::Shape& image, std::int64_t oy, std::int64_t ox, const Cell& cell) {
  for (std::int64_t ky = 0; ky < pool.size[0]; ++ky) {
    for (std::int64_t kx = 0; kx < pool.size[1]; ++kx) {
      const std::int64_t iy = oy * pool.stride[0] - pool.padding[0] + ky;
      const std::int64_t ix = ox * pool.stride[1] - pool.padding[1] + kx;
      if (iy >= 0 && iy < image[1] && ix >= 0 && ix < image[2]) cell(iy, ix);
    }
  }
}

}  // namespace

std::int64_t divide(std::int64_t numerator, std::int64_t denominator, Rounding rounding) noexcept {
  std::int64_t below = numerator / denominator;
  if (numerator % denominator < 0) --below;
  const std::int64_t twice = 2 * (numerator - below * denominator);  // of the remainder, in [0, 2·denominator)
  switch (rounding) {
    case Rounding::kFloor:
      return below;
    case Rounding::kHalfUp:
      return twice >= denominator ? below + 1 : below;
    case Rounding::kHalfAway:
      return twice > denominator || (twice == denominator && numerator > 0) ? below + 1 : below;
    case Rounding::kHalfEven:
    case Rounding::kStochastic:
      break;
  }
  return twice > denominator || (twice == denominator && below % 2 != 0) ? below + 1 : below;
}

std::int32_t apply(const Requant& requant, std::int32_t accumulator, std::int64_t channel) noexcept {
  if (requant.thresholds) {
    return requant.low + reached(*requant.thresholds, requant.steps(), accumulator, channel);
  }
  const Multiplier& m = of_channel(requant.multipliers, channel);
  const std::int64_t q = std::int64_t{requantize(accumulator, m, requant.mode)} + requant.zero_point;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(q, requant.low, requant.high));
}

Values linear(const program::Linear& layer, const Input& x) {
  const std::int64_t out = layer.weight.shape[0], in = layer.weight.shape[1];
  Values y(at(out));
  for (std::int64_t o = 0; o < out; ++o) {
    const std::int32_t zero = layer.weight.zero_points.empty() ? 0 : layer.weight.zero_points[at(o)];
    std::int64_t sum = layer.bias[at(o)];
    for (std::int64_t i = 0; i < in; ++i) {
      sum += std::int64_t{x.values[at(i)] - x.buffer.zero_point} * (layer.weight.values[at(o * in + i)] - zero);
    }
    y[at(o)] = finish(sum, layer.requant, o);
  }
  return y;
}

Values conv2d(const program::Conv2d& layer, const Input& x, const core::Shape& output) {
  const core::Shape &w = layer.weight.shape, &image = x.buffer.shape;
  const std::int64_t per_group = output[0] / layer.groups;
  Values y(at(output.numel()));
  std::size_t next = 0;
  for (std::int64_t o = 0; o < output[0]; ++o) {
    const std::int32_t zero = layer.weight.zero_points.empty() ? 0 : layer.weight.zero_points[at(o)];
    for (std::int64_t oy = 0; oy < output[1]; ++oy) {
      for (std::int64_t ox = 0; ox < output[2]; ++ox) {
        std::int64_t sum = layer.bias[at(o)];
        for (std::int64_t c = 0; c < w[1]; ++c) {
          const std::int64_t channel = o / per_group * w[1] + c;
          for (std::int64_t ky = 0; ky < w[2]; ++ky) {
            const std::int64_t iy = oy * layer.stride[0] - layer.padding[0] + ky * layer.dilation[0];
            if (iy < 0 || iy >= image[1]) continue;  // zero_x: adds nothing
            const std::int32_t* row = x.values.data() + (channel * image[1] + iy) * image[2];
            const std::int8_t* weights = layer.weight.values.data() + ((o * w[1] + c) * w[2] + ky) * w[3];
            for (std::int64_t kx = 0; kx < w[3]; ++kx) {
              const std::int64_t ix = ox * layer.stride[1] - layer.padding[1] + kx * layer.dilation[1];
              if (ix < 0 || ix >= image[2]) continue;
              sum += std::int64_t{row[ix] - x.buffer.zero_point} * (weights[kx] - zero);
            }
          }
        }
        y[next++] = finish(sum, layer.requant, o);
      }
    }
  }
  return y;
}

Values max_pool2d(const program::MaxPool2d& pool, const Input& x, const core::Shape& output) {
  const core::Shape& image = x.buffer.shape;
  Values y;
  for (std::int64_t c = 0; c < output[0]; ++c) {
    for (std::int64_t oy = 0; oy < output[1]; ++oy) {
      for (std::int64_t ox = 0; ox < output[2]; ++ox) {
        std::int32_t largest = std::numeric_limits<std::int32_t>::min();
        over_window(pool, image, oy, ox, [&](std::int64_t iy, std::int64_t ix) {
          largest = std::max(largest, x.values[at((c * image[1] + iy) * image[2] + ix)]);
        });
        y.push_back(largest);
      }
    }
  }
  return y;
}

Values avg_pool2d(const program::AvgPool2d& pool, const Input& x, const core::Shape& output) {
  const core::Shape& image = x.buffer.shape;
  Values y;
  for (std::int64_t c = 0; c < output[0]; ++c) {
    for (std::int64_t oy = 0; oy < output[1]; ++oy) {
      for (std::int64_t ox = 0; ox < output[2]; ++ox) {
        std::int64_t sum = 0, cells = 0;
        over_window(pool, image, oy, ox, [&](std::int64_t iy, std::int64_t ix) {
          sum += x.values[at((c * image[1] + iy) * image[2] + ix)] - x.buffer.zero_point;
          ++cells;
        });
        y.push_back(static_cast<std::int32_t>(divide(sum, cells, pool.rounding) + x.buffer.zero_point));
      }
    }
  }
  return y;
}

Values requantize_all(const Requant& requant, const Input& x) {
  const std::int64_t per_channel = x.buffer.shape.numel() / channels_of(x.buffer.shape);
  Values y(x.values.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] = apply(requant, x.values[i] - x.buffer.zero_point, static_cast<std::int64_t>(i) / per_channel);
  }
  return y;
}

Values add(const program::Add& sum, const Input& a, const Input& b) {
  const std::int64_t per_channel = a.buffer.shape.numel() / channels_of(a.buffer.shape);
  Values y(a.values.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::int64_t channel = static_cast<std::int64_t>(i) / per_channel;
    const std::int64_t of_a = (std::int64_t{a.values[i]} - a.buffer.zero_point) * of_channel(sum.multiplier_a, channel);
    const std::int64_t of_b = (std::int64_t{b.values[i]} - b.buffer.zero_point) * of_channel(sum.multiplier_b, channel);
    const std::int64_t rounded = divide(of_a + of_b, std::int64_t{1} << sum.shift, Rounding::kHalfAway);
    y[i] = static_cast<std::int32_t>(std::clamp<std::int64_t>(rounded + sum.zero_point, sum.low, sum.high));
  }
  return y;
}

}  // namespace tempera::quant::reference
