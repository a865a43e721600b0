// Operands that begin anywhere in a cache line, together, one at a time and each at an offset of its own. Oracle: the same
// operands from the beginning of a line, whose results the other tests hold to the definitions: all bits have to be equal,
// and nothing around the operands may change.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/support.hpp"
#include "tempera/core/gemm.hpp"
#include "tempera/core/kernels/int_table.hpp"
#include "tempera/core/kernels/table.hpp"

namespace tempera::test::offsets {
namespace {

using core::kernels;
using core::KernelTable;

constexpr std::size_t kLineBytes = 64;
constexpr unsigned char kAround = 0xA5;

// Values `offset` bytes behind the beginning of a cache line, among bytes that are to stay as they are.
template <class T>
class Placed {
 public:
  Placed(const std::vector<T>& values, std::size_t offset)
      : bytes_(values.size() * sizeof(T) + 4 * kLineBytes, kAround), count_(values.size()) {
    const auto address = std::bit_cast<std::uintptr_t>(bytes_.data());
    begin_ = kLineBytes + (kLineBytes - address % kLineBytes) % kLineBytes + offset;
    std::copy(values.begin(), values.end(), data());
  }
  [[nodiscard]] T* data() { return reinterpret_cast<T*>(bytes_.data() + begin_); }
  [[nodiscard]] std::vector<T> values() { return std::vector<T>(data(), data() + count_); }
  [[nodiscard]] bool is_alone() const {
    const auto untouched = [](unsigned char byte) { return byte == kAround; };
    const auto first = bytes_.begin() + static_cast<std::ptrdiff_t>(begin_);
    return std::all_of(bytes_.begin(), first, untouched) &&
           std::all_of(first + static_cast<std::ptrdiff_t>(count_ * sizeof(T)), bytes_.end(), untouched);
  }

