// Instructions that take values one by one, and the choice of a step for every instruction.
#include <algorithm>
#include <array>

#include "tempera/core/kernels/int_table.hpp"
#include "tempera/quant/engine/step.hpp"
#include "tempera/quant/program_shapes.hpp"
#include "tempera/quant/reference/operations.hpp"

namespace tempera::quant::engine {
namespace {

// Calls fn with a value of the type that the place holds.
template <class Fn>
void with_cells(const Place& place, Fn&& fn) {
  if (place.wide) return fn(std::int32_t{});
  fn(std::int16_t{});
}

// q = function(i-th input's q…, channel) for every value; all places of a step have the same order.
template <class Function>
class Map final : public Step {
 public:
  Map(const StepSource& source, Function function)
      : input_(source.input()),
        output_(source.output()),
        runs_(runs_of(input_, source.input_buffer().shape)),
        function_(std::move(function)) {}

  void run(const Frame& frame) const override {
    with_cells(input_, [&](auto in) {
      with_cells(output_, [&](auto out) {
        for (std::int64_t i = 0; i < frame.samples; ++i) {
          map(frame.at<decltype(in)>(input_, i), frame.at<decltype(out)>(output_, i));
        }
      });
    });
  }

 private:
  template <class In, class Out>
  void map(const In* x, Out* y) const {
    for (std::int64_t o = 0; o < runs_.outer; ++o) {
      for (std::int64_t c = 0; c < runs_.channels; ++c) {
        for (std::int64_t i = 0; i < runs_.inner; ++i, ++x, ++y) {
          *y = static_cast<Out>(function_(*x + input_.offset, c) - output_.offset);
        }
      }
    }
  }

  Place input_, output_;
  ChannelRuns runs_;
  Function function_;
};

template <class Function>
std::unique_ptr<Step> make_map(const StepSource& source, Function function) {
  return std::make_unique<Map<Function>>(source, std::move(function));
}

class Quantize final : public Step {
 public:
  Quantize(const StepSource& source, const program::Quantize& q)
      : output_(source.output()), params_(q.params), order_(order_of(output_)) {
    fast_ = !output_.wide && (params_.rounding == Rounding::kHalfEven || params_.rounding == Rounding::kStochastic);
  }

  [[nodiscard]] std::int64_t scratch_bytes() const override { return 2 * output_.numel; }

  void run(const Frame& frame) const override {
    if (output_.bytes) return run_cells<std::uint8_t>(frame, core::int_kernels().quantize_u8);
    if (!output_.wide) return run_cells<std::int16_t>(frame, core::int_kernels().quantize_s16);
    for (std::int64_t i = 0; i < frame.samples; ++i) {
      run_plain(frame.x + i * output_.numel, frame.at<std::int32_t>(output_, i));
    }
  }

 private:
  template <class T, class Kernel>
  void run_cells(const Frame& frame, Kernel kernel) const {
    for (std::int64_t i = 0; i < frame.samples; ++i) {
      const Scalar* x = frame.x + i * output_.numel;
      T* y = frame.at<T>(output_, i);
      fast_ ? run_fast(kernel, x, output_.image ? reinterpret_cast<T*>(frame.scratch) : y, y) : run_plain(x, y);
    }
  }
  template <class T, class Kernel>
  void run_fast(Kernel kernel, const Scalar* x, T* listed, T* y) const {
    const std::int32_t zero = params_.zero_point[0];
    kernel(output_.numel, x, params_.scale[0], static_cast<float>(params_.qmin - zero),
           static_cast<float>(params_.qmax - zero), zero - output_.offset, listed);
    if (listed == y) return;
    for (std::size_t j = 0; j < order_.size(); ++j) y[order_[j]] = listed[j];
  }
  template <class T>
  void run_plain(const Scalar* x, T* y) const {
    for (std::size_t j = 0; j < order_.size(); ++j) {
      y[order_[j]] = static_cast<T>(params_.quantize(static_cast<float>(x[j])) - output_.offset);
    }
  }

  Place output_;
  QParams params_;
  std::vector<std::int32_t> order_;
  bool fast_;
};

class Add final : public Step {
 public:
  Add(const StepSource& source, const program::Add& add)
      : a_(source.input(0)),
        b_(source.input(1)),
        output_(source.output()),
        runs_(runs_of(output_, source.output_buffer().shape)),
        add_(add) {}

  void run(const Frame& frame) const override {
    with_cells(a_, [&](auto a) {
      with_cells(b_, [&](auto b) {
        with_cells(output_, [&](auto y) {
          for (std::int64_t i = 0; i < frame.samples; ++i) {
            sum(frame.at<decltype(a)>(a_, i), frame.at<decltype(b)>(b_, i), frame.at<decltype(y)>(output_, i));
          }
        });
      });
    });
  }

 private:
  template <class A, class B, class Y>
  void sum(const A* a, const B* b, Y* y) const {
    const std::int64_t zero_a = std::int64_t{a_.offset} - a_.zero_point,
                       zero_b = std::int64_t{b_.offset} - b_.zero_point;
    const std::int64_t half = add_.shift == 0 ? 0 : std::int64_t{1} << (add_.shift - 1);
    for (std::int64_t o = 0; o < runs_.outer; ++o) {
      for (std::int64_t c = 0; c < runs_.channels; ++c) {
        const std::int64_t m_a = of_channel(add_.multiplier_a, c), m_b = of_channel(add_.multiplier_b, c);
        for (std::int64_t i = 0; i < runs_.inner; ++i, ++a, ++b, ++y) {
          const std::int64_t exact = (*a + zero_a) * m_a + (*b + zero_b) * m_b;
          const std::int64_t rounded = exact < 0 ? -((half - exact) >> add_.shift) : (exact + half) >> add_.shift;
          const std::int64_t q = std::clamp<std::int64_t>(rounded + add_.zero_point, add_.low, add_.high);
          *y = static_cast<Y>(q - output_.offset);
        }
      }
    }
  }

