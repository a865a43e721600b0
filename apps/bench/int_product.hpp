// A product of bytes by itself, computed as the integer engine computes a linear layer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tempera/core/storage.hpp"
#include "tempera/quant/engine/step.hpp"

namespace tempera::cli::bench {

/// C [m, n] int32 = A [m, k] uint8 · B [k, n] int8. B is packed once, as weights are; A lies where the instruction before
/// would have left it, and whatever the kernels want done to it is done in every run.
class IntProduct {
 public:
  /// `a` [m, k] row-major; `weights` is B transposed, [n, k], as a linear layer has it.
  IntProduct(std::span<const std::uint8_t> a, std::span<const std::int8_t> weights, std::int64_t m, std::int64_t n,
             std::int64_t k);
  IntProduct(const IntProduct&) = delete;
  IntProduct& operator=(const IntProduct&) = delete;

  /// On core::thread_count() threads.
  void run();
  /// [m, n] of the last run.
  [[nodiscard]] std::vector<std::int32_t> result() const;

 private:
  [[nodiscard]] quant::engine::Frame frame(std::int64_t first) const;

  std::int64_t m_, group_;
  quant::Program program_;  // one linear layer behind the rounding of its input
  quant::engine::Layout layout_;
  std::unique_ptr<quant::engine::Step> product_;
  std::int64_t scratch_bytes_ = 0, group_bytes_ = 0;
  core::Storage memory_;  // of every group of rows
};

}  // namespace tempera::cli::bench