 private:
  std::vector<unsigned char> bytes_;
  std::size_t count_, begin_ = 0;
};

using Operands = std::vector<std::vector<float>>;
using Pointers = std::vector<float*>;

// Bits of all operands after fn, which is given a pointer to each and may not write beside them.
template <class Fn>
std::vector<std::uint32_t> bits_after(const Operands& operands, const std::vector<std::size_t>& floats, const Fn& fn) {
  std::vector<Placed<float>> placed;
  for (std::size_t k = 0; k < operands.size(); ++k) placed.emplace_back(operands[k], floats[k] * sizeof(float));
  Pointers pointers;
  for (Placed<float>& p : placed) pointers.push_back(p.data());
  fn(pointers);
  std::vector<std::uint32_t> bits;
  for (Placed<float>& p : placed) {
    CHECK(p.is_alone());
    for (const float value : p.values()) bits.push_back(std::bit_cast<std::uint32_t>(value));
  }
  return bits;
}

template <class Fn>
void check_offsets(const Operands& operands, const Fn& fn) {
  constexpr std::size_t kLine = kLineBytes / sizeof(float);  // the lanes of the longest vectors
  const std::size_t count = operands.size();
  std::vector<std::size_t> floats(count, 0);
  const std::vector<std::uint32_t> expected = bits_after(operands, floats, fn);
  const auto check = [&] {
    CAPTURE(floats[0]);
    CAPTURE(floats[count - 1]);
    CHECK(bits_after(operands, floats, fn) == expected);
  };
  for (std::size_t offset = 0; offset <= kLine; ++offset) {
    floats.assign(count, offset);
    check();
    for (std::size_t k = 0; k < count; ++k) floats[k] = offset * (2 * k + 3) % kLine;
    check();
    for (std::size_t k = 0; k < count; ++k) {
      floats.assign(count, 0);
      floats[k] = offset;
      check();
    }
  }
}

std::vector<float> values_of(std::int64_t n, std::uint64_t seed) { return uniform(n, 0.1, 2, seed); }

const std::vector<std::int64_t> kCounts{0, 1, 5, 8, 17, 33, 70};

TEST_CASE("elementwise kernels do not depend on where their operands begin") {
  const KernelTable& t = kernels();
  for (const std::int64_t n : kCounts) {
    CAPTURE(n);
    const std::vector<float> a = values_of(n, 1), b = values_of(n, 2), c = values_of(n, 3);
    for (const auto kernel : {t.exp, t.log, t.sqrt, t.relu, t.gelu, t.sigmoid, t.tanh, t.softplus}) {
      check_offsets({a, b}, [&](const Pointers& p) { kernel(n, p[0], p[1]); });
    }
    for (const auto kernel : {t.add, t.sub, t.mul, t.div, t.relu_grad, t.sigmoid_grad, t.tanh_grad, t.gelu_grad}) {
      check_offsets({a, b, c}, [&](const Pointers& p) { kernel(n, p[0], p[1], p[2]); });
    }
    for (const auto kernel : {t.add_scalar, t.mul_scalar}) {
      check_offsets({a, b}, [&](const Pointers& p) { kernel(n, p[0], 1.7F, p[1]); });
    }
    check_offsets({a, b}, [&](const Pointers& p) { t.axpy(n, -0.3F, p[0], p[1]); });
    const core::SigmoidStairs stairs{.temperature = 4, .width = 0.1, .height = 0.1, .middle = 0, .steps = 15};
    check_offsets({a, b, c}, [&](const Pointers& p) { t.sigmoid_stairs(n, stairs, p[0], p[1], p[2]); });
    const core::FakeQuantGrid grid{.scale = 0.01F, .zero = 3, .low = -128, .high = 127};
    check_offsets({a, b}, [&](const Pointers& p) { t.fake_quant(n, grid, p[0], p[1]); });
    check_offsets({a, b, c}, [&](const Pointers& p) { t.fake_quant_grad(n, grid, p[0], p[1], p[2]); });
  }
}

TEST_CASE("kernels that read or write bytes and halves do not depend on where these begin, to the byte") {
  std::vector<std::uint8_t> bytes;
  std::vector<std::int16_t> halves;
  std::vector<float> floats, normalized;
  for (int i = 0; i < 70; ++i) {
    bytes.push_back(static_cast<std::uint8_t>(i * 37));
    halves.push_back(static_cast<std::int16_t>(i * 37 % 256));
    floats.push_back(static_cast<float>(i * 37 % 256));
    normalized.push_back(static_cast<float>(i * 37 % 256) / 2 - 1);  // exact
  }
  for (std::size_t offset = 0; offset <= kLineBytes; ++offset) {
    CAPTURE(offset);
    Placed<std::uint8_t> in(bytes, offset), out(std::vector<std::uint8_t>(70), offset);
    Placed<float> y(floats, offset * 12 % kLineBytes), x(floats, offset * 20 % kLineBytes);
    kernels().normalize_u8(70, in.data(), 0.5F, -1, y.data());
    CHECK(y.values() == normalized);
    Placed<std::int16_t> narrow(halves, offset * 2 % kLineBytes), q(halves, offset * 6 % kLineBytes);
    core::int_kernels().narrow_u8(70, narrow.data(), 0, out.data());
    CHECK(out.values() == bytes);
    core::int_kernels().quantize_s16(70, x.data(), 1, 0, 255, 0, q.data());
    CHECK(q.values() == halves);
    CHECK((out.is_alone() && y.is_alone() && q.is_alone()));
  }
}

TEST_CASE("kernels of rows do not depend on where their operands begin") {
  const KernelTable& t = kernels();
  for (const std::int64_t columns : {1, 7, 10, 16, 35}) {
    CAPTURE(columns);
    constexpr std::int64_t kRows = 5;
    const std::int64_t n = kRows * columns;
    const std::vector<float> x = values_of(n, 4), y = values_of(n, 5), one(2), loss(kRows);
    for (const auto kernel : {t.sum, t.sum_squares}) {
      check_offsets({x, one}, [&](const Pointers& p) { *p[1] = kernel(n, p[0]); });
    }
    check_offsets({x, one}, [&](const Pointers& p) { t.min_max(n, p[0], p[1], p[1] + 1); });
    check_offsets({x, values_of(columns, 6)}, [&](const Pointers& p) { t.column_sum(kRows, columns, p[0], p[1]); });
    for (const auto kernel : {t.softmax, t.log_softmax}) {
      check_offsets({x, y}, [&](const Pointers& p) { kernel(kRows, columns, p[0], p[1]); });
    }
    check_offsets({x, y, x}, [&](const Pointers& p) { t.softmax_grad(kRows, columns, p[0], p[1], p[2]); });
    const std::vector<std::int32_t> labels(kRows, static_cast<std::int32_t>(columns / 2));
    check_offsets({x, loss, y}, [&](const Pointers& p) {
      t.cross_entropy(kRows, columns, p[0], labels.data(), 0.1F, 0.25F, p[1], p[2]);
    });
  }
}

TEST_CASE("the updates of optimizers do not depend on where their operands begin") {
  for (const std::int64_t n : kCounts) {
    CAPTURE(n);
    const Operands operands{values_of(n, 7), values_of(n, 8), values_of(n, 9), values_of(n, 10)};
    check_offsets({operands[0], operands[1], operands[2]},
                  [&](const Pointers& p) { kernels().sgd(n, 0.1F, 0.9F, 0.01F, true, p[0], p[1], p[2]); });
    check_offsets(operands, [&](const Pointers& p) {
      kernels().adam(n, 0.01F, 0.9F, 0.999F, 1e-8F, 0.19F, 0.002F, 0.1F, 0.1F, p[0], p[1], p[2], p[3]);
    });
  }
}

TEST_CASE("pooling by pairs does not depend on where its operands begin") {
  for (const std::int64_t width : {2, 7, 16, 33, 66}) {
    CAPTURE(width);
    const core::PairPlane plane{5, width};
    const std::vector<float> x = values_of(plane.pixels(), 11), y = values_of(plane.windows(), 12);
    check_offsets({x, y, y, x}, [&](const Pointers& p) {
      kernels().pool_pairs(plane, p[0], p[1], p[2]);
      kernels().pool_pairs_grad(plane, p[1], p[2], p[3]);
    });
  }
}

TEST_CASE("a product does not depend on where its operands begin") {
  for (const auto& [m, n, k] : {std::array<std::int64_t, 3>{1, 33, 7}, {3, 40, 70}, {15, 33, 66}, {29, 10, 130}}) {
    for (int bits = 0; bits < 8; ++bits) {
      const bool transpose_a = (bits & 1) != 0, transpose_b = (bits & 2) != 0, accumulate = (bits & 4) != 0;
      const std::string form = std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k);
      CAPTURE(form);
      CAPTURE(bits);
      check_offsets({values_of(m * k, 13), values_of(k * n, 14), values_of(m * n, 15), values_of(n, 16)},
                    [&, m = m, n = n, k = k](const Pointers& p) {
                      core::gemm({.m = m,
                                  .n = n,
                                  .k = k,
                                  .a = p[0],
                                  .lda = transpose_a ? m : k,
                                  .transpose_a = transpose_a,
                                  .b = p[1],
                                  .ldb = transpose_b ? k : n,
                                  .transpose_b = transpose_b,
                                  .c = p[2],
                                  .ldc = n,
                                  .accumulate = accumulate,
                                  .column_bias = accumulate ? nullptr : p[3],
                                  .relu = !accumulate});
                    });
    }
  }
}

// Images of 9 × 40 pixels under 3 × 3 taps.
constexpr std::int64_t kHeight = 9, kWidth = 40, kTaps = 9, kOutHeight = 7, kOutWidth = 38;

std::vector<std::int64_t> taps() {
  std::vector<std::int64_t> offsets;
  for (std::int64_t p = 0; p < kTaps; ++p) offsets.push_back(p / 3 * kWidth + p % 3);
  return offsets;
}

TEST_CASE("the tiles of a convolution do not depend on where its images, weights and results begin") {
  const KernelTable& t = kernels();
  const std::vector<std::int64_t> offsets = taps();
  const std::vector<float> image = values_of(kHeight * kWidth, 17);
  const std::int64_t m = std::min<std::int64_t>(t.gemm_mr, 5), vectors = t.gemm_nr / t.conv_lanes, n = t.gemm_nr;
  std::vector<std::int64_t> to, rows;
  for (std::int64_t v = 0; v < vectors; ++v) to.push_back(v * t.conv_lanes);
  for (std::int64_t i = 0; i < m; ++i) rows.push_back(i * kWidth + 1);
  check_offsets({image, values_of(m * kTaps, 18), values_of(m, 19), values_of(m * n, 20)}, [&](const Pointers& p) {
    std::vector<const float*> columns;
    for (std::int64_t v = 0; v < vectors; ++v) columns.push_back(p[0] + v * (kWidth + 1));
    t.conv_windows({.m = m,
                    .n = n,
                    .k = kTaps,
                    .a = p[1],
                    .a_row = kTaps,
                    .offsets = offsets.data(),
                    .columns = columns.data(),
                    .to = to.data(),
                    .c = p[3],
                    .c_row = n,
                    .row_bias = p[2],
                    .relu = true});
  });
  for (const std::int64_t width : {n, n - 1}) {
    check_offsets({image, values_of(kTaps * n, 21), values_of(m * n, 22)}, [&](const Pointers& p) {
      t.conv_gather({.m = m,
                     .n = width,
                     .k = kTaps,
                     .a = p[0],
                     .rows = rows.data(),
                     .steps = offsets.data(),
                     .b = p[1],
                     .c = p[2],
                     .c_row = n,
                     .accumulate = true});
    });
  }
}

TEST_CASE("packing and folding the windows of a convolution do not depend on where images and matrices begin") {
  const KernelTable& t = kernels();
  const std::vector<std::int64_t> offsets = taps();
  const std::vector<float> image = values_of(kHeight * kWidth, 23);
  const std::int64_t cut = t.gemm_nr / 3;
  const std::vector<core::WindowRun> runs{{.to = 0, .from = 2, .count = cut},
                                          {.to = cut, .from = 45, .count = t.gemm_nr - cut}};
  check_offsets({image, values_of(kTaps * t.gemm_nr, 24)},
                [&](const Pointers& p) { t.conv_pack(kTaps, offsets.data(), 2, runs.data(), p[0], p[1]); });
  const core::FoldPlane plane{.height = kHeight,
                              .width = kWidth,
                              .out_height = kOutHeight,
                              .out_width = kOutWidth,
                              .kernel_h = 3,
                              .kernel_w = 3,
                              .dilation_h = 1,
                              .dilation_w = 1,
                              .padding_h = 0,
                              .padding_w = 0};
  check_offsets({values_of(kTaps * kOutHeight * kOutWidth, 25), image},
                [&](const Pointers& p) { t.conv_fold(plane, p[0], p[1]); });
}

}  // namespace
}  // namespace tempera::test::offsets
