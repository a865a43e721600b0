// Observers to whom the smallest and the largest of some values tell as much as all of them would.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tempera/quant/observer.hpp"

namespace tempera::quant {

class EndsObserver : public Observer {
 public:
  explicit EndsObserver(const ObserverFacts& facts);
  void observe(std::int64_t channel, std::span<const Scalar> values) final;
  /// What it knows of each channel, where it stands.
  struct State {
    Scalar *low = nullptr, *high = nullptr, *seen = nullptr;
  };
  [[nodiscard]] State state();
  /// Takes in a channel's range of finite numbers and returns the one that it then has; from several threads, for channels that differ.
  Range take_in(const State& state, std::int64_t channel, Range now) const noexcept;
  [[nodiscard]] EndsObserver* takes_ends() noexcept final { return this; }
  void reset() final;
  [[nodiscard]] bool ready() const final;
  [[nodiscard]] Range range(std::int64_t channel) const final;
  [[nodiscard]] std::vector<nn::Buffer> buffers() const final;

 private:
  /// What becomes of a channel's range when it is given `now`, at first or after others.
  virtual void take(Range now, bool first, Scalar& low, Scalar& high) const noexcept = 0;

  std::string site_;
  core::Variable low_, high_, seen_;  // [channels]
};

}  // namespace tempera::quant
