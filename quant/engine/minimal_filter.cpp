#include "tempera/quant/engine/minimal_filter.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "tempera/core/integers.hpp"
#include "tempera/quant/engine/conv_rows.hpp"

namespace tempera::quant::engine {
namespace {

// G of core/kernels/int_filters.ipp, each row times what makes D the same for all: [position][tap].
constexpr std::array<std::array<std::int32_t, 3>, 6> kThree{
    {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4}, {1, 2, 4}, {1, -2, 4}, {0, 0, 8}}};
constexpr std::array<std::array<std::int32_t, 5>, 8> kFive{{{-90, 0, 0, 0, 0},
                                                            {-20, -20, -20, -20, -20},
                                                            {-20, 20, -20, 20, -20},
                                                            {1, 2, 4, 8, 16},
                                                            {1, -2, 4, -8, 16},
                                                            {16, 8, 4, 2, 1},
                                                            {16, -8, 4, -2, 1},
                                                            {0, 0, 0, 0, 90}}};
constexpr std::int64_t kDivisor[] = {576, 360};        // D, by MinimalFilter
constexpr std::int64_t kReach[] = {1 << 25, 1 << 28};  // sums lie below
// Σ of the positive and of the negative entries of each row of B.
struct Weights {
  std::int64_t positive, negative;
};
constexpr std::array<Weights, 6> kThreeInputs{{{5, 5}, {2, 8}, {5, 5}, {3, 3}, {3, 3}, {5, 5}}};
constexpr std::array<Weights, 8> kFiveInputs{
    {{25, 25}, {16, 34}, {25, 25}, {15, 15}, {15, 15}, {15, 15}, {15, 15}, {25, 25}}};

struct Range {
  std::int64_t low, high;
  [[nodiscard]] Range times(const Weights& w) const {
    return {w.positive * low - w.negative * high, w.positive * high - w.negative * low};
  }
  [[nodiscard]] bool fits_int16() const { return low >= -32768 && high <= 32767; }
};

bool inputs_fit(const FilterShape& shape, Range values) {
  if (!shape.both()) {
    return std::ranges::all_of(kFiveInputs, [&](const Weights& w) { return values.times(w).fits_int16(); });
  }
  return std::ranges::all_of(kThreeInputs, [&](const Weights& down) {
    return std::ranges::all_of(kThreeInputs,
                               [&](const Weights& w) { return values.times(down).times(w).fits_int16(); });
  });
}

// Σ |w|·|value| + |bias| of every output stays in reach.
bool sums_fit(const FilterShape& shape, const WeightRows& rows, const std::vector<std::int32_t>& bias, Range values) {
  const std::int64_t largest = std::max(-values.low, values.high), size = rows.segments * rows.length;
  for (std::int64_t o = 0; o < rows.out; ++o) {
    std::int64_t reach = std::abs(std::int64_t{bias[static_cast<std::size_t>(o)]});
    for (std::int64_t i = 0; i < size; ++i) {
      reach += largest * std::abs(int{rows.values[static_cast<std::size_t>(o * size + i)]});
    }
    if (reach >= kReach[static_cast<int>(shape.filter)]) return false;
  }
  return true;
}

// The transformed weights of a position; `values` [out][kh][kw][c].
std::optional<WeightRows> transformed(const FilterShape& shape, const WeightRows& rows, std::int64_t channels,
                                      std::int64_t position) {
  const std::int64_t k = shape.taps, lines = shape.both() ? 1 : k;
  WeightRows result{.out = rows.out, .segments = lines, .length = channels, .values = {}};
  for (std::int64_t o = 0; o < rows.out; ++o) {
    const std::int16_t* filter = rows.values.data() + o * k * k * channels;
    for (std::int64_t line = 0; line < lines; ++line) {
      for (std::int64_t c = 0; c < channels; ++c) {
        std::int64_t sum = 0;
        for (std::int64_t y = 0; y < (shape.both() ? k : 1); ++y) {
          for (std::int64_t x = 0; x < k; ++x) {
            const auto p = static_cast<std::size_t>(position), at = static_cast<std::size_t>(x);
            const std::int64_t g =
                shape.both() ? kThree[p / 6][static_cast<std::size_t>(y)] * kThree[p % 6][at] : kFive[p][at];
            sum += g * filter[((line + y) * k + x) * channels + c];
          }
        }
        if (!Range{sum, sum}.fits_int16()) return std::nullopt;
        result.values.push_back(static_cast<std::int16_t>(sum));
      }
    }
  }
  return result;
}

}  // namespace

std::optional<FilterShape> filter_shape(const program::Conv2d& layer) {
  const core::Shape& w = layer.weight.shape;
  const std::array<std::int64_t, 2> ones{1, 1};
  if (layer.groups != 1 || layer.stride != ones || layer.dilation != ones || w[2] != w[3]) return std::nullopt;
  if (w[2] == 3) return FilterShape{};
  if (w[2] == 5) return FilterShape{.filter = core::MinimalFilter::kFive, .taps = 5, .positions = 8, .rows = 2};
  return std::nullopt;
}

std::optional<MinimalWeights> minimal_weights(const program::Conv2d& layer, const FilterShape& shape,
                                              const Place& input, const ProgramBuffer& buffer, std::int64_t columns) {
  const WeightRows rows = rows_of(layer, 0, true);
  const Range values{std::min(buffer.low, buffer.zero_point) - input.offset,
                     std::max(buffer.high, buffer.zero_point) - input.offset};  // a border is the zero point
  std::vector<std::int32_t> bias = rows.corrected(layer.bias, input.offset - input.zero_point);
  if (!inputs_fit(shape, values) || !sums_fit(shape, rows, bias, values)) return std::nullopt;
  MinimalWeights result{.values = {}, .positions = shape.positions, .bias = {}};
  for (std::int64_t p = 0; p < shape.positions; ++p) {
    const std::optional<WeightRows> at = transformed(shape, rows, layer.weight.shape[1], p);
    if (!at) return std::nullopt;
    const Panels<std::int16_t> panels = pack<std::int16_t>(*at, columns, 2);
    result.segments = panels.segments;
    result.steps = panels.steps;
    result.size = panels.size();
    result.values.resize(static_cast<std::size_t>(panels.count * shape.positions * result.size));
    for (std::int64_t i = 0; i < panels.count; ++i) {
      std::copy_n(panels.panel(i), result.size, result.values.begin() + (i * shape.positions + p) * result.size);
    }
  }
  // Modulo 2^32, as all that is divided.
  for (std::int32_t& b : bias) {
    b = static_cast<std::int32_t>(static_cast<std::uint32_t>(b) *
                                  static_cast<std::uint32_t>(kDivisor[static_cast<int>(shape.filter)]));
  }
  bias.resize(static_cast<std::size_t>(core::round_up(rows.out, columns)));
  result.bias = std::move(bias);
  return result;
}

}  // namespace tempera::quant::engine
