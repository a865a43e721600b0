// Observers: from the values a site has seen to the range [low, high] its integers are to cover.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tempera/core/registry.hpp"
#include "tempera/core/scalar.hpp"
#include "tempera/core/tensor.hpp"
#include "tempera/nn/parameter.hpp"
#include "tempera/quant/qparams.hpp"

namespace tempera::quant {

/// What an observer works for.
struct ObserverFacts {
  std::string site;           ///< for error texts and names of state
  std::int64_t channels = 1;  ///< ranges kept: 1 per tensor, else one for each channel or group
  int bits = 8;
  bool is_signed = true, narrow = true, symmetric = true;
};

struct Range {
  float low = 0, high = 0;
};

/// The smallest and the largest of some values, at least one. Throws NumericError naming the site for NaN or infinity.
[[nodiscard]] Range finite_range(std::span<const Scalar> values, const std::string& site);

class EndsObserver;

/// The values of one channel (or group, or tensor) come as spans. Channels that differ may be observed, and their ranges
/// asked for, by several threads at a time once one of them has been.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;

  /// Throws NumericError naming the site for NaN or infinity.
  virtual void observe(std::int64_t channel, std::span<const Scalar> values) = 0;
  /// This, if the smallest and the largest of some values tell it as much as all of them would; else null.
  [[nodiscard]] virtual EndsObserver* takes_ends() noexcept { return nullptr; }
  /// Forgets everything: weights are looked at anew after every update.
  virtual void reset() = 0;
  /// False until something was observed.
  [[nodiscard]] virtual bool ready() const = 0;
  /// Finite, low ≤ high; a constant or all-zero channel gives what it has.
  [[nodiscard]] virtual Range range(std::int64_t channel) const = 0;
  /// State, so that training resumes as if it had not stopped.
  [[nodiscard]] virtual std::vector<nn::Buffer> buffers() const = 0;
};

/// Knows every observer of builtin_observers.def.
class ObserverRegistry final : public core::Registry<Observer, core::NoCommonFields, const ObserverFacts&> {
 public:
  ObserverRegistry();
  [[nodiscard]] static const ObserverRegistry& builtin();
};

/// Affine or symmetric scale and zero point of a range (numerics: affine s = (max−min)/(qmax−qmin) over a range extended to 0,
/// z = clamp(round(qmin − min/s), qmin, qmax); symmetric s = amax/qmax, `full_range` amax/(qmax+½)). All-zero: s = 1, z = 0
/// or qmin. `power_of_two`: the exponent is rounded half to even.
struct ScaleRule {
  bool symmetric = true, full_range = false, power_of_two = false;
};
void set_scale(QParams& params, std::size_t slot, Range range, const ScaleRule& rule) noexcept;

}  // namespace tempera::quant
