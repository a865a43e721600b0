// Which samples are in which batch of which pass.
#pragma once

#include <cstdint>
#include <vector>

#include "tempera/datasets/gather.hpp"

namespace tempera::data {

/// Makes batch (epoch, index). Keeps the order of two passes: of the one under way and of the next.
class PassPlan {
 public:
  PassPlan(Gather gather, std::int64_t batch, std::uint64_t seed, bool shuffle, bool drop_last);

  [[nodiscard]] std::int64_t samples() const noexcept { return samples_; }
  [[nodiscard]] std::int64_t batches() const noexcept { return (samples_ + batch_ - 1) / batch_; }
  void make(std::int64_t epoch, std::int64_t index, core::Batch& batch);
  /// Draws the permutation of that pass, unless it is already known.
  void prepare(std::int64_t epoch);

 private:
  struct Order {
    std::int64_t epoch = -1;
    std::vector<std::int64_t> samples;
  };

  Gather gather_;
  std::int64_t batch_, samples_;
  std::uint64_t seed_;
  bool shuffle_;
  Order orders_[2];  // of even and of odd passes
};

}  // namespace tempera::data
