#include <algorithm>
#include <cmath>
#include <optional>

#include "tempera/nn/schedule.hpp"

namespace tempera::nn {
namespace {

class Exponential final : public Curve {
 public:
  struct Config {
    double decay = 0.95;
    bool staircase = false;
    std::optional<double> limit;

    void fields(core::FieldVisitor& v) {
      v.field("decay", decay, {.help = "factor per epoch; above 1 the number grows", .min = 0, .above_min = true});
      v.field("staircase", staircase, {.help = "change between epochs only"});
      v.field("limit", limit, {.help = "value that is not passed"});
    }
  };
  explicit Exponential(const Config& config) : config_(config) {}

  double at(const CurvePoint& p) const override {
    const double value = p.base * std::pow(config_.decay, config_.staircase ? std::floor(p.epoch) : p.epoch);
    if (!config_.limit) return value;
    const bool rises = (config_.decay > 1) == (p.base > 0);
    return rises ? std::min(value, *config_.limit) : std::max(value, *config_.limit);
  }

 private:
  Config config_;
};

}  // namespace

void add_exponential_schedule(ScheduleRegistry& registry) {
  registry.add<Exponential>("exponential", "is multiplied by a constant every epoch: base·decay^epoch");
}

}  // namespace tempera::nn
