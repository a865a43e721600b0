#include "tempera/quant/observers/ends.hpp"

#include <algorithm>

#include "tempera/quant/observers/state.hpp"

namespace tempera::quant {

EndsObserver::EndsObserver(const ObserverFacts& facts)
    : site_(facts.site),
      low_(zero_state({facts.channels})),
      high_(zero_state({facts.channels})),
      seen_(zero_state({facts.channels})) {}

void EndsObserver::observe(std::int64_t channel, std::span<const Scalar> values) {
  if (!values.empty()) take_in(state(), channel, finite_range(values, site_));
}

EndsObserver::State EndsObserver::state() {
  return {low_.mutable_value().mutable_data(), high_.mutable_value().mutable_data(),
          seen_.mutable_value().mutable_data()};
}

Range EndsObserver::take_in(const State& state, std::int64_t channel, Range now) const noexcept {
  Scalar &low = state.low[channel], &high = state.high[channel], &seen = state.seen[channel];
  take(now, !(seen > 0), low, high);
  seen = 1;
  return {static_cast<float>(low), static_cast<float>(high)};
}

void EndsObserver::reset() { std::ranges::fill(seen_.mutable_value().mutable_values(), Scalar{0}); }

bool EndsObserver::ready() const {
  return std::ranges::all_of(seen_.value().values(), [](Scalar seen) { return seen > 0; });
}

Range EndsObserver::range(std::int64_t channel) const {
  const auto c = static_cast<std::size_t>(channel);
  return {static_cast<float>(low_.value().values()[c]), static_cast<float>(high_.value().values()[c])};
}

std::vector<nn::Buffer> EndsObserver::buffers() const {
  return {{site_ + ".observer.low", low_.shape(), low_, nn::Allowed::kFinite},
          {site_ + ".observer.high", high_.shape(), high_, nn::Allowed::kFinite},
          {site_ + ".observer.seen", seen_.shape(), seen_, nn::Allowed::kNotNegative}};
}

}  // namespace tempera::quant
