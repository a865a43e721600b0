// Values that lie as bytes from layer to layer (quant/engine/byte_places.cpp), and convolutions that read them in place.
// Oracle: the reference, one value at a time.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tempera/core/kernels/int_table.hpp"
#include "tempera/core/tensor.hpp"
#include "tempera/quant/engine.hpp"
#include "tempera/quant/engine/conv_rows.hpp"
#include "tempera/quant/engine/step.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

struct ByteGrid {
  std::int32_t low, high, zero_point;
};
const std::vector<ByteGrid> kByteGrids{{0, 255, 0},      {0, 255, 77},   {0, 255, 255}, {-128, 127, 0}, {-128, 127, 5},
                                       {-128, 127, 127}, {-127, 127, 0}, {0, 15, 3},    {-8, 7, -8}};

struct ByteFilter {
  std::int64_t out, kernel, padding = 0, stride = 1, dilation = 1, groups = 1;
};

// A program that grows layer by layer; all values are of one grid.
class ByteChain {
 public:
  ByteChain(const core::Shape& input, const ByteGrid& grid, unsigned seed) : grid_(grid), random_(seed) {
    program_.input = input;
    const QParams params{.bits = 8, .qmin = grid.low, .qmax = grid.high, .scale = {1}, .zero_point = {grid.zero_point}};
    append(program::Quantize{params}, input, false);
  }

  ByteChain& conv(const ByteFilter& f) {
    const core::Shape& in = shape();
    const auto extent = [&f](std::int64_t n) {
      return (n + 2 * f.padding - f.dilation * (f.kernel - 1) - 1) / f.stride + 1;
    };
    const core::Shape output{f.out, extent(in[1]), extent(in[2])};
    append(program::Conv2d{.weight = weights({f.out, in[0] / f.groups, f.kernel, f.kernel}),
                           .bias = biases(f.out),
                           .stride = {f.stride, f.stride},
                           .padding = {f.padding, f.padding},
                           .dilation = {f.dilation, f.dilation},
                           .groups = f.groups,
                           .requant = requant(f.out, in[0] / f.groups * f.kernel * f.kernel)},
           output, false);
    return *this;
  }
  ByteChain& pool() {
    const core::Shape in = shape();
    append(program::MaxPool2d{{2, 2}, {2, 2}, {0, 0}}, {in[0], in[1] / 2, in[2] / 2}, false);
    return *this;
  }
  ByteChain& flatten() {
    append(program::Reshape{}, {shape().numel()}, false);
    return *this;
  }
  ByteChain& linear(std::int64_t out, bool last = false) {
    const std::int64_t in = shape()[0];
    program::Linear layer{.weight = weights({out, in}), .bias = biases(out), .requant = {}};
    if (!last) layer.requant = requant(out, in);
    append(layer, {out}, last);
    return *this;
  }
  ByteChain& reshaped(const ByteGrid& grid) {  // the same integers, of which the new grid may have more
    grid_ = grid;
    append(program::Reshape{}, shape(), false);
    return *this;
  }
  // Of the layers to come.
  ByteChain& rounding(RequantMode mode) {
    mode_ = mode;
    return *this;
  }
  ByteChain& shifted_weights() {
    shifted_ = true;
    return *this;
  }
  ByteChain& doubled() {  // x + x
    const int x = last_buffer();
    append(program::Add{{1 << 20}, {1 << 20}, 21, grid_.zero_point, grid_.low, grid_.high}, shape(), false);
    program_.instructions.back().inputs = {x, x};
    return *this;
  }

  [[nodiscard]] const Program& program() const { return program_; }
  [[nodiscard]] core::Tensor samples(std::int64_t batch) {
    core::Tensor x(program_.input.with_batch(batch));
    const auto values = static_cast<std::uint32_t>(grid_.high - grid_.low + 1);
    for (Scalar& v : x.mutable_values()) {
      const std::int32_t q =
          random_() % 3 == 0 ? grid_.zero_point : grid_.low + static_cast<std::int32_t>(random_() % values);
      v = static_cast<Scalar>(q - grid_.zero_point);
    }
    return x;
  }

