#include "tempera/apps/experiment/check_schedules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tempera/apps/experiment/live_numbers.hpp"
#include "tempera/core/config/reader.hpp"

namespace tempera::cli {
namespace {

struct Excess {
  double value = 0, epoch = 0;
};

// The value that is farthest outside of its range. Curves are smooth between their steps: sixteen looks an epoch, and one at
// the end, which training only comes near to.
std::optional<Excess> farthest_outside(const nn::Schedule& schedule, const core::NumberField& number,
                                       std::int64_t epochs) {
  constexpr std::int64_t kLooks = 16, kMostLooks = 100'000;
  constexpr double kRounding = 1e-12;  // a line may end an ulp beyond its end, which may be the bound
  const double end = static_cast<double>(epochs);
  const std::int64_t looks = epochs < kMostLooks / kLooks ? kLooks * epochs : kMostLooks;
  std::optional<Excess> farthest;
  double distance = 0;
  for (std::int64_t i = 0; i <= looks; ++i) {
    const double epoch = i == looks ? end : end * static_cast<double>(i) / static_cast<double>(looks);
    const double value = schedule.at(*number.value, epoch, end);
    if (!std::isfinite(value)) return Excess{value, epoch};
    if (core::in_range(value, number.range)) continue;
    const double outside = std::max(number.range.min - value, value - number.range.max);
    const bool rounded = outside > 0 && outside < kRounding;
    if (rounded || (farthest && outside <= distance)) continue;
    farthest = Excess{value, epoch};
    distance = outside;
  }
  return farthest;
}

class ScheduleCheck {
 public:
  ScheduleCheck(const ExperimentConfig& config, nn::Model& plan, std::vector<core::ConfigIssue>& issues)
      : config_(config),
        optimizer_(config.registry().optimizers().make(*config.optimizer, {})),
        numbers_(numbers_of_run(plan, *optimizer_)),
        issues_(issues) {}

  void check(const core::Configurable& config, const std::string& pointer) {
    const nn::Schedule schedule = config_.registry().schedules().make(config);
    try {
      const core::NumberField number = live_field(numbers_, schedule.target(), pointer + "/target");
      check_alone(config, number.value, schedule.target(), pointer);
      check_range(schedule, number, pointer);
    } catch (const core::ConfigError& error) {
      issues_.insert(issues_.end(), error.issues().begin(), error.issues().end());
    }
  }

 private:
  // A constant without warm-up moves nothing. It is what "schedule" is where only "schedules" is given.
  void check_alone(const core::Configurable& config, const double* number, const std::string& target,
                   const std::string& pointer) {
    const bool moves = config.type() != "constant" || config_.registry().schedules().common(config).warmup_epochs > 0;
    if (!moves) return;
    const auto [first, is_new] = movers_.emplace(number, pointer);
    if (is_new) return;
    issues_.push_back(
        {.pointer = pointer + "/target",
         .message = fmt::format("a number may have one schedule, and {} moves \"{}\", too", first->second, target)});
  }

  void check_range(const nn::Schedule& schedule, const core::NumberField& number, const std::string& pointer) {
    const std::optional<Excess> outside = farthest_outside(schedule, number, config_.train.epochs);
    if (!outside) return;
    const std::string range = core::range_text(number.range);
    issues_.push_back(
        {.pointer = pointer,
         .message = fmt::format("\"{}\" must be {}, and this takes it to {:.6g} at epoch {:.4g}", schedule.target(),
                                range.empty() ? "finite" : range, outside->value, outside->epoch)});
  }

  const ExperimentConfig& config_;
  std::unique_ptr<nn::Optimizer> optimizer_;
  core::FieldsFn numbers_;
  std::map<const double*, std::string> movers_;
  std::vector<core::ConfigIssue>& issues_;
};

}  // namespace

void check_schedules(const ExperimentConfig& config, nn::Model& plan, std::vector<core::ConfigIssue>& issues) {
  ScheduleCheck check(config, plan, issues);
  check.check(*config.schedule, "/schedule");
  for (std::size_t i = 0; i < config.schedules.size(); ++i) {
    check.check(*config.schedules[i], fmt::format("/schedules/{}", i));
  }
}

}  // namespace tempera::cli
