#include "tempera/quant/quantizer.hpp"

#include <fmt/format.h>

#include "tempera/core/errors.hpp"

namespace tempera::quant {

#define TEMPERA_QUANTIZER(name) void add_##name(QuantizerRegistry& registry);
#include "tempera/quant/builtin_quantizers.def"
#undef TEMPERA_QUANTIZER

QuantizerRegistry::QuantizerRegistry() : Registry("quantizer") {
#define TEMPERA_QUANTIZER(name) add_##name(*this);
#include "tempera/quant/builtin_quantizers.def"
#undef TEMPERA_QUANTIZER
}

const QuantizerRegistry& QuantizerRegistry::builtin() {
  static const QuantizerRegistry registry;
  return registry;
}

QParams Quantizer::known_params() const {
  std::optional<QParams> grid = params();
  if (!grid) throw core::UnsupportedError("quantizer", "its values are no integers times a scale");
  return *std::move(grid);
}

Integers Quantizer::integers(const core::Tensor& x) const {
  Integers result{.values = std::vector<std::int32_t>(static_cast<std::size_t>(x.numel())), .params = known_params()};
  const QParams& grid = result.params;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    result.values[static_cast<std::size_t>(i)] =
        grid.quantize(static_cast<float>(x.values()[static_cast<std::size_t>(i)]), grid.slot(i, x.shape()));
  }
  return result;
}

}  // namespace tempera::quant
