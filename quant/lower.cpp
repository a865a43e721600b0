#include "tempera/quant/lower.hpp"

#include <utility>

#include "tempera/quant/lowering.hpp"

namespace tempera::quant {

Program lower(const nn::Model& model, const LowerConfig& config, LowerReport* report) {
  const nn::Graph graph = nn::lower(model);
  LowerReport counted;
  Program program = Lowering(graph, config).run(counted);
  check(program);
  if (report != nullptr) *report = counted;
  return program;
}

}  // namespace tempera::quant
