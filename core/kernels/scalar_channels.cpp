// Reference kernels: sums and functions of a tensor by channel.
#include "tempera/core/kernels/levels.hpp"

namespace tempera::core::detail {
namespace {

// Calls fn(channel, position) for every value.
template <class Fn>
void for_each(const ChannelBlock& b, Fn fn) noexcept {
  for (std::int64_t c = 0; c < b.channels; ++c) {
    for (std::int64_t n = 0; n < b.samples; ++n) {
      for (std::int64_t i = 0; i < b.cells; ++i) fn(c, n * b.row + c * b.cells + i);
    }
  }
}

// sums[c] = Σ term(channel, position), in double as those of rows are.
template <class Term>
void add_up(const ChannelBlock& b, Scalar* sums, Term term) noexcept {
  for (std::int64_t c = 0; c < b.channels; ++c) {
    double total = 0;
    for_each({.samples = b.samples, .channels = 1, .cells = b.cells, .row = b.row},
             [&](std::int64_t, std::int64_t at) { total += static_cast<double>(term(c, c * b.cells + at)); });
    sums[c] = static_cast<Scalar>(total);
  }
}

void values(const ChannelBlock& b, const Scalar* x, Scalar* sums) noexcept {
  add_up(b, sums, [=](std::int64_t, std::int64_t at) { return x[at]; });
}

void squares(const ChannelBlock& b, const Scalar* x, const Scalar* mean, Scalar* sums) noexcept {
  add_up(b, sums, [=](std::int64_t c, std::int64_t at) { return (x[at] - mean[c]) * (x[at] - mean[c]); });
}

void products(const ChannelBlock& b, const Scalar* dy, const Scalar* x, const Scalar* mean, Scalar* sums,
              Scalar* by_x) noexcept {
  values(b, dy, sums);
  add_up(b, by_x, [=](std::int64_t c, std::int64_t at) { return dy[at] * (x[at] - mean[c]); });
}

void scale(const ChannelBlock& b, const Scalar* x, const Scalar* mean, const Scalar* factor, const Scalar* shift,
           Scalar* y) noexcept {
  for_each(b, [=](std::int64_t c, std::int64_t at) { y[at] = (x[at] - mean[c]) * factor[c] + shift[c]; });
}

void scale_grad(const ChannelBlock& b, const Scalar* dy, const Scalar* x, const Scalar* mean, const Scalar* factor,
                const Scalar* slope, const Scalar* offset, Scalar* dx) noexcept {
  for_each(b, [=](std::int64_t c, std::int64_t at) {
    dx[at] = factor[c] * (dy[at] - offset[c] - (x[at] - mean[c]) * slope[c]);
  });
}

}  // namespace

void fill_scalar_channels(KernelTable& table) {
  table.channel_sum = values;
  table.channel_squares = squares;
  table.channel_products = products;
  table.channel_scale = scale;
  table.channel_scale_grad = scale_grad;
}

}  // namespace tempera::core::detail