  Place a_, b_, output_;
  ChannelRuns runs_;
  program::Add add_;
};

class Concat final : public Step {
 public:
  Concat(const StepSource& source, const program::Concat& concat) : output_(source.output()) {
    const ChannelRuns whole = runs_of(output_, source.output_buffer().shape);
    row_ = whole.channels * whole.inner;
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < concat.requants.size(); ++i) {
      // The order of the output decides: an input of one channel lies alike in both.
      const core::Shape& shape = source.input_buffer(i).shape;
      const std::int64_t inner = output_.image ? 1 : shape.numel() / shape[0];
      parts_.push_back({source.input(i), concat.requants[i], {whole.outer, shape[0], inner}, begin});
      begin += shape[0] * inner;
    }
  }

  void run(const Frame& frame) const override {
    for (std::int64_t i = 0; i < frame.samples; ++i) {
      for (const Part& part : parts_) {
        with_cells(part.place, [&](auto in) {
          with_cells(output_, [&](auto out) {
            copy(part, frame.at<decltype(in)>(part.place, i), frame.at<decltype(out)>(output_, i));
          });
        });
      }
    }
  }

 private:
  struct Part {
    Place place;
    std::optional<Requant> requant;
    ChannelRuns runs;
    std::int64_t begin;
  };

  template <class In, class Out>
  void copy(const Part& part, const In* x, Out* y) const {
    for (std::int64_t o = 0; o < part.runs.outer; ++o) {
      Out* to = y + o * row_ + part.begin;
      for (std::int64_t c = 0; c < part.runs.channels; ++c) {
        for (std::int64_t i = 0; i < part.runs.inner; ++i, ++x, ++to) {
          std::int32_t q = *x + part.place.offset;
          if (part.requant) q = reference::apply(*part.requant, q - part.place.zero_point, c);
          *to = static_cast<Out>(q - output_.offset);
        }
      }
    }
  }

  Place output_;
  std::int64_t row_ = 0;
  std::vector<Part> parts_;
};

// Values that lie in another order, or in other cells, under the new shape.
class Reorder final : public Step {
 public:
  explicit Reorder(const StepSource& source)
      : input_(source.input()), output_(source.output()), from_(order_of(input_)), to_(order_of(output_)) {}

  void run(const Frame& frame) const override {
    with_cells(input_, [&](auto in) {
      with_cells(output_, [&](auto out) {
        for (std::int64_t i = 0; i < frame.samples; ++i) {
          const auto* x = frame.at<decltype(in)>(input_, i);
          auto* y = frame.at<decltype(out)>(output_, i);
          for (std::size_t j = 0; j < from_.size(); ++j) {
            y[to_[j]] = static_cast<decltype(out)>(x[from_[j]] + input_.offset - output_.offset);
          }
        }
      });
    });
  }

 private:
  Place input_, output_;
  std::vector<std::int32_t> from_, to_;
};

struct Maker {
  const StepSource& source;

  std::unique_ptr<Step> operator()(const program::Quantize& q) const { return std::make_unique<Quantize>(source, q); }
  std::unique_ptr<Step> operator()(const program::Linear& l) const { return make_linear(source, l); }
  std::unique_ptr<Step> operator()(const program::Conv2d& c) const { return make_conv(source, c); }
  std::unique_ptr<Step> operator()(const program::Requantize& r) const {
    return make_map(source,
                    [requant = r.requant, zero = source.input().zero_point](std::int32_t q, std::int64_t channel) {
                      return reference::apply(requant, q - zero, channel);
                    });
  }
  std::unique_ptr<Step> operator()(const program::Clamp& c) const {
    return make_map(source, [c](std::int32_t q, std::int64_t) { return std::clamp(q, c.low, c.high); });
  }
  std::unique_ptr<Step> operator()(const program::MaxPool2d& p) const { return make_pool(source, p); }
  std::unique_ptr<Step> operator()(const program::AvgPool2d& p) const { return make_pool(source, p); }
  std::unique_ptr<Step> operator()(const program::GlobalAvgPool2d& p) const {
    const core::Shape& image = source.input_buffer().shape;
    return make_pool(source, program::AvgPool2d{{image[1], image[2]}, {1, 1}, {0, 0}, p.rounding});
  }
  std::unique_ptr<Step> operator()(const program::Add& a) const { return std::make_unique<Add>(source, a); }
  std::unique_ptr<Step> operator()(const program::Concat& c) const { return std::make_unique<Concat>(source, c); }
  std::unique_ptr<Step> operator()(const program::Reshape&) const {
    const Place &in = source.input(), &out = source.output();
    if (in.kept == out.kept && in.begin == out.begin && in.stride == out.stride && in.image == out.image &&
        in.offset == out.offset)
      return nullptr;
    return std::make_unique<Reorder>(source);
  }
  std::unique_ptr<Step> operator()(const program::Lookup& l) const {
    return make_map(source, [table = l.table, low = source.input_buffer().low](std::int32_t q, std::int64_t) {
      return table[static_cast<std::size_t>(q - low)];
    });
  }
};

}  // namespace

std::unique_ptr<Step> make_step(const StepSource& source) {
  return std::visit(Maker{source}, source.instruction.operation);
}

}  // namespace tempera::quant::engine
