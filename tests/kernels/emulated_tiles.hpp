// The memory of AMX's tiles as the processor's manual defines it, for tests that emulate them: shapes from the configuration,
// rows of 64 bytes, what lies outside of a shape zero.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tempera::test {

/// A test adds the product: `dot<C, A, B>`.
struct EmulatedTiles {
  static inline std::uint8_t shape[64];
  static inline std::uint8_t data[8][16][64];

  static int rows(int t) { return shape[48 + t]; }
  static int bytes(int t) { return shape[16 + 2 * t] + 256 * shape[17 + 2 * t]; }
  static void configure(const void* shapes) {
    std::memcpy(shape, shapes, sizeof shape);
    std::memset(data, 0, sizeof data);
  }
  static void release() { std::memset(shape, 0, sizeof shape); }
  template <int Tile>
  static void zero() {
    REQUIRE(rows(Tile) > 0);
    std::memset(data[Tile], 0, sizeof data[Tile]);
  }
  template <int Tile>
  static void load(const void* x, std::int64_t stride) {
    zero<Tile>();
    for (int i = 0; i < rows(Tile); ++i) {
      std::memcpy(data[Tile][i], static_cast<const char*>(x) + i * stride, static_cast<std::size_t>(bytes(Tile)));
    }
  }
  template <int Tile>
  static void store(void* y, std::int64_t stride) {
    REQUIRE(rows(Tile) > 0);
    for (int i = 0; i < rows(Tile); ++i) {
      std::memcpy(static_cast<char*>(y) + i * stride, data[Tile][i], static_cast<std::size_t>(bytes(Tile)));
    }
  }
};

}  // namespace tempera::test
