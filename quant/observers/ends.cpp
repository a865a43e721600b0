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
  if (values.empty()) return;
  Scalar& seen = state_at(seen_, channel);
  take(finite_range(values, site_), !(seen > 0), state_at(low_, channel), state_at(high_, channel));
  seen = 1;
}

void EndsObserver::observe_ends(std::span<const Range> of_channels) {
  Scalar *low = low_.mutable_value().mutable_data(), *high = high_.mutable_value().mutable_data(),
         *seen = seen_.mutable_value().mutable_data();
  for (const Range& now : of_channels) {
    take(now, !(*seen > 0), *low++, *high++);
    *seen++ = 1;
  }
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
  return {{site_ + ".observer.low", low_.shape(), low_},
          {site_ + ".observer.high", high_.shape(), high_},
          {site_ + ".observer.seen", seen_.shape(), seen_}};
}

}  // namespace tempera::quant
