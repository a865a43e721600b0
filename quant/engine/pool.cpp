// Pooling of images whose channels lie together.
#include <algorithm>
#include <array>

#include "tempera/quant/engine/panels.hpp"
#include "tempera/quant/engine/step.hpp"
#include "tempera/quant/reference/operations.hpp"

namespace tempera::quant::engine {
namespace {

// Where a window meets the image along one axis: cells [begin, end).
struct Cells {
  std::int64_t begin, end;
};

Cells cells_of(std::int64_t output, std::int64_t size, std::int64_t stride, std::int64_t padding, std::int64_t extent) {
  const std::int64_t begin = output * stride - padding;
  return {std::max<std::int64_t>(begin, 0), std::min(begin + size, extent)};
}

template <class Options>
class Pool : public Step {
 public:
  Pool(const StepSource& source, const Options& options)
      : options_(options),
        input_(source.input()),
        output_(source.output()),
        image_(source.input_buffer().shape),
        outputs_{1, 1},
        change_(input_.offset - output_.offset) {
    if (source.output_buffer().shape.rank() == 3)
      outputs_ = {source.output_buffer().shape[1], source.output_buffer().shape[2]};
  }

 protected:
  [[nodiscard]] Cells rows(std::int64_t oy) const {
    return cells_of(oy, options_.size[0], options_.stride[0], options_.padding[0], image_[1]);
  }
  [[nodiscard]] Cells columns(std::int64_t ox) const {
    return cells_of(ox, options_.size[1], options_.stride[1], options_.padding[1], image_[2]);
  }

  Options options_;
  Place input_, output_;
  core::Shape image_;
  std::array<std::int64_t, 2> outputs_;
  std::int32_t change_;  // from an input's value to an output's
};

// Largest values of accumulators or activations, window by window.
template <class T>
class MaxPool : public Pool<program::MaxPool2d> {
 public:
  using Pool::Pool;

  void run(const Frame& frame) const override {
    for (std::int64_t i = 0; i < frame.samples; ++i) {
      for (std::int64_t oy = 0; oy < outputs_[0]; ++oy) {
        run_row(frame.at<T>(input_, i), oy, frame.at<T>(output_, i) + oy * outputs_[1] * image_[0]);
      }
    }
  }

 protected:
  virtual void run_row(const T* x, std::int64_t oy, T* y) const {
    for (std::int64_t ox = 0; ox < outputs_[1]; ++ox) run_window(x, rows(oy), columns(ox), y + ox * image_[0]);
  }
  void run_window(const T* x, Cells in_y, Cells in_x, T* y) const {
    for (std::int64_t c = 0; c < image_[0]; ++c) {
      T largest = x[(in_y.begin * image_[2] + in_x.begin) * image_[0] + c];
      for (std::int64_t iy = in_y.begin; iy < in_y.end; ++iy) {
        for (std::int64_t ix = in_x.begin; ix < in_x.end; ++ix) {
          largest = std::max(largest, x[(iy * image_[2] + ix) * image_[0] + c]);
        }
      }
      y[c] = static_cast<T>(largest + change_);
    }
  }
};

// The same by the kernel, where a window lies whole inside the image.
class FastMaxPool final : public MaxPool<std::int16_t> {
 public:
  FastMaxPool(const StepSource& source, const program::MaxPool2d& pool) : MaxPool(source, pool) {
    for (std::int64_t ky = 0; ky < pool.size[0]; ++ky) {
      for (std::int64_t kx = 0; kx < pool.size[1]; ++kx) offsets_.push_back((ky * image_[2] + kx) * image_[0]);
    }
    // Outputs [first_, last_) of a row read no column outside.
    const std::int64_t last_start = image_[2] + pool.padding[1] - pool.size[1];
    first_ = std::min((pool.padding[1] + pool.stride[1] - 1) / pool.stride[1], outputs_[1]);
    last_ = last_start < 0 ? first_ : std::clamp(last_start / pool.stride[1] + 1, first_, outputs_[1]);
  }

 protected:
  void run_row(const std::int16_t* x, std::int64_t oy, std::int16_t* y) const override {
    const Cells in_y = rows(oy);
    if (in_y.end - in_y.begin < options_.size[0]) return MaxPool::run_row(x, oy, y);
    for (std::int64_t ox = 0; ox < first_; ++ox) run_window(x, in_y, columns(ox), y + ox * image_[0]);
    const std::int64_t begin = first_ * options_.stride[1] - options_.padding[1];
    core::int_kernels().max_windows({.count = last_ - first_,
                                     .channels = image_[0],
                                     .step = options_.stride[1] * image_[0],
                                     .cells = static_cast<std::int64_t>(offsets_.size()),
                                     .offsets = offsets_.data(),
                                     .x = x + (in_y.begin * image_[2] + begin) * image_[0]},
                                    y + first_ * image_[0]);
    for (std::int64_t ox = last_; ox < outputs_[1]; ++ox) run_window(x, in_y, columns(ox), y + ox * image_[0]);
  }

 private:
  std::vector<std::int64_t> offsets_;
  std::int64_t first_ = 0, last_ = 0;
};

class AvgPool final : public Pool<program::AvgPool2d> {
 public:
  using Pool::Pool;

  [[nodiscard]] std::int64_t scratch_bytes() const override { return 8 * image_[0]; }

  void run(const Frame& frame) const override {
    for (std::int64_t i = 0; i < frame.samples; ++i) {
      auto* y = frame.at<std::int16_t>(output_, i);
      for (std::int64_t oy = 0; oy < outputs_[0]; ++oy) {
        for (std::int64_t ox = 0; ox < outputs_[1]; ++ox, y += image_[0]) {
          run_window(frame, frame.at<std::int16_t>(input_, i), rows(oy), columns(ox), y);
        }
      }
    }
  }

 private:
  void run_window(const Frame& frame, const std::int16_t* x, Cells in_y, Cells in_x, std::int16_t* y) const {
    auto* sums = reinterpret_cast<std::int64_t*>(frame.scratch);
    std::fill_n(sums, image_[0], 0);
    for (std::int64_t iy = in_y.begin; iy < in_y.end; ++iy) {
      for (std::int64_t ix = in_x.begin; ix < in_x.end; ++ix) {
        const std::int16_t* cell = x + (iy * image_[2] + ix) * image_[0];
        for (std::int64_t c = 0; c < image_[0]; ++c) sums[c] += cell[c];
      }
    }
    const std::int64_t cells = (in_y.end - in_y.begin) * (in_x.end - in_x.begin);
    const std::int64_t zero = input_.zero_point - input_.offset;  // as a value of the place
    for (std::int64_t c = 0; c < image_[0]; ++c) {
      const std::int64_t mean = reference::divide(sums[c] - cells * zero, cells, options_.rounding);
      y[c] = static_cast<std::int16_t>(mean + zero + change_);
    }
  }
};

}  // namespace

std::unique_ptr<Step> make_pool(const StepSource& source, const program::MaxPool2d& pool) {
  if (source.input().wide) return std::make_unique<MaxPool<std::int32_t>>(source, pool);
  if (source.input().bytes) return std::make_unique<MaxPool<std::uint8_t>>(source, pool);
  if (source.input().offset != source.output().offset) return std::make_unique<MaxPool<std::int16_t>>(source, pool);
  return std::make_unique<FastMaxPool>(source, pool);
}

std::unique_ptr<Step> make_pool(const StepSource& source, const program::AvgPool2d& pool) {
  return std::make_unique<AvgPool>(source, pool);
}

}  // namespace tempera::quant::engine
