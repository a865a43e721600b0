#include "tempera/quant/engine/byte_places.hpp"

#include <algorithm>

#include "tempera/quant/engine/conv_rows.hpp"
#include "tempera/quant/engine/product.hpp"
#include "tempera/quant/engine/step.hpp"

namespace tempera::quant::engine {
namespace {

class ByteBuffers {
 public:
  ByteBuffers(const Program& program, const std::vector<std::size_t>& root, const Layout& layout)
      : program_(program), root_(root), layout_(layout), bytes_(root.size()) {}

  // From the last buffer to the first, because a convolution's is one if that of the pool behind it is.
  std::vector<bool> decide() {
    for (std::size_t i = program_.instructions.size(); i-- > 0;) {
      const std::size_t output = output_of(i);
      if (root_[output] == output) bytes_[output] = writes(i) && all_read(output);
    }
    return std::move(bytes_);
  }

 private:
  [[nodiscard]] std::size_t output_of(std::size_t i) const {
    return static_cast<std::size_t>(program_.instructions[i].output);
  }

  // Whether instruction i can write bytes.
  [[nodiscard]] bool writes(std::size_t i) const {
    const program::Operation& operation = program_.instructions[i].operation;
    if (std::holds_alternative<program::Quantize>(operation)) return true;
    if (const auto* linear = std::get_if<program::Linear>(&operation)) return has_kernel(linear->requant);
    if (const auto* conv = std::get_if<program::Conv2d>(&operation)) return has_kernel(conv->requant);
    return std::holds_alternative<program::MaxPool2d>(operation) && i > 0 && pooled_with(i - 1) && writes(i - 1);
  }

  // Whether the convolution i can do the pool behind it; there is no kernel for pools of bytes.
  [[nodiscard]] bool pooled_with(std::size_t i) const {
    return pooled_alone(program_, layout_.places, i) && pools_by_pairs(program_.buffers[output_of(i)].shape);
  }

  // Whether all that read the buffer, and there are some, take bytes.
  [[nodiscard]] bool all_read(std::size_t buffer) const {
    bool read = false;
    for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
      const Instruction& in = program_.instructions[i];
      const auto reads = [&](int input) { return root_[static_cast<std::size_t>(input)] == buffer; };
      if (std::ranges::none_of(in.inputs, reads) || root_[output_of(i)] == buffer) continue;  // as are reshapes
      if (!takes(i)) return false;
      read = true;
    }
    return read;
  }

  [[nodiscard]] bool takes(std::size_t i) const {
    const StepSource source{program_, program_.instructions[i], layout_};
    const program::Operation& operation = source.instruction.operation;
    if (const auto* linear = std::get_if<program::Linear>(&operation)) {
      return Product::fits_bytes(source.input_buffer(), linear->weight);
    }
    if (const auto* conv = std::get_if<program::Conv2d>(&operation)) {
      return !is_depthwise(*conv) && !minimal_conv_pays(source, *conv) && takes_quads(source, *conv);
    }
    return std::holds_alternative<program::MaxPool2d>(operation) && bytes_[root_[output_of(i)]];
  }

  const Program& program_;
  const std::vector<std::size_t>& root_;
  const Layout& layout_;
  std::vector<bool> bytes_;
};

}  // namespace

void use_bytes(const Program& program, const std::vector<std::size_t>& root, Layout& layout) {
  const std::vector<bool> bytes = ByteBuffers(program, root, layout).decide();
  for (std::size_t i = 0; i < root.size(); ++i) {
    Place& place = layout.places[i];
    place.background = place.offset;
    place.bytes = bytes[root[i]];
    if (place.bytes) place.offset = lowest_of(program.buffers[i].cell);
  }
}

}  // namespace tempera::quant::engine
