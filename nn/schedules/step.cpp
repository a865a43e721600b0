#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "tempera/nn/schedule.hpp"

namespace tempera::nn {
namespace {

class Step final : public Curve {
 public:
  struct Config {
    double factor = 0.1;
    std::optional<double> every;
    std::vector<double> at;

    void fields(core::FieldVisitor& v) {
      v.field("factor", factor, {.help = "what the number is multiplied by at each step", .min = 0, .above_min = true});
      v.field("every", every, {.help = "time between steps", .unit = "epochs", .min = 0, .above_min = true});
      v.field("at", at, {.help = "epochs from the start of training at which to step", .unit = "epochs", .min = 0});
      v.rule(!(every.has_value() && !at.empty()), "every", "and \"at\" exclude each other");
    }
  };
  explicit Step(const Config& config) : config_(config) {}

  double at(const CurvePoint& p) const override {
    const auto passed = std::ranges::count_if(config_.at, [&](double epoch) { return p.epoch >= epoch; });
    const double steps = config_.every ? std::floor(p.epoch / *config_.every) : static_cast<double>(passed);
    return p.base * std::pow(config_.factor, steps);
  }

 private:
  Config config_;
};

}  // namespace

void add_step_schedule(ScheduleRegistry& registry) {
  registry.add<Step>("step", "is multiplied by a factor at given epochs or every so many");
}

}  // namespace tempera::nn
