// Sixteen-bit floats: IEEE 754 binary16 and bfloat16, rounded to nearest even, subnormals kept.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <utility>

#include "tempera/core/bfloat16.hpp"
#include "tempera/core/fields.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/overflows.hpp"
#include "tempera/quant/quantizer.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

Scalar to_float16(Scalar value) noexcept {
  constexpr int kSignificand = 10, kLowest = -14;  // bits after the leading one; exponent of the smallest normal number
  constexpr double kLargest = 65504;               // what rounds to more than this is infinite
  const auto x = static_cast<double>(value);
  if (x == 0 || !std::isfinite(x)) return value;
  const double unit = std::ldexp(1.0, std::max(std::ilogb(x), kLowest) - kSignificand);
  const double nearest = std::nearbyint(x / unit) * unit;
  return static_cast<Scalar>(std::abs(nearest) > kLargest ? std::copysign(std::numeric_limits<double>::infinity(), x)
                                                          : nearest);
}

Scalar to_bfloat16(Scalar value) noexcept { return core::rounded_to_bf16(value); }

struct NoConfig {
  void fields(core::FieldVisitor& /*v*/) {}
};

// The derivative before rounding is used as it is.
template <Scalar (*rounded)(Scalar) noexcept, nn::DType format>
class HalfFloat final : public Quantizer, public CountsOverflows {
 public:
  using Config = NoConfig;
  HalfFloat(const Config& /*config*/, const SiteFacts& site) : site_(site) {}
  void observe(const Tensor& x) override { static_cast<void>(finite_range(x.values(), site_.name)); }
  [[nodiscard]] bool ready() const override { return true; }
  [[nodiscard]] std::optional<QParams> params() const override { return std::nullopt; }
  [[nodiscard]] int bits() const override { return 16; }
  [[nodiscard]] std::optional<nn::DType> stored_as() const override { return format; }
  [[nodiscard]] Variable forward(const Variable& x, ForwardContext& /*context*/) override {
    Tensor y(x.shape());
    const Scalar* in = x.value().data();
    Scalar* out = y.mutable_data();
    const auto lost = core::parallel_reduce(
        y.numel(), kRunGrain, std::int64_t{0},
        [=](std::int64_t begin, std::int64_t end) {
          std::int64_t count = 0;
          for (std::int64_t i = begin; i < end; ++i) {
            out[i] = rounded(in[i]);
            count += std::isinf(out[i]) && std::isfinite(in[i]) ? 1 : 0;
          }
          return count;
        },
        [](std::int64_t a, std::int64_t b) { return a + b; });
    if (site_.is_weight()) {  // they are the same values in each pass
      count_ = lost;
      of_ = y.numel();
    } else {
      count_ += lost;
      of_ += y.numel();
    }
    return core::record_straight_through("half_float", std::move(y), x);
  }
  [[nodiscard]] Overflows overflows() const override { return {.count = count_, .of = of_}; }
  void forget_overflows() override { count_ = of_ = 0; }

 private:
  SiteFacts site_;
  std::atomic<std::int64_t> count_ = 0, of_ = 0;  // networks may be called by several threads at once
};

}  // namespace

void add_half_floats(QuantizerRegistry& registry) {
  registry.add<HalfFloat<to_float16, nn::DType::kF16>>("float16", "IEEE 754 binary16");
  registry.add<HalfFloat<to_bfloat16, nn::DType::kBF16>>("bfloat16", "the upper half of a float32");
}

}  // namespace tempera::quant
