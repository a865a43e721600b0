// The smallest and the largest value ever seen.
#include <algorithm>

#include "tempera/core/fields.hpp"
#include "tempera/quant/observers/ends.hpp"

namespace tempera::quant {
namespace {

class MinMax final : public EndsObserver {
 public:
  struct Config {
    void fields(core::FieldVisitor& /*v*/) {}
  };
  MinMax(const Config& /*config*/, const ObserverFacts& facts) : EndsObserver(facts) {}

 private:
  void take(Range now, bool first, Scalar& low, Scalar& high) const noexcept override {
    low = first ? static_cast<Scalar>(now.low) : std::min(low, static_cast<Scalar>(now.low));
    high = first ? static_cast<Scalar>(now.high) : std::max(high, static_cast<Scalar>(now.high));
  }
};

}  // namespace

void add_min_max_observer(ObserverRegistry& registry) {
  registry.add<MinMax>("min_max", "from the smallest to the largest value ever seen");
}

}  // namespace tempera::quant
