// Evaluates an nn::Graph by the plainest loops over each operation's definition, in double precision.
#pragma once

#include <vector>

#include "tempera/core/tensor.hpp"
#include "tempera/nn/graph.hpp"

namespace tempera::contract {

/// One sample through the graph (sites' transforms left out) → the values of the last node.
[[nodiscard]] std::vector<double> interpret(const nn::Graph& graph, const std::vector<double>& sample);

}  // namespace tempera::contract
