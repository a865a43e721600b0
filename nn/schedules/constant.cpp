#include "tempera/nn/schedule.hpp"

namespace tempera::nn {
namespace {

class Constant final : public Curve {
 public:
  struct Config {
    void fields(core::FieldVisitor& /*v*/) {}
  };
  explicit Constant(const Config& /*config*/) {}
  double at(const CurvePoint& p) const override { return p.base; }
};

}  // namespace

void add_constant_schedule(ScheduleRegistry& registry) {
  registry.add<Constant>("constant", "stays what it is (after the warm-up)");
}

}  // namespace tempera::nn