 private:
  [[nodiscard]] int last_buffer() const { return static_cast<int>(program_.buffers.size()) - 1; }
  [[nodiscard]] const core::Shape& shape() const { return program_.buffers.back().shape; }

  void append(program::Operation operation, const core::Shape& output, bool wide) {
    ProgramBuffer buffer{.site = "b" + std::to_string(program_.buffers.size()), .shape = output};
    if (wide) {
      buffer.cell = Cell::kS32;
      buffer.bits = 32;
    } else {
      buffer.cell = grid_.low < 0 ? Cell::kS8 : Cell::kU8;
      buffer.bits = 8;
      buffer.low = grid_.low;
      buffer.high = grid_.high;
      buffer.zero_point = grid_.zero_point;
    }
    const std::vector<int> inputs = program_.buffers.empty() ? std::vector<int>{} : std::vector<int>{last_buffer()};
    program_.buffers.push_back(buffer);
    program_.instructions.push_back({std::move(operation), buffer.site, inputs, last_buffer()});
  }
  [[nodiscard]] ProgramWeight weights(const core::Shape& shape) {
    ProgramWeight w{.shape = shape, .bits = 8, .values = {}, .zero_points = {}};
    for (std::int64_t i = shape.numel(); i > 0; --i) w.values.push_back(static_cast<std::int8_t>(random_()));
    if (shifted_) {
      for (std::int64_t o = 0; o < shape[0]; ++o) w.zero_points.push_back(static_cast<std::int32_t>(o % 3) - 1);
      for (std::int8_t& v : w.values) v = static_cast<std::int8_t>(v / 2);  // less the zero point they stay bytes
    }
    return w;
  }
  [[nodiscard]] std::vector<std::int32_t> biases(std::int64_t n) {
    std::vector<std::int32_t> bias(static_cast<std::size_t>(n));
    for (std::int32_t& b : bias) b = static_cast<std::int32_t>(random_() % 20001) - 10000;
    return bias;
  }
  // Of sums of `terms` products, so that results are spread over the grid and beyond.
  [[nodiscard]] Requant requant(std::int64_t out, std::int64_t terms) {
    Requant r{.multipliers = {}, .mode = mode_, .zero_point = grid_.zero_point, .low = grid_.low, .high = grid_.high};
    for (std::int64_t o = 0; o < out; ++o) {
      const double spread = 74 * std::sqrt(static_cast<double>(terms));
      r.multipliers.push_back(multiplier_of(static_cast<double>(1 + random_() % 3) / 2 / spread));
    }
    return r;
  }

  ByteGrid grid_;
  RequantMode mode_ = RequantMode::kSingle;
  bool shifted_ = false;
  std::mt19937 random_;
  Program program_;
};

void check_chain(const Program& p, const core::Tensor& x) {
  check(p);
  Engine engine(p);
  const IntTensor expected = run_reference(p, x);
  CHECK(std::ranges::equal(engine.run(x), expected.values));
  CHECK(engine.run(x, Watch{}).values == expected.values);
}

// Of every buffer, whether it lies as bytes.
std::vector<bool> byte_places_of(const Program& p) {
  std::vector<bool> bytes;
  for (const engine::Place& place : engine::lay_out(p).places) bytes.push_back(place.bytes);
  return bytes;
}

}  // namespace

TEST_CASE("layers that hand bytes to each other give the reference's integers, wherever the zero point is") {
  unsigned seed = 1;
  for (const ByteGrid& grid : kByteGrids) {
    CAPTURE(grid.low);
    CAPTURE(grid.zero_point);
    ByteChain net({3, 10, 10}, grid, ++seed);
    net.conv({40, 3, 1}).pool().conv({70, 3, 1}).flatten().linear(33).linear(10, true);
    for (const std::int64_t batch : {1, 3, 4, 131}) {
      CAPTURE(batch);
      check_chain(net.program(), net.samples(batch));
    }
  }
}

