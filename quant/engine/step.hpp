// An instruction made ready to run on a group of samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tempera/core/scalar.hpp"
#include "tempera/quant/engine/places.hpp"

namespace tempera::quant::engine {

/// The memory a group of samples is computed in.
struct Frame {
  std::byte* arena = nullptr;
  std::byte* scratch = nullptr;  ///< as many bytes as the greediest step asks for
  std::int64_t capacity = 0;     ///< samples the arena is laid out for
  std::int64_t samples = 0;      ///< samples in this group
  const Scalar* x = nullptr;     ///< their inputs

  /// The values of one sample at a place.
  template <class T>
  [[nodiscard]] T* at(const Place& place, std::int64_t sample) const noexcept {
    return reinterpret_cast<T*>(arena + place.begin * capacity) + sample * place.stride;
  }
};

class Step {
 public:
  Step() = default;
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  virtual ~Step() = default;

  virtual void run(const Frame& frame) const = 0;
  /// Called before samples are run in groups of `samples`, never at the same time as run.
  virtual void expect(std::int64_t samples) { static_cast<void>(samples); }
  [[nodiscard]] virtual std::int64_t scratch_bytes() const { return 0; }
};

/// What a step is made from.
struct StepSource {
  const Program& program;
  const Instruction& instruction;
  const Layout& layout;

  [[nodiscard]] const Place& input(std::size_t i = 0) const {
    return layout.places[static_cast<std::size_t>(instruction.inputs[i])];
  }
  [[nodiscard]] const Place& output() const { return layout.places[static_cast<std::size_t>(instruction.output)]; }
  [[nodiscard]] const ProgramBuffer& input_buffer(std::size_t i = 0) const {
    return program.buffers[static_cast<std::size_t>(instruction.inputs[i])];
  }
  [[nodiscard]] const ProgramBuffer& output_buffer() const {
    return program.buffers[static_cast<std::size_t>(instruction.output)];
  }
};

// Null where nothing is to be done.
[[nodiscard]] std::unique_ptr<Step> make_step(const StepSource& source);
[[nodiscard]] std::unique_ptr<Step> make_linear(const StepSource& source, const program::Linear& layer);
[[nodiscard]] std::unique_ptr<Step> make_conv(const StepSource& source, const program::Conv2d& layer);
[[nodiscard]] std::unique_ptr<Step> make_depthwise(const StepSource& source, const program::Conv2d& layer);
[[nodiscard]] std::unique_ptr<Step> make_pool(const StepSource& source, const program::MaxPool2d& pool);
[[nodiscard]] std::unique_ptr<Step> make_pool(const StepSource& source, const program::AvgPool2d& pool);

}  // namespace tempera::quant::engine
