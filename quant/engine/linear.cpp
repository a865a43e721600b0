// Linear layers: for a few samples, byte weights read once and only where the input is not 0; for many, tiles of rows, without
// the steps at which all of them are 0 (the borders of MNIST's images: half of the steps).
#include <algorithm>
#include <array>
#include <span>

#include "tempera/core/integers.hpp"
#include "tempera/quant/engine/product.hpp"

namespace tempera::quant::engine {
namespace {

constexpr std::int64_t kTileFrom = 4;  // samples from which tiles win over single rows

WeightRows rows_of(const program::Linear& layer, const Place& input) {
  const std::int64_t out = layer.weight.shape[0], in = layer.weight.shape[1];
  WeightRows rows{.out = out, .length = in, .values = std::vector<std::int16_t>(layer.weight.values.size())};
  const std::vector<std::int32_t> order = order_of(input);
  for (std::size_t i = 0; i < rows.values.size(); ++i) {
    const std::size_t o = i / static_cast<std::size_t>(in), column = i % static_cast<std::size_t>(in);
    const std::int32_t zero = layer.weight.zero_points.empty() ? 0 : layer.weight.zero_points[o];
    rows.values[o * static_cast<std::size_t>(in) + static_cast<std::size_t>(order[column])] =
        static_cast<std::int16_t>(layer.weight.values[i] - zero);
  }
  return rows;
}

class Linear final : public Step {
 public:
  Linear(const StepSource& source, const program::Linear& layer)
      : input_(source.input()),
        output_(source.output()),
        row_bytes_(core::round_up(input_.numel, 64)),
        product_(source, rows_of(layer, source.input()), layer.bias, layer.requant, true,
                 Product::fits_bytes(source.input_buffer(), layer.weight)) {}

  [[nodiscard]] std::int64_t scratch_bytes() const override {
    if (input_.bytes) return sparse_bytes() + 2 * row_bytes_;
    if (product_.takes_bytes()) return std::max(sparse_bytes(), Product::block() * row_bytes_);
    return std::max(sparse_bytes(), product_.list_bytes());
  }

  void run(const Frame& frame) const override {
    if (product_.has_sparse() && frame.samples < kTileFrom) {
      for (std::int64_t i = 0; i < frame.samples; ++i) {
        product_.run_sparse(wide_row(frame, i), frame.scratch, frame.bytes_at(output_, i));
      }
      return;
    }
    std::array<const void*, Product::kBlock> rows{};
    Product::StepLists lists;
    const bool may_list = product_.has_sparse() && !product_.takes_bytes();
    for (std::int64_t i = 0; i < frame.samples; i += Product::block()) {
      const std::int64_t m = std::min(Product::block(), frame.samples - i);
      for (std::int64_t r = 0; r < m; ++r) rows[static_cast<std::size_t>(r)] = row(frame, i + r, r);
      const bool listed =
          may_list && product_.list_steps(std::span(rows).first(static_cast<std::size_t>(m)), frame.scratch, lists);
      product_.run({.m = m,
                    .a = rows.data(),
                    .lists = listed ? lists.data() : nullptr,
                    .y = frame.bytes_at(output_, i),
                    .y_row = output_.stride});
    }
  }

 private:
  [[nodiscard]] std::int64_t sparse_bytes() const { return core::round_up(product_.sparse_bytes(), 64); }

  // The input of a sample for a product of its own, behind whose memory bytes are widened.
  [[nodiscard]] const std::int16_t* wide_row(const Frame& frame, std::int64_t sample) const {
    if (!input_.bytes) return frame.at<std::int16_t>(input_, sample);
    auto* values = reinterpret_cast<std::int16_t*>(frame.scratch + sparse_bytes());
    core::int_kernels().widen_u8(input_.numel, frame.at<std::uint8_t>(input_, sample),
                                 input_.offset - input_.background, values);
    return values;
  }
  // The input of a sample as tiles take it; bytes of other places are made in slot `slot` of the scratch.
  [[nodiscard]] const void* row(const Frame& frame, std::int64_t sample, std::int64_t slot) const {
    if (input_.bytes) return frame.bytes_at(input_, sample);
    const auto* x = frame.at<std::int16_t>(input_, sample);
    if (!product_.takes_bytes()) return x;
    auto* bytes = reinterpret_cast<std::uint8_t*>(frame.scratch) + slot * row_bytes_;
    core::int_kernels().narrow_u8(input_.numel, x, product_.byte_shift(), bytes);
    return bytes;
  }

  Place input_, output_;
  std::int64_t row_bytes_;
  Product product_;
};

}  // namespace

std::unique_ptr<Step> make_linear(const StepSource& source, const program::Linear& layer) {
  return std::make_unique<Linear>(source, layer);
}

}  // namespace tempera::quant::engine