TEST_CASE(
    "convolutions of bytes give the reference's integers with borders, steps, gaps, groups and pools, at every width") {
  unsigned seed = 100;
  const std::vector<ByteFilter> filters{{64, 3},          {64, 3, 1},          {33, 3, 2}, {64, 3, 1, 2},
                                        {40, 3, 0, 1, 2}, {64, 3, 1, 1, 1, 2}, {64, 1},    {70, 2}};
  for (const std::int64_t width : {4, 9, 26, 62, 66, 131}) {
    for (const ByteFilter& filter : filters) {
      if (filter.dilation * (filter.kernel - 1) >= width + 2 * filter.padding) continue;
      for (const bool pool : {false, true}) {
        CAPTURE(width);
        CAPTURE(seed);
        const ByteGrid& grid = kByteGrids[seed % kByteGrids.size()];
        ByteChain net({32, width == 26 ? 26 : 7, width}, grid, ++seed);
        net.conv(filter);
        if (pool && width > 8) net.pool();
        net.flatten().linear(9, true);
        check_chain(net.program(), net.samples(2));
      }
    }
  }
}

TEST_CASE("what only products of bytes read lies as bytes, and what another instruction reads does not") {
  const bool has_bytes = core::int_kernels().dot_quads != nullptr;
  ByteChain net({32, 8, 8}, kByteGrids[1], 7);
  // Minimal filtering takes int16, but leaves filters of 1 × 1 alone.
  net.conv({32, 1}).conv({64, 1}).pool().flatten().linear(40).linear(10, true);
  std::vector<bool> expected(7, has_bytes);
  expected.back() = false;
  CHECK(byte_places_of(net.program()) == expected);
  check_chain(net.program(), net.samples(5));
  ByteChain residual({200}, kByteGrids[1], 8);
  residual.linear(50).doubled().linear(10, true);
  CHECK(byte_places_of(residual.program()) == std::vector<bool>{has_bytes, false, false, false});
  check_chain(residual.program(), residual.samples(70));
}

TEST_CASE("bytes keep their meaning through a reshape to another cell, which counts from another least value") {
  for (const std::int64_t batch : {1, 5, 70}) {
    ByteChain net({40}, {0, 127, 0}, 12);
    const core::Tensor x = net.samples(batch);
    Program p = net.reshaped({0, 255, 0}).linear(9).linear(10, true).program();
    p.buffers[0].cell = Cell::kS8;  // [0, 127] fits both
    check_chain(p, x);
  }
}

TEST_CASE("layers whose rounding has no kernel hand on what the reference has, as do weights with zero points") {
  for (const RequantMode mode : {RequantMode::kSingle, RequantMode::kGemmlowpDouble, RequantMode::kFloat32}) {
    ByteChain net({32, 8, 8}, kByteGrids[1], 13);
    net.shifted_weights().rounding(mode).conv({40, 1}).pool().conv({33, 1}).flatten().linear(40).linear(10, true);
    const std::vector<bool> bytes = byte_places_of(net.program());
    const bool by_kernel = mode == RequantMode::kSingle && core::int_kernels().dot_quads != nullptr;
    CHECK(bytes[1] == by_kernel);
    for (const std::int64_t batch : {1, 6}) check_chain(net.program(), net.samples(batch));
  }
}

TEST_CASE("large images of many channels are read in place where many steps are taken at once, to the same integers") {
  ByteChain net({32, 26, 26}, kByteGrids[0], 9);
  net.conv({64, 3});
  const Program& p = net.program();
  const engine::Layout layout = engine::lay_out(p);
  CHECK(engine::takes_lines({p, p.instructions[1], layout}, std::get<program::Conv2d>(p.instructions[1].operation)) ==
        (core::int_kernels().quad_depth > 1));
  check_chain(p, net.samples(2));
}
