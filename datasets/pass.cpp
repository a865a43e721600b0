#include "tempera/datasets/pass.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tempera::data {

PassPlan::PassPlan(Gather gather, std::int64_t batch, std::uint64_t seed, bool shuffle, bool drop_last)
    : gather_(std::move(gather)), batch_(batch), samples_(gather_.split().size()), seed_(seed), shuffle_(shuffle) {
  if (drop_last) samples_ -= samples_ % batch_;
  batch_ = std::min(batch_, std::max<std::int64_t>(samples_, 1));  // so that no sum with it overflows
}

void PassPlan::make(std::int64_t epoch, std::int64_t index, core::Batch& batch) {
  prepare(epoch);
  const std::int64_t first = index * batch_;
  const std::int64_t count = std::min(batch_, samples_ - first);
  const std::vector<std::int64_t>& order = orders_[epoch % 2].samples;
  gather_.fill(epoch, {order.data() + first, static_cast<std::size_t>(count)}, batch);
}

void PassPlan::prepare(std::int64_t epoch) {
  Order& order = orders_[epoch % 2];
  if (order.epoch == epoch) return;
  if (shuffle_) {
    const core::Random random(seed_, "shuffle");
    order.samples = random.substream(static_cast<std::uint64_t>(epoch)).permutation(gather_.split().size());
  } else if (order.epoch < 0) {
    order.samples.resize(static_cast<std::size_t>(gather_.split().size()));
    std::iota(order.samples.begin(), order.samples.end(), 0);
  }
  order.epoch = epoch;
}

}  // namespace tempera::data
