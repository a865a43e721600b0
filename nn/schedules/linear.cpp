#include <algorithm>
#include <optional>

#include "tempera/nn/schedule.hpp"

namespace tempera::nn {
namespace {

class Linear final : public Curve {
 public:
  struct Config {
    std::optional<double> from;
    double to = 0;
    std::optional<double> over_epochs;

    void fields(core::FieldVisitor& v) {
      v.field("from", from, {.help = "value at the start; the configured number if left out"});
      v.field("to", to, {.help = "value at the end, kept from then on"});
      v.field("over_epochs", over_epochs,
              {.help = "time from start to end; the rest of training if left out",
               .unit = "epochs",
               .min = 0,
               .above_min = true});
    }
  };
  explicit Linear(const Config& config) : config_(config) {}

  double at(const CurvePoint& p) const override {
    const double from = config_.from.value_or(p.base);
    const double length = config_.over_epochs.value_or(p.end - p.begin);
    if (length <= 0) return from;
    const double done = std::clamp((p.epoch - p.begin) / length, 0.0, 1.0);
    return from + (config_.to - from) * done;
  }

 private:
  Config config_;
};

}  // namespace

void add_linear_schedule(ScheduleRegistry& registry) {
  registry.add<Linear>("linear", "goes along a straight line to its end and stays there");
}

}  // namespace tempera::nn
