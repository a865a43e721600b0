// Quantizers: what becomes of the values of a site, forwards and backwards. One file and one registration each.
//
//   class MyQuantizer final : public Quantizer {
//    public:
//     struct Config { std::int64_t bits = 4; void fields(core::FieldVisitor& v); };
//     MyQuantizer(const Config& config, const SiteFacts& site);
//     …
//   };
//   registry.add<MyQuantizer>("mine", "what it does");
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/registry.hpp"
#include "tempera/core/tensor.hpp"
#include "tempera/core/variable.hpp"
#include "tempera/nn/dtype.hpp"
#include "tempera/nn/parameter.hpp"
#include "tempera/nn/site.hpp"
#include "tempera/quant/qparams.hpp"

namespace tempera::quant {

using core::Variable;
using nn::ForwardContext;

/// Where a quantizer is put.
struct SiteFacts {
  std::string name;  ///< "fc1.weight"
  nn::SiteKind kind = nn::SiteKind::kOutput;
  core::Shape shape;          ///< of the parameter, or of a sample
  bool non_negative = false;  ///< values are known to be ≥ 0 (what follows a ReLU)

  [[nodiscard]] bool is_weight() const noexcept { return kind == nn::SiteKind::kWeight; }
};

/// The integers of a tensor, as the engine is to see them.
struct Integers {
  std::vector<std::int32_t> values;  ///< q, in the tensor's order
  QParams params;
};

class Quantizer {
 public:
  Quantizer() = default;
  Quantizer(const Quantizer&) = delete;
  Quantizer& operator=(const Quantizer&) = delete;
  virtual ~Quantizer() = default;

  /// Takes in values of the site, to choose the range by. Throws NumericError naming the site for NaN or infinity.
  virtual void observe(const core::Tensor& x) = 0;
  /// Forgets what the first values chose, so that the next ones choose it: for quantizers that look once and learn from there.
  virtual void begin_again() {}
  /// Whether a range is known, from observation, from a file or from the config; forward needs one.
  [[nodiscard]] virtual bool ready() const = 0;
  /// The fake-quantized value, with the declared surrogate as its derivative. In training (context.training) a soft form
  /// may be given; otherwise it is the hard one, equal in every bit to dequantizing `integers(x)` where those exist.
  [[nodiscard]] virtual Variable forward(const Variable& x, ForwardContext& context) = 0;
  /// observe(x), then forward(x), or x itself if no range is known yet: a step of training. For who can use that the values are those
  /// that were just looked at.
  [[nodiscard]] virtual Variable observed_forward(const Variable& x, ForwardContext& context) {
    observe(x.value());
    return ready() ? forward(x, context) : x;
  }
  /// The same (`observes`) or forward(x) where a range is known, and then max_pool2d by pairs: for who can do that in one pass.
  [[nodiscard]] virtual Variable pooled_pairs(const Variable& x, bool observes, ForwardContext& context) {
    return core::max_pool2d(observes ? observed_forward(x, context) : ready() ? forward(x, context) : x);
  }
  /// What forward makes of values x of a site whose whole value is `whole`: where steps stand may depend on all of a weight
  /// (its mean, its largest). Unless overridden they do not, and this is forward(x).
  [[nodiscard]] virtual Variable forward_within(const core::Tensor& /*whole*/, const Variable& x,
                                                ForwardContext& context) {
    return forward(x, context);
  }
  /// The grid the hard form lies on; nothing if its values are not integers times a scale (float16). Must be ready().
  [[nodiscard]] virtual std::optional<QParams> params() const = 0;
  /// The same where there has to be one: throws UnsupportedError if there is no grid.
  [[nodiscard]] QParams known_params() const;
  /// Whether that grid is one of the argument as well: values stay where they are, but for rounding and clamping.
  [[nodiscard]] virtual bool keeps_places() const noexcept { return true; }
  /// The hard form of x as integers. Unless overridden: params()->quantize of each element. Throws UnsupportedError if
  /// there is no grid. Grids of weights throw NumericError naming the site for NaN or infinity, where uniform ones, which
  /// activations have as well, take NaN to the zero point.
  [[nodiscard]] virtual Integers integers(const core::Tensor& x) const;
  /// Bits that a value takes in storage.
  [[nodiscard]] virtual int bits() const = 0;

  /// The format of 16-bit floats that has every number forward gives, for those that round to one.
  [[nodiscard]] virtual std::optional<nn::DType> stored_as() const { return std::nullopt; }

  /// Learned numbers (an LSQ scale) and state (a range); their names begin with the site's.
  [[nodiscard]] virtual std::vector<nn::Parameter> parameters() const { return {}; }
  [[nodiscard]] virtual std::vector<nn::Buffer> buffers() const { return {}; }
  /// The steepness T of the soft form in an epoch (from 0), for quantizers that train with one and are shipped without.
  [[nodiscard]] virtual std::optional<double> temperature(std::int64_t /*epoch*/) const { return std::nullopt; }
  /// Numbers that a schedule may change (the temperature of a soft form).
  virtual void numbers(core::FieldVisitor& /*v*/) {}
};

/// Knows every quantizer of builtin_quantizers.def.
class QuantizerRegistry final : public core::Registry<Quantizer, core::NoCommonFields, const SiteFacts&> {
 public:
  QuantizerRegistry();
  [[nodiscard]] static const QuantizerRegistry& builtin();
};

}  // namespace tempera::quant
