#include "tempera/quant/observers/histogram.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/quant/finite_scale.hpp"
#include "tempera/quant/observers/state.hpp"

namespace tempera::quant {
namespace {

constexpr std::int64_t kCarry = std::int64_t{1} << 24;  // up to which a float32 counts

// A reach of 2^128 is needed for what lies above 2^127, but is no float32: the last one stands for it.
constexpr double kSmallestReach = 0x1p-126, kLargestReach = 0x1p128;
constexpr auto kLast = static_cast<Scalar>(std::numeric_limits<float>::max());

double reach_of(Scalar stored) noexcept { return stored == kLast ? kLargestReach : static_cast<double>(stored); }
Scalar stored_of(double reach) noexcept { return reach == kLargestReach ? kLast : static_cast<Scalar>(reach); }

}  // namespace

HistogramObserver::HistogramObserver(const ObserverFacts& facts)
    : facts_(facts),
      counts_(zero_state({facts.channels, kBins})),
      carries_(zero_state({facts.channels, kBins})),
      reach_(zero_state({facts.channels})),
      low_(zero_state({facts.channels})),
      high_(zero_state({facts.channels})) {}

// State may come from a file that says what no observation could.
std::vector<std::int64_t> HistogramObserver::counts(std::int64_t channel) const {
  const auto begin = static_cast<std::size_t>(channel * kBins);
  const std::span<const Scalar> units = counts_.value().values().subspan(begin, kBins);
  const std::span<const Scalar> carries = carries_.value().values().subspan(begin, kBins);
  std::vector<std::int64_t> all(kBins);
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const Scalar part : {units[i], carries[i]}) {
      if (part >= 0 && part < static_cast<Scalar>(kCarry)) continue;
      throw core::NumericError(facts_.site, -1,
                               fmt::format("its observer's counts must be from 0 to 2^24, received {}", part));
    }
    all[i] = static_cast<std::int64_t>(carries[i]) * kCarry + static_cast<std::int64_t>(units[i]);
  }
  return all;
}

void HistogramObserver::set_counts(std::int64_t channel, std::span<const std::int64_t> counts) {
  const auto begin = static_cast<std::size_t>(channel * kBins);
  const std::span<Scalar> units = counts_.mutable_value().mutable_values().subspan(begin, kBins);
  const std::span<Scalar> carries = carries_.mutable_value().mutable_values().subspan(begin, kBins);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::int64_t carry = counts[i] / kCarry;
    units[i] = static_cast<Scalar>(counts[i] - carry * kCarry);
    carries[i] = static_cast<Scalar>(carry);
  }
}

// Bins merge in pairs towards the middle.
void HistogramObserver::grow(std::int64_t channel, double largest) {
  Scalar& stored = state_at(reach_, channel);
  double reach = reach_of(stored);
  int exponent = 0;
  static_cast<void>(std::frexp(std::max(largest, kSmallestReach), &exponent));
  const double needed = std::ldexp(1.0, exponent);  // above `largest`, also where that is a power itself
  if (reach >= needed) return;
  if (reach > 0) {
    std::vector<std::int64_t> bins = counts(channel);
    for (; reach < needed; reach *= 2) {
      std::vector<std::int64_t> merged(kBins, 0);
      for (std::int64_t i = 0; i < kBins; ++i) {
        merged[static_cast<std::size_t>(kBins / 4 + i / 2)] += bins[static_cast<std::size_t>(i)];
      }
      bins = std::move(merged);
    }
    set_counts(channel, bins);
  }
  stored = stored_of(needed);
}

