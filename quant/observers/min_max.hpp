// The smallest and the largest value ever seen.
#pragma once

#include <string>
#include <vector>

#include "tempera/quant/observer.hpp"

namespace tempera::quant {

class MinMax final : public Observer, private TakesEnds {
 public:
  struct Config {
    void fields(core::FieldVisitor& /*v*/) {}
  };
  MinMax(const Config& config, const ObserverFacts& facts);
  void observe(std::int64_t channel, std::span<const Scalar> values) override;
  [[nodiscard]] TakesEnds* takes_ends() noexcept override { return this; }
  void reset() override;
  [[nodiscard]] bool ready() const override;
  [[nodiscard]] Range range(std::int64_t channel) const override;
  [[nodiscard]] std::vector<nn::Buffer> buffers() const override;

 private:
  void observe_ends(std::span<const Range> of_channels) override;

  std::string site_;
  core::Variable low_, high_, seen_;  // [channels]
};

}  // namespace tempera::quant
