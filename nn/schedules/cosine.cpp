// Half a cosine from the number to its end (Loshchilov & Hutter 2017, eq. 5, without restarts).
#include <algorithm>
#include <cmath>
#include <numbers>

#include "tempera/nn/schedule.hpp"

namespace tempera::nn {
namespace {

class Cosine final : public Curve {
 public:
  struct Config {
    double to = 0;

    void fields(core::FieldVisitor& v) { v.field("to", to, {.help = "value at the end of training"}); }
  };
  explicit Cosine(const Config& config) : config_(config) {}

  double at(const CurvePoint& p) const override {
    if (p.end <= p.begin) return p.base;
    const double done = std::clamp((p.epoch - p.begin) / (p.end - p.begin), 0.0, 1.0);
    return config_.to + (p.base - config_.to) * (1 + std::cos(std::numbers::pi * done)) / 2;
  }

 private:
  Config config_;
};

}  // namespace

void add_cosine_schedule(ScheduleRegistry& registry) {
  registry.add<Cosine>("cosine", "falls along half a cosine until the end of training");
}

}  // namespace tempera::nn
