#include "tempera/quant/exact_operations.hpp"

#include <algorithm>
#include <cstdlib>

#include "tempera/quant/thresholds.hpp"

namespace tempera::quant {
namespace {

using Values = ExactValue::Values;

std::vector<double> scales_of(const ExactValue& x) {
  std::vector<double> scales;
  for (std::size_t i = 0; i < static_cast<std::size_t>(x.shape.numel()); ++i) scales.push_back(x.scale_at(i));
  return scales;
}

// The staircase as it stands: real numbers against real thresholds.
Values stepped(const ExactValue& x, const QParams& grid, IntegerRange kept) {
  const std::int32_t from = x.zero_point();
  return mapped(x, [&](std::int32_t q, std::size_t i) {
    std::int32_t y = grid.qmin;
    for (const float t : grid.thresholds) y += reaches(q - from, x.scale_at(i), static_cast<double>(t)) ? 1 : 0;
    return std::clamp(y, kept.low, kept.high);
  });
}

}  // namespace

Values requantized(const std::string& label, const ExactValue& x, const QParams& grid, IntegerRange kept,
                   RequantMode mode) {
  if (!grid.thresholds.empty()) return stepped(x, grid, kept);
  std::vector<Multiplier> m;
  try {
    for (const double s : scales_of(x)) m.push_back(multiplier_of(s / static_cast<double>(grid.scale[0])));
  } catch (const core::UnsupportedError& error) {
    throw core::UnsupportedError(label, error.what());
  }
  const std::int32_t from = x.zero_point(), to = grid.zero_point[0];
  return mapped(x, [&](std::int32_t q, std::size_t i) {
    const std::int64_t scaled = std::int64_t{requantize(q - from, m[i], mode)} + to;
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(scaled, kept.low, kept.high));
  });
}

Values exact_sum(const std::string& label, const ExactValue& a, const ExactValue& b, const QParams& grid,
                 IntegerRange kept) {
  const AddMultipliers m = add_multipliers(label, scales_of(a), scales_of(b), static_cast<double>(grid.scale[0]));
  const std::int64_t unit = std::int64_t{1} << m.shift;
  std::vector<std::int32_t> y(a.q->size());
  for (std::size_t at = 0; at < y.size(); ++at) {
    const std::size_t i = at % m.a.size();
    const std::int64_t sum = ((*a.q)[at] - a.zero_point()) * m.a[i] + ((*b.q)[at] - b.zero_point()) * m.b[i];
    // Half away from zero: the quotient rounds towards zero, and what is left decides.
    std::int64_t rounded = sum / unit;
    const std::int64_t left = std::abs(sum % unit);
    if (left >= unit - left) rounded += sum < 0 ? -1 : 1;
    y[at] = static_cast<std::int32_t>(std::clamp<std::int64_t>(rounded + grid.zero_point[0], kept.low, kept.high));
  }
  return exact_values(std::move(y));
}

Values side_by_side(std::span<const Values> parts, std::int64_t images) {
  std::vector<std::int32_t> y;
  for (std::int64_t image = 0; image < images; ++image) {
    for (const Values& part : parts) {
      const auto each = static_cast<std::ptrdiff_t>(part->size()) / images;
      y.insert(y.end(), part->begin() + image * each, part->begin() + (image + 1) * each);
    }
  }
  return exact_values(std::move(y));
}

ExactValue pooled(const ExactValue& x, const core::Shape& result, const core::Pool2dOptions& o, const Pooling& fn) {
  const std::int64_t rows = result.rank() == 1 ? 1 : result[1], width = result.rank() == 1 ? 1 : result[2];
  const std::int64_t step_y = o.stride[0] == 0 ? o.size[0] : o.stride[0];
  const std::int64_t step_x = o.stride[1] == 0 ? o.size[1] : o.stride[1];
  const std::int64_t images = static_cast<std::int64_t>(x.q->size()) / x.shape.numel();
  std::vector<std::int32_t> q(static_cast<std::size_t>(images * result.numel()));
  for_images(images, [&](std::int64_t image) {
    std::vector<std::int32_t> cells;
    for (std::int64_t i = 0; i < result.numel(); ++i) {
      const std::int64_t plane = (image * x.shape[0] + i / (rows * width)) * x.shape[1];
      const std::int64_t top = i / width % rows * step_y - o.padding[0], left = i % width * step_x - o.padding[1];
      cells.clear();
      for (std::int64_t r = std::max<std::int64_t>(top, 0); r < std::min(top + o.size[0], x.shape[1]); ++r) {
        for (std::int64_t c = std::max<std::int64_t>(left, 0); c < std::min(left + o.size[1], x.shape[2]); ++c) {
          cells.push_back((*x.q)[static_cast<std::size_t>((plane + r) * x.shape[2] + c)]);
        }
      }
      q[static_cast<std::size_t>(image * result.numel() + i)] = fn(cells);
    }
  });
  ExactValue y = x;
  y.shape = result;
  y.q = exact_values(std::move(q));
  if (x.kind != ExactValue::Kind::kSums) return y;
  y.scale.clear();
  for (std::int64_t i = 0; i < result.numel(); ++i) {
    y.scale.push_back(x.scale[static_cast<std::size_t>(i / (rows * width) * x.shape[1] * x.shape[2])]);
  }
  return y;
}

}  // namespace tempera::quant
