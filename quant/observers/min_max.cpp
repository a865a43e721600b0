// The smallest and the largest value ever seen.
#include "tempera/quant/observers/min_max.hpp"

#include <algorithm>

#include "tempera/core/fields.hpp"
#include "tempera/quant/observers/state.hpp"

namespace tempera::quant {
namespace {

void widen(Range now, Scalar& low, Scalar& high, Scalar& seen) noexcept {
  low = seen > 0 ? std::min(low, static_cast<Scalar>(now.low)) : static_cast<Scalar>(now.low);
  high = seen > 0 ? std::max(high, static_cast<Scalar>(now.high)) : static_cast<Scalar>(now.high);
  seen = 1;
}

}  // namespace

MinMax::MinMax(const Config& /*config*/, const ObserverFacts& facts)
    : site_(facts.site),
      low_(zero_state({facts.channels})),
      high_(zero_state({facts.channels})),
      seen_(zero_state({facts.channels})) {}

void MinMax::observe(std::int64_t channel, std::span<const Scalar> values) {
  if (values.empty()) return;
  widen(finite_range(values, site_), state_at(low_, channel), state_at(high_, channel), state_at(seen_, channel));
}

void MinMax::observe_ends(std::span<const Range> of_channels) {
  Scalar *low = low_.mutable_value().mutable_data(), *high = high_.mutable_value().mutable_data(),
         *seen = seen_.mutable_value().mutable_data();
  for (const Range& now : of_channels) widen(now, *low++, *high++, *seen++);
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
