// The smallest and the largest value ever seen.
#include "tempera/quant/observers/min_max.hpp"

#include <algorithm>

#include "tempera/core/fields.hpp"

namespace tempera::quant {
namespace {

core::Tensor filled(std::int64_t channels, float value) {
  return core::Tensor::full({channels}, static_cast<Scalar>(value));
}

}  // namespace

MinMax::MinMax(const Config& /*config*/, const ObserverFacts& facts)
    : site_(facts.site),
      low_(filled(facts.channels, 0)),
      high_(filled(facts.channels, 0)),
      seen_(filled(facts.channels, 0)) {}

void MinMax::observe(std::int64_t channel, std::span<const Scalar> values) {
  if (values.empty()) return;
  const Range now = finite_range(values, site_);
  const auto c = static_cast<std::size_t>(channel);
  Scalar& low = low_.mutable_value().mutable_values()[c];
  Scalar& high = high_.mutable_value().mutable_values()[c];
  Scalar& seen = seen_.mutable_value().mutable_values()[c];
  low = seen > 0 ? std::min(low, static_cast<Scalar>(now.low)) : static_cast<Scalar>(now.low);
  high = seen > 0 ? std::max(high, static_cast<Scalar>(now.high)) : static_cast<Scalar>(now.high);
  seen = 1;
}

void MinMax::reset() {
  for (Scalar& seen : seen_.mutable_value().mutable_values()) seen = 0;
}

bool MinMax::ready() const {
  return std::ranges::all_of(seen_.value().values(), [](Scalar seen) { return seen > 0; });
}

Range MinMax::range(std::int64_t channel) const {
  const auto c = static_cast<std::size_t>(channel);
  return {static_cast<float>(low_.value().values()[c]), static_cast<float>(high_.value().values()[c])};
}

std::vector<nn::Buffer> MinMax::buffers() const {
  const core::Shape& shape = low_.shape();
  return {{site_ + ".observer.low", shape, low_},
          {site_ + ".observer.high", shape, high_},
          {site_ + ".observer.seen", shape, seen_}};
}

void add_min_max_observer(ObserverRegistry& registry) {
  registry.add<MinMax>("min_max", "from the smallest to the largest value ever seen");
}

}  // namespace tempera::quant