void HistogramObserver::observe(std::int64_t channel, std::span<const Scalar> values) {
  if (values.empty()) return;
  const Range now = finite_range(values, facts_.site);
  const bool first = state_at(reach_, channel) == 0;
  Scalar& low = state_at(low_, channel);
  Scalar& high = state_at(high_, channel);
  low = first ? static_cast<Scalar>(now.low) : std::min(low, static_cast<Scalar>(now.low));
  high = first ? static_cast<Scalar>(now.high) : std::max(high, static_cast<Scalar>(now.high));
  grow(channel, std::max(-static_cast<double>(now.low), static_cast<double>(now.high)));
  const double per_unit = kMiddle / reach_of(state_at(reach_, channel));
  Scalar* counts = &state_at(counts_, channel * kBins);
  Scalar* carries = &state_at(carries_, channel * kBins);
  for (const Scalar x : values) {
    const auto cell = static_cast<std::int64_t>(std::floor(static_cast<double>(x) * per_unit)) + kMiddle;
    const std::int64_t bin = std::clamp<std::int64_t>(cell, 0, kBins - 1);
    if (++counts[bin] < static_cast<Scalar>(kCarry)) continue;
    counts[bin] = 0;
    ++carries[bin];
  }
}

void HistogramObserver::reset() {
  for (const core::Variable& state : {counts_, carries_, reach_, low_, high_}) {
    std::ranges::fill(state.mutable_value().mutable_values(), Scalar{0});
  }
}

bool HistogramObserver::ready() const {
  return std::ranges::all_of(reach_.value().values(), [](Scalar reach) { return reach > 0; });
}

Range HistogramObserver::range(std::int64_t channel) const {
  const auto c = static_cast<std::size_t>(channel);
  const Range ends{static_cast<float>(low_.value().values()[c]), static_cast<float>(high_.value().values()[c])};
  if (ends.low == ends.high) return ends;
  const double reach = reach_of(reach_.value().values()[c]);
  if (!std::isfinite(reach) || !std::isfinite(ends.low) || !std::isfinite(ends.high)) {
    throw core::NumericError(facts_.site, -1, "its observer's range is not finite");
  }
  const std::vector<std::int64_t> bins = counts(channel);
  const Seen seen{.ends = ends, .width = 2 * reach / kBins, .counts = bins};
  const Range chosen = choose(seen);
  return {std::max(chosen.low, ends.low), std::min(chosen.high, ends.high)};
}

std::vector<nn::Buffer> HistogramObserver::buffers() const {
  const std::string name = facts_.site + ".observer";
  return {{name + ".counts", counts_.shape(), counts_, nn::Allowed::kNotNegative},
          {name + ".carries", carries_.shape(), carries_, nn::Allowed::kNotNegative},
          {name + ".reach", reach_.shape(), reach_, nn::Allowed::kNotNegative},
          {name + ".low", low_.shape(), low_, nn::Allowed::kFinite},
          {name + ".high", high_.shape(), high_, nn::Allowed::kFinite}};
}

HistogramObserver::Moments::Moments(const Seen& seen) : seen_(seen), sums_(kBins + 1) {
  Sums sums;
  for (std::int64_t i = 0; i < kBins; ++i) {
    const auto bin = static_cast<std::size_t>(i);
    const auto count = static_cast<double>(seen.counts[bin]);
    const double x = seen.centre(i);
    if (count > 0) {
      if (sums.count == 0) first_ = i;
      last_ = i + 1;
      filled_.push_back(i);
    }
    sums = {sums.count + count, sums.x + count * x, sums.xx + count * x * x};
    sums_[bin + 1] = sums;
  }
}

double HistogramObserver::squared_error(const Moments& moments, Range range) const {
  QParams params;
  set_range(params, facts_.bits, facts_.is_signed, facts_.narrow);
  set_scale(params, 0, range, {.symmetric = facts_.symmetric});
  const auto scale = static_cast<double>(params.scale[0]);
  const double zero = params.zero_point[0];
  double sum = 0;
  moments.by_level(scale, zero, params.qmin, params.qmax,
                   [&](double q, const Sums& s) { sum += s.squared_error((q - zero) * scale); });
  return sum;
}

Range HistogramObserver::shrunk(Range ends, double share) const noexcept {
  if (facts_.symmetric && facts_.is_signed) {
    const float larger = std::max(-ends.low, ends.high);
    ends = {-larger, larger};
  }
  return {static_cast<float>(share * static_cast<double>(ends.low)),
          static_cast<float>(share * static_cast<double>(ends.high))};
}

}  // namespace tempera::quant
