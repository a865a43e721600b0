#include "tempera/nn/schedule.hpp"

#include <algorithm>
#include <utility>

namespace tempera::nn {

// Each schedule's file defines add_<name>_schedule(registry), so that this one depends on none of them.
#define TEMPERA_SCHEDULE(name) void add_##name##_schedule(ScheduleRegistry& registry);
#include "tempera/nn/builtin_schedules.def"
#undef TEMPERA_SCHEDULE

ScheduleRegistry::ScheduleRegistry() : Base("schedule") {
#define TEMPERA_SCHEDULE(name) add_##name##_schedule(*this);
#include "tempera/nn/builtin_schedules.def"
#undef TEMPERA_SCHEDULE
}

const ScheduleRegistry& ScheduleRegistry::builtin() {
  static const ScheduleRegistry registry;
  return registry;
}

Schedule ScheduleRegistry::make(const core::Configurable& config) const {
  return Schedule(common(config), Base::make(config));
}

void ScheduleCommon::fields(core::FieldVisitor& v) {
  v.field("target", target,
          {.help = "path of the number that changes while training: optimizer.momentum, model.layers.drop1.rate"});
  v.field("warmup_epochs", warmup_epochs,
          {.help = "time in which the number rises to its course", .unit = "epochs", .min = 0});
  v.field("warmup_from", warmup_from, {.help = "share of the number at which the warm-up begins", .min = 0});
}

Schedule::Schedule(const ScheduleCommon& common, std::unique_ptr<Curve> curve)
    : common_(common), curve_(std::move(curve)) {}

double Schedule::at(double base, double epoch, double epochs) const {
  const double begin = common_.warmup_epochs;
  CurvePoint point{.base = base, .epoch = std::max(epoch, begin), .begin = begin, .end = std::max(epochs, begin)};
  const double value = curve_->at(point);
  if (epoch >= begin) return value;
  return value * (common_.warmup_from + (1 - common_.warmup_from) * epoch / begin);
}

}  // namespace tempera::nn
