// Schedules: numbers of a configuration that change while training. One file and one registration each:
//
//   class Exponential final : public Curve {
//    public:
//     struct Config { double decay = 0.95; void fields(core::FieldVisitor& v); };
//     explicit Exponential(const Config& config);
//     double at(const CurvePoint& p) const override;
//   };
#pragma once

#include <memory>
#include <string>

#include "tempera/core/registry.hpp"

namespace tempera::nn {

/// Where in training a value is asked for. Epochs are fractional: 2.5 is the middle of the third.
struct CurvePoint {
  double base = 0;   ///< the number as the config gives it
  double epoch = 0;  ///< now, from the start of training
  double begin = 0;  ///< end of the warm-up
  double end = 0;    ///< end of training, ≥ begin
};

/// The course of a number after its warm-up.
class Curve {
 public:
  Curve() = default;
  Curve(const Curve&) = delete;
  Curve& operator=(const Curve&) = delete;
  virtual ~Curve() = default;
  [[nodiscard]] virtual double at(const CurvePoint& p) const = 0;
};

/// Options of every schedule.
struct ScheduleCommon {
  std::string target = "optimizer.learning_rate";
  double warmup_epochs = 0;
  double warmup_from = 0.1;

  void fields(core::FieldVisitor& v);
};

/// A curve with its warm-up.
class Schedule {
 public:
  Schedule(const ScheduleCommon& common, std::unique_ptr<Curve> curve);

  /// Path of the number it acts on, e.g. "optimizer.learning_rate".
  [[nodiscard]] const std::string& target() const noexcept { return common_.target; }
  /// The number at a fractional epoch of a training of `epochs`: during the warm-up linear from warmup_from·v to v, the
  /// curve's value at the end of the warm-up, after it the curve.
  [[nodiscard]] double at(double base, double epoch, double epochs) const;

 private:
  ScheduleCommon common_;
  std::shared_ptr<const Curve> curve_;  // immutable, so copies of a schedule share it
};

/// The schedules a program knows.
class ScheduleRegistry final : public core::Registry<Curve, ScheduleCommon> {
 public:
  using Base = core::Registry<Curve, ScheduleCommon>;
  /// Knows every schedule of builtin_schedules.def.
  ScheduleRegistry();
  /// One for all who add nothing.
  [[nodiscard]] static const ScheduleRegistry& builtin();
  [[nodiscard]] Schedule make(const core::Configurable& config) const;
};

}  // namespace tempera::nn
