// Runs programs: the engine with the processor's integer kernels, and the reference in the plainest scalar loops.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "tempera/core/tensor.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::quant {

/// The integers of one buffer for a whole batch, [batch · numel].
struct IntTensor {
  core::Shape shape;  ///< with the batch axis
  std::vector<std::int32_t> values;
};

/// After every instruction: its position and its output.
using Watch = std::function<void(std::size_t instruction, const IntTensor& value)>;

/// The engine again, one value at a time, by the definitions of program.hpp. x [batch, sample…] → integers of the last
/// buffer.
[[nodiscard]] IntTensor run_reference(const Program& program, const core::Tensor& x, const Watch& watch = {});

/// A program made ready: weights packed for this processor's kernels, memory for a batch laid out. run allocates nothing
/// after the first call of a batch size, and starts no thread at batch 1.
class Engine {
 public:
  explicit Engine(Program program);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  /// x [batch, sample…] → integers of the last buffer [batch, classes]; valid until the next call.
  std::span<const std::int32_t> run(const core::Tensor& x);
  /// The same step by step, showing what every instruction writes: no steps are fused, and no buffer shares memory.
  IntTensor run(const core::Tensor& x, const Watch& watch);
  /// Real logits [batch, classes]: (q − zero_point)·scale of the last buffer.
  [[nodiscard]] core::Tensor logits(const core::Tensor& x);
  [[nodiscard]] const Program& program() const noexcept;

 private:
  struct Prepared;
  std::unique_ptr<Prepared> prepared_;
};

}  // namespace tempera::quant
