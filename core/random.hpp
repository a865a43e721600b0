// Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
//
// A number is a pure function of (seed, stream, index). Nothing is drawn "next", so results do not depend on thread
// counts or on what else was drawn, and resuming a run needs no generator state.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tempera/core/scalar.hpp"

namespace tempera::core {

/// Ten rounds of Philox4x32 on a 128-bit counter with a 64-bit key.
[[nodiscard]] std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                      std::array<std::uint32_t, 2> key) noexcept;

/// A stream number from a name ("fc1.weight", "shuffle"), stable across versions (64-bit FNV-1a).
[[nodiscard]] std::uint64_t stream_of(std::string_view name) noexcept;

/// The random sequence of one (seed, stream).
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) noexcept : seed_(seed), stream_(stream) {}
  Random(std::uint64_t seed, std::string_view stream) noexcept : Random(seed, stream_of(stream)) {}

  /// A stream of its own, e.g. one per epoch.
  [[nodiscard]] Random substream(std::uint64_t number) const noexcept;

  [[nodiscard]] std::uint32_t bits(std::uint64_t index) const noexcept;
  /// All 128 bits of a number, for those who need many: words(i)[0] is bits(i).
  [[nodiscard]] std::array<std::uint32_t, 4> words(std::uint64_t index) const noexcept { return block(index); }
  /// Uniform in [0, 1) with 53 bits.
  [[nodiscard]] double uniform(std::uint64_t index) const noexcept;
  /// Standard normal (Box–Muller).
  [[nodiscard]] double normal(std::uint64_t index) const noexcept;
  /// Uniform integer in [0, bound), bound > 0, by multiplication of 64 random bits (bias below bound/2^64).
  [[nodiscard]] std::uint64_t below(std::uint64_t index, std::uint64_t bound) const noexcept;
  /// A permutation of 0 … n−1 (Fisher–Yates).
  [[nodiscard]] std::vector<std::int64_t> permutation(std::int64_t n) const;
  void fill_uniform(std::span<Scalar> values, double low, double high) const noexcept;
  void fill_normal(std::span<Scalar> values, double mean, double deviation) const noexcept;

 private:
  [[nodiscard]] std::array<std::uint32_t, 4> block(std::uint64_t index) const noexcept;

  std::uint64_t seed_;
  std::uint64_t stream_;
};

}  // namespace tempera::core
