// Whole numbers times a scale, kept as bytes. Oracle: the definitions in kernels/table.hpp, one value at a time.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "kernels/support.hpp"
#include "tempera/core/kernels/table.hpp"

namespace tempera::test {
namespace {

using core::FakeQuantGrid;
using core::kernels;
using core::kReadBehindBytes;

// Bytes of which those behind the last may be read.
struct Bytes {
  Guarded<std::int8_t> memory;
  std::size_t count;
  explicit Bytes(const std::vector<std::int8_t>& values)
      : memory(values.size() + static_cast<std::size_t>(kReadBehindBytes)), count(values.size()) {
    std::ranges::copy(values, memory.data());
    std::fill_n(memory.data() + count, kReadBehindBytes, std::int8_t{77});
  }
};

std::vector<std::int8_t> any_bytes(std::size_t count, std::mt19937& random) {
  std::vector<std::int8_t> values(count);
  for (std::int8_t& v : values) v = static_cast<std::int8_t>(static_cast<int>(random() % 256) - 128);
  return values;
}

TEST_CASE("quantizing to bytes gives the integers of the definition, at ties too, and writes nothing else") {
  std::mt19937 random(5);
  for (int round = 0; round < 40; ++round) {
    const float high = round % 3 == 0 ? 127.0F : round % 3 == 1 ? 7.0F : 1.0F;
    FakeQuantGrid grid{any_scale(random), 0, round % 2 == 0 ? -high : -high - 1, high};
    std::vector<float> x = beside_ties(grid.scale, 1.3F * grid.low, 1.3F * grid.high, random);
    x.push_back(0.0F);
    x.push_back(-0.0F);
    x.push_back(std::numeric_limits<float>::max());
    x.push_back(std::numeric_limits<float>::lowest());
    std::vector<std::int8_t> expected;
    std::vector<float> within;
    bool inside = true;
    for (const float v : x) {
      double q = std::nearbyint(static_cast<double>(v / grid.scale));
      const bool fits = q >= static_cast<double>(grid.low) && q <= static_cast<double>(grid.high);
      inside = inside && fits;
      if (fits) within.push_back(v);
      q = std::min(std::max(q, static_cast<double>(grid.low)), static_cast<double>(grid.high));
      expected.push_back(static_cast<std::int8_t>(q));
    }
    Guarded<float> in(x);
    Guarded<std::int8_t> out(x.size());
    CHECK(kernels().fake_quant_bytes(std::ssize(x), grid, in.data(), out.data()) == inside);
    CHECK(out.values() == expected);
    grid.covers = true;
    for (const std::int64_t n : kSizes) {
      CAPTURE(n);
      if (n > std::ssize(within)) break;
      Guarded<float> some(std::span<const float>(within.data(), static_cast<std::size_t>(n)));
      std::vector<std::int8_t> all(static_cast<std::size_t>(n) + 70, std::int8_t{55});
      CHECK(kernels().fake_quant_bytes(n, grid, some.data(), all.data()));
      for (std::size_t i = 0; i < all.size(); ++i) {
        const bool counts = static_cast<std::int64_t>(i) < n;
        const double q = counts ? std::nearbyint(static_cast<double>(within[i] / grid.scale)) : 55;
        REQUIRE(static_cast<double>(all[i]) == q);
      }
    }
  }
}

TEST_CASE("bytes expand to their product with the scale") {
  std::mt19937 random(6);
  for (const std::int64_t n : kSizes) {
    const std::vector<std::int8_t> q = any_bytes(static_cast<std::size_t>(n), random);
    const float scale = any_scale(random);
    Bytes in(q);
    Guarded<float> y(q.size());
    kernels().expand_bytes(n, in.memory.data(), scale, y.data());
    for (std::size_t i = 0; i < q.size(); ++i) REQUIRE(y.data()[i] == static_cast<float>(q[i]) * scale);
  }
}

TEST_CASE("panels of bytes are those of the expanded matrix, by rows and by columns, of every width and depth") {
  std::mt19937 random(7);
  const std::int64_t width = kernels().gemm_nr;
  for (const bool transposed : {false, true}) {
    for (std::int64_t n = 1; n <= width; ++n) {
      for (const std::int64_t k : {1, 2, 3, 4, 5, 16, 31}) {
        const std::int64_t rows = transposed ? n : k, columns = transposed ? k : n, stride = columns + k % 2 * 3;
        // The last row ends with its last column.
        const std::vector<std::int8_t> q = any_bytes(static_cast<std::size_t>((rows - 1) * stride + columns), random);
        Bytes in(q);
        std::vector<float> scales;
        for (std::int64_t r = 0; r < rows; ++r) scales.push_back(any_scale(random));
        Guarded<float> of_rows{std::span<const float>(scales)}, panel(static_cast<std::size_t>(k * width));
        const auto pack = transposed ? kernels().gemm_pack_byte_columns : kernels().gemm_pack_byte_rows;
        pack(n, k, in.memory.data(), stride, of_rows.data(), panel.data());
        for (std::int64_t p = 0; p < k; ++p) {
          for (std::int64_t j = 0; j < width; ++j) {
            const std::int64_t row = transposed ? j : p, column = transposed ? p : j;
            const float expected = j >= n ? 0.0F
                                          : static_cast<float>(q[static_cast<std::size_t>(row * stride + column)]) *
                                                scales[static_cast<std::size_t>(row)];
            REQUIRE(panel.data()[p * width + j] == expected);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace tempera::test
