// Sums at which kernels saturate or overflow that are not made for them: products of bytes are up to 255·127, two of which do
// not fit the int16 that vpmaddubsw adds them in. Oracle: closed forms.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "tempera/core/tensor.hpp"
#include "tempera/quant/engine.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

struct Grid {
  Cell cell;
  int bits;
  std::int32_t low, high, zero_point;
};
constexpr Grid kU8{Cell::kU8, 8, 0, 255, 0}, kU8Top{Cell::kU8, 8, 0, 255, 255}, kS8{Cell::kS8, 8, -128, 127, 0},
    kS8Top{Cell::kS8, 8, -128, 127, 127}, kU16{Cell::kU16, 16, 0, 65535, 0}, kU16Top{Cell::kU16, 16, 0, 65535, 65535},
    kS16{Cell::kS16, 16, -32768, 32767, 0}, kS16Top{Cell::kS16, 16, -32768, 32767, 32767};

// A constant input q, constant weights, and the accumulators themselves as the result.
struct Constant {
  Grid grid;
  std::int32_t q, weight, weight_zero;

  [[nodiscard]] std::int64_t product() const {
    return std::int64_t{q - grid.zero_point} * std::int64_t{weight - weight_zero};
  }
  // What check() has to assume of a product: the input may be at the other end of its range.
  [[nodiscard]] std::int64_t bound() const {
    const std::int64_t reach = std::max(grid.high - grid.zero_point, grid.zero_point - grid.low);
    return reach * std::abs(weight - weight_zero);
  }
  // Samples of `input` come as their real values q − zero point.
  [[nodiscard]] Program begin(const core::Shape& input) const {
    Program p{.buffers = {{.site = "x",
                           .shape = input,
                           .cell = grid.cell,
                           .bits = grid.bits,
                           .low = grid.low,
                           .high = grid.high,
                           .zero_point = grid.zero_point}},
              .instructions = {},
              .input = input,
              .metadata = {}};
    const QParams params{
        .bits = grid.bits, .qmin = grid.low, .qmax = grid.high, .scale = {1}, .zero_point = {grid.zero_point}};
    p.instructions.push_back({program::Quantize{params}, "input", {}, 0});
    return p;
  }
  [[nodiscard]] ProgramWeight weights(const core::Shape& shape) const {
    const auto out = static_cast<std::size_t>(shape[0]);
    return {
        .shape = shape,
        .bits = 8,
        .values = std::vector<std::int8_t>(static_cast<std::size_t>(shape.numel()), static_cast<std::int8_t>(weight)),
        .zero_points = weight_zero == 0 ? std::vector<std::int32_t>{} : std::vector<std::int32_t>(out, weight_zero)};
  }
  [[nodiscard]] core::Tensor samples(const core::Shape& input, std::int64_t batch) const {
    return core::Tensor::full(input.with_batch(batch), static_cast<Scalar>(q - grid.zero_point));
  }
};

const std::vector<Constant> kConstants{
    {kU8, 255, 127, 0},       {kU8, 255, -128, 0},    {kU8, 255, 127, -128},     {kU8, 255, -128, 127},
    {kU8Top, 0, -128, 0},     {kU8Top, 0, 127, -128}, {kS8, -128, -128, 0},      {kS8, 127, 127, 0},
    {kS8, -128, 127, -128},   {kS8Top, -128, 127, 0}, {kS8Top, -128, -128, 127}, {kU16, 65535, 127, 0},
    {kU16, 65535, -128, 127}, {kU16Top, 0, -128, 0},  {kS16, -32768, -128, 0},   {kS16Top, -32768, 127, -128}};

constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();

void check_all(const Program& p, const core::Tensor& x, std::int64_t expected) {
  Engine engine(p);
  const auto equal = [expected](std::int32_t y) { return y == expected; };
  CHECK(std::ranges::all_of(engine.run(x), equal));
  CHECK(std::ranges::all_of(run_reference(p, x).values, equal));
}

}  // namespace

TEST_CASE("linear layers of extreme bytes give the exact sum at every length up to the end of int32") {
  for (const Constant& c : kConstants) {
    CAPTURE(c.q);
    CAPTURE(c.weight);
    CAPTURE(c.weight_zero);
    const std::int64_t most = kLargest / c.bound();
    for (std::int64_t k : {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 127, 1000, 1 << 20}) {
      k = std::min(k, most);
      CAPTURE(k);
      for (const std::int64_t out : {1, 9, 33}) {
        // The bias brings the bound to the very end of what is allowed.
        const std::int64_t rest = kLargest - k * c.bound();
        const auto bias = static_cast<std::int32_t>(c.product() < 0 ? -rest : rest);
        Program p = c.begin({k});
        p.buffers.push_back({.site = "acc", .shape = {out}, .cell = Cell::kS32, .bits = 32});
        p.instructions.push_back(
            {program::Linear{.weight = c.weights({out, k}),
                             .bias = std::vector<std::int32_t>(static_cast<std::size_t>(out), bias),
                             .requant = {}},
             "fc",
             {0},
             1});
        for (const std::int64_t batch : {1, 5, 17}) {
          if (k > 1000 && batch + out > 18) continue;  // long enough already
          check_all(p, c.samples({k}, batch), k * c.product() + bias);
        }
      }
    }
  }
}

TEST_CASE("convolutions of extreme bytes give the exact sum, whole, in groups and by channel") {
  struct Extents {
    std::int64_t in, out, groups;
  };
  for (const Constant& c : kConstants) {
    CAPTURE(c.q);
    CAPTURE(c.weight);
    CAPTURE(c.weight_zero);
    for (const Extents e :
         {Extents{1, 3, 1}, Extents{5, 9, 1}, Extents{6, 4, 2}, Extents{7, 7, 7}, Extents{17, 17, 17}}) {
      CAPTURE(e.groups);
      const std::int64_t k = e.in / e.groups * 9;
      Program p = c.begin({e.in, 4, 5});
      p.buffers.push_back({.site = "acc", .shape = {e.out, 2, 3}, .cell = Cell::kS32, .bits = 32});
      p.instructions.push_back({program::Conv2d{.weight = c.weights({e.out, e.in / e.groups, 3, 3}),
                                                .bias = std::vector<std::int32_t>(static_cast<std::size_t>(e.out), -77),
                                                .stride = {1, 1},
                                                .padding = {0, 0},
                                                .dilation = {1, 1},
                                                .groups = e.groups,
                                                .requant = {}},
                                "conv",
                                {0},
                                1});
      check_all(p, c.samples({e.in, 4, 5}, 2), k * c.product() - 77);
    }
  }
}
