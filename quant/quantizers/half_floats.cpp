// Sixteen-bit floats: IEEE 754 binary16 and bfloat16, rounded to nearest even, subnormals kept.
#include <cmath>
#include <limits>
#include <utility>

#include "tempera/core/fields.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/overflows.hpp"
#include "tempera/quant/quantizer.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

struct Format {
  int significand;  // bits after the leading one
  int lowest;       // exponent of the smallest normal number
  double largest;   // what rounds to more than this is infinite
};
constexpr Format kFloat16{10, -14, 65504};
constexpr Format kBfloat16{7, -126, 3.3895313892515355e38};

double rounded(double x, const Format& format) noexcept {
  if (x == 0 || !std::isfinite(x)) return x;
  const int exponent = std::max(std::ilogb(x), format.lowest);
  const double unit = std::ldexp(1.0, exponent - format.significand);
  const double nearest = std::nearbyint(x / unit) * unit;
  return std::abs(nearest) > format.largest ? std::copysign(std::numeric_limits<double>::infinity(), x) : nearest;
}

struct NoConfig {
  void fields(core::FieldVisitor& /*v*/) {}
};

// The derivative before rounding is used as it is.
template <const Format& format>
class HalfFloat final : public Quantizer, public CountsOverflows {
 public:
  using Config = NoConfig;
  HalfFloat(const Config& /*config*/, const SiteFacts& site) : site_(site) {}
  void observe(const Tensor& x) override { static_cast<void>(finite_range(x.values(), site_.name)); }
  [[nodiscard]] bool ready() const override { return true; }
  [[nodiscard]] std::optional<QParams> params() const override { return std::nullopt; }
  [[nodiscard]] int bits() const override { return 16; }
  [[nodiscard]] Variable forward(const Variable& x, ForwardContext& /*context*/) override {
    Tensor y(x.shape());
    const Scalar* in = x.value().data();
    Scalar* out = y.mutable_data();
    const auto lost = core::parallel_reduce(
        y.numel(), kRunGrain, std::int64_t{0},
        [=](std::int64_t begin, std::int64_t end) {
          std::int64_t count = 0;
          for (std::int64_t i = begin; i < end; ++i) {
            out[i] = static_cast<Scalar>(rounded(static_cast<double>(in[i]), format));
            count += std::isinf(out[i]) && std::isfinite(in[i]) ? 1 : 0;
          }
          return count;
        },
        [](std::int64_t a, std::int64_t b) { return a + b; });
    if (site_.is_weight()) overflows_ = {};  // they are the same values in each pass
    overflows_.count += lost;
    overflows_.of += y.numel();
    return core::record("half_float", std::move(y), {x},
                        [](const Tensor& dy, const core::Needs&) { return core::Gradients{dy}; });
  }
  [[nodiscard]] Overflows overflows() const override { return overflows_; }
  void forget_overflows() override { overflows_ = {}; }

 private:
  SiteFacts site_;
  Overflows overflows_;
};

}  // namespace

void add_half_floats(QuantizerRegistry& registry) {
  registry.add<HalfFloat<kFloat16>>("float16", "IEEE 754 binary16");
  registry.add<HalfFloat<kBfloat16>>("bfloat16", "the upper half of a float32");
}

}  // namespace tempera::quant
