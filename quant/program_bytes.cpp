// What a program's numbers take.
#include "tempera/quant/program.hpp"

namespace tempera::quant {
namespace {

std::int64_t requant_bytes(const std::optional<Requant>& requant) {
  constexpr std::int64_t kMultiplier = 4 + 1 + 4;  // Q31 number, shift, float
  if (!requant) return 0;
  if (!requant->thresholds) return kMultiplier * static_cast<std::int64_t>(requant->multipliers.size());
  const Thresholds& t = *requant->thresholds;
  return 4 * static_cast<std::int64_t>(t.values.size()) + static_cast<std::int64_t>(t.directions.size());
}

template <class Layer>
std::int64_t layer_bytes(const Layer& layer) {
  const auto weights = static_cast<std::int64_t>(layer.weight.values.size());
  return (weights * layer.weight.bits + 7) / 8 + static_cast<std::int64_t>(layer.weight.zero_points.size()) +
         4 * static_cast<std::int64_t>(layer.bias.size()) + requant_bytes(layer.requant);
}

struct StoredBytes {
  std::int64_t operator()(const program::Linear& l) const { return layer_bytes(l); }
  std::int64_t operator()(const program::Conv2d& c) const { return layer_bytes(c); }
  std::int64_t operator()(const program::Requantize& r) const { return requant_bytes(r.requant); }
  std::int64_t operator()(const program::Add& a) const {
    return 8 * static_cast<std::int64_t>(a.multiplier_a.size() + a.multiplier_b.size());
  }
  std::int64_t operator()(const program::Concat& c) const {
    std::int64_t bytes = 0;
    for (const auto& requant : c.requants) bytes += requant_bytes(requant);
    return bytes;
  }
  std::int64_t operator()(const program::Lookup& l) const { return 4 * static_cast<std::int64_t>(l.table.size()); }
  template <class Other>
  std::int64_t operator()(const Other&) const {
    return 0;
  }
};

}  // namespace

std::int64_t stored_bytes(const Program& program) {
  std::int64_t bytes = 0;
  for (const Instruction& in : program.instructions) bytes += std::visit(StoredBytes{}, in.operation);
  return bytes;
}

}  // namespace tempera::quant
