// An instruction made ready to run on a group of samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tempera/core/scalar.hpp"
#include "tempera/quant/engine/places.hpp"

namespace tempera::quant::engine {

/// The memory that some samples are computed in.
struct Frame {
  struct Memory {
    std::byte* begin = nullptr;
    std::int64_t capacity = 0;  ///< samples it is laid out for
    std::int64_t first = 0;     ///< which of them is sample 0
  };
  Memory arena, kept;            ///< kept: of places that are
  std::byte* scratch = nullptr;  ///< as many bytes as the greediest step asks for
  std::int64_t samples = 0;
  const Scalar* x = nullptr;  ///< their inputs

  /// The values of one sample at a place.
  [[nodiscard]] std::byte* bytes_at(const Place& place, std::int64_t sample) const noexcept {
    const Memory& m = place.kept ? kept : arena;
    return m.begin + place.begin * m.capacity + (m.first + sample) * place.stride * place.cell();
  }
  template <class T>
  [[nodiscard]] T* at(const Place& place, std::int64_t sample) const noexcept {
    return reinterpret_cast<T*>(bytes_at(place, sample));
  }
  /// The integer of a sample at a position of its place.
  [[nodiscard]] std::int32_t q(const Place& place, std::int64_t sample, std::int64_t position) const noexcept {
    if (place.bytes) return at<std::uint8_t>(place, sample)[position] + place.offset;
    return (place.wide ? at<std::int32_t>(place, sample)[position] : at<std::int16_t>(place, sample)[position]) +
           place.offset;
  }
};

class Step {
 public:
  Step() = default;
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  virtual ~Step() = default;

  virtual void run(const Frame& frame) const = 0;
  [[nodiscard]] virtual std::int64_t scratch_bytes() const { return 0; }

  /// Whether run_pooled can stand for run and the largest of each 2 × 2 outputs: pooled before they are requantized, a
  /// quarter of the values is, and the result is the same because requantization keeps order.
  [[nodiscard]] virtual bool pools() const { return false; }
  virtual void run_pooled(const Frame& frame, const Place& pooled) const {
    static_cast<void>(pooled);
    run(frame);
  }
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
/// Null where minimal filtering does not apply, cannot be proved exact or does not pay.
[[nodiscard]] std::unique_ptr<Step> make_minimal_conv(const StepSource& source, const program::Conv2d& layer);
[[nodiscard]] bool minimal_conv_pays(const StepSource& source, const program::Conv2d& layer);
[[nodiscard]] std::unique_ptr<Step> make_depthwise(const StepSource& source, const program::Conv2d& layer);
[[nodiscard]] std::unique_ptr<Step> make_pool(const StepSource& source, const program::MaxPool2d& pool);
[[nodiscard]] std::unique_ptr<Step> make_pool(const StepSource& source, const program::AvgPool2d& pool);

}  // namespace tempera::quant::engine
