// The walk from a graph to a program; quant/lower.hpp is what others call.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tempera/nn/graph.hpp"
#include "tempera/quant/config.hpp"
#include "tempera/quant/integer_rules.hpp"
#include "tempera/quant/lower.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::quant {

/// What a node of the graph has become.
struct LoweredValue {
  enum class Kind {
    kFloat,        ///< the samples before they are quantized
    kGrid,         ///< a buffer of integers on a grid
    kAccumulator,  ///< a buffer of int32 sums
    kPending,      ///< a sum, join or function that has no instruction until a site gives it a grid
  };
  Kind kind = Kind::kFloat;
  int buffer = -1;            ///< of a grid or accumulator
  QParams grid;               ///< of a grid
  std::vector<double> scale;  ///< of an accumulator: [1], or one for each channel
  RealRange range;            ///< a clamp that is still to be applied to an accumulator or what is pending
  /// Of an accumulator: the buffers from the one its layer writes to this one, each read by the next alone. A monotone
  /// requantization may then move in front of the pooling and reshaping between.
  std::vector<int> chain;
  nn::GraphValue pending = -1;  ///< node of what is pending
};

/// One instruction after the other; instruction i writes buffer i.
class Lowering {
 public:
  Lowering(const nn::Graph& graph, const LowerConfig& config);
  [[nodiscard]] Program run(LowerReport& report);

 private:
  using Kind = LoweredValue::Kind;
  [[nodiscard]] LoweredValue lower(const nn::GraphNode& node);

  // One for each operation of the graph.
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::Input& op);
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::Pass& op);
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::Linear& op);
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::Conv2d& op);
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::BatchNorm& op);
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::Clamp& op);
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::MaxPool2d& op);
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::AvgPool2d& op);
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::GlobalAvgPool2d& op);
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::Add& op);
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::Concat& op);
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::Reshape& op);
  LoweredValue visit(const nn::GraphNode& node, const nn::graph::Function& op);

  LoweredValue weighted(const nn::GraphNode& node);
  LoweredValue moved(const nn::GraphNode& node, program::Operation operation);
  LoweredValue pending(const nn::GraphNode& node);

  // What a site's grid makes of a value (lowering_sites.cpp); each gives the buffer it emitted.
  int requantized(const nn::GraphNode& node, const LoweredValue& x, const QParams& grid);
  int hoisted(const std::vector<int>& chain, const ProgramBuffer& out, Requant requant);
  int added(const nn::GraphNode& node, const LoweredValue& x, const QParams& grid);
  int joined(const nn::GraphNode& node, const LoweredValue& x, const QParams& grid);
  int looked_up(const nn::GraphNode& node, const LoweredValue& x, const QParams& grid);

  [[nodiscard]] const LoweredValue& on_grid(const nn::GraphNode& node) const;
  /// A buffer that holds the value, with nothing left to be applied.
  int settled(const nn::GraphNode& node, const LoweredValue& x);
  [[nodiscard]] Requant requant(const nn::GraphNode& node, const LoweredValue& x, std::span<const double> scale,
                                const QParams& grid, const RealRange& range) const;
  [[nodiscard]] Thresholds thresholds(const nn::GraphNode& node, const LoweredValue& x, std::span<const double> scale,
                                      const QParams& grid, IntegerRange kept) const;
  [[nodiscard]] ProgramBuffer placed(const nn::GraphNode& node, const QParams& grid, const RealRange& range) const;

  int emit(const nn::GraphNode& node, program::Operation operation, std::vector<int> inputs, ProgramBuffer buffer);
  [[nodiscard]] const LoweredValue& value(nn::GraphValue node) const { return values_[static_cast<std::size_t>(node)]; }
  [[nodiscard]] ProgramBuffer& buffer(int index) { return program_.buffers[static_cast<std::size_t>(index)]; }
  [[nodiscard]] const nn::graph::BatchNorm* norm_behind(nn::GraphValue weighted) const;

  const nn::Graph& graph_;
  const LowerConfig& config_;
  std::map<nn::GraphValue, nn::GraphValue> norms_;   ///< weighted node → the batch norm folded into it
  std::vector<int> readers_;                         ///< of each node
  std::map<int, std::vector<double>> accumulators_;  ///< scales of buffers as their layer writes them
  std::vector<LoweredValue> values_;
  Program program_;
  LowerReport report_;
};

}  // namespace tempera::quant
