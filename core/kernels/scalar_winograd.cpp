// Reference kernels: Winograd's transforms as the products of matrices that define them.
#include "tempera/core/kernels/levels.hpp"

namespace tempera::core::detail {
namespace {

// to[r, c] = Σ T(r, i)·x(i, j)·T(c, j), with T(r, i) = by(r, i).
template <int IN, int OUT, class By, class In, class Give>
void sandwich(const By& by, const In& in, const Give& give) noexcept {
  Scalar half[IN][OUT];
  for (int i = 0; i < IN; ++i) {
    for (int c = 0; c < OUT; ++c) {
      half[i][c] = 0;
      for (int j = 0; j < IN; ++j) half[i][c] += static_cast<Scalar>(by(c, j)) * in(i, j);
    }
  }
  for (int r = 0; r < OUT; ++r) {
    for (int c = 0; c < OUT; ++c) {
      Scalar sum = 0;
      for (int i = 0; i < IN; ++i) sum += static_cast<Scalar>(by(r, i)) * half[i][c];
      give(r, c, sum);
    }
  }
}

template <int IN, int OUT, class By>
void gather(const WinogradGather& t, const By& by) noexcept {
  for (std::int64_t i = 0; i < t.items; ++i) {
    for (std::int64_t lane = 0; lane < t.lanes; ++lane) {
      const Scalar* x = t.from[lane] + t.offsets[i];
      Scalar* to = t.to + i * t.item_step + lane;
      sandwich<IN, OUT>(
          by, [&](int r, int c) { return t.flipped ? x[(IN - 1 - r) * t.row + IN - 1 - c] : x[r * t.row + c]; },
          [&](int r, int c, Scalar value) { to[(r * OUT + c) * t.point_step] = value; });
    }
  }
}

template <int M>
void data_of(const WinogradGather& t) noexcept {
  gather<M + 2, M + 2>(t, [](int r, int c) { return WinogradMatrices<M>::kData[r][c]; });
}

void data(const WinogradGather& t) noexcept { t.outputs == 4 ? data_of<4>(t) : data_of<2>(t); }

template <int M>
void filter_of(const WinogradGather& t) noexcept {
  gather<3, M + 2>(t, [](int r, int c) { return WinogradMatrices<M>::kFilter[r][c]; });
}

void filter(const WinogradGather& t) noexcept { t.outputs == 4 ? filter_of<4>(t) : filter_of<2>(t); }

void gradient(const WinogradGather& t) noexcept {
  gather<4, 6>(t, [](int r, int c) { return WinogradMatrices<4>::kOutput[c][r]; });
}

void multiply(const GemmTile& t) noexcept {
  for (std::int64_t i = 0; i < t.m; ++i) {
    for (std::int64_t j = 0; j < t.n; ++j) {
      Scalar sum = 0;
      for (std::int64_t p = 0; p < t.k; ++p) sum += t.a[i * t.a_row + p * t.a_column] * t.b[p * t.b_row + j];
      Scalar& c = t.c[i * t.c_row + j];
      c = t.accumulate ? c + sum : sum;
    }
  }
}

void filter_gradient(const WinogradScatter& t) noexcept {
  for (std::int64_t i = 0; i < t.items; ++i) {
    for (std::int64_t lane = 0; lane < t.lanes; ++lane) {
      const Scalar* x = t.from + i * t.item_step + lane;
      Scalar* to = t.to[lane] + t.offsets[i];
      sandwich<6, 3>([](int r, int c) { return WinogradMatrices<4>::kFilter[c][r]; },
                     [&](int r, int c) { return x[(r * 6 + c) * t.point_step]; },
                     [&](int r, int c, Scalar value) { to[r * 3 + c] = value; });
    }
  }
}

template <int M>
void output_of(const WinogradScatter& t) noexcept {
  for (std::int64_t i = 0; i < t.items; ++i) {
    for (std::int64_t lane = 0; lane < t.lanes; ++lane) {
      const Scalar* x = t.from + i * t.item_step + lane;
      Scalar* to = t.to[lane] + t.offsets[i];
      sandwich<M + 2, M>([](int r, int c) { return WinogradMatrices<M>::kOutput[r][c]; },
                         [&](int r, int c) { return x[(r * (M + 2) + c) * t.point_step]; },
                         [&](int r, int c, Scalar value) {
                           if (r >= t.heights[lane] || c >= t.widths[lane]) return;
                           if (t.bias != nullptr) value += t.bias[i];
                           to[r * t.row + c] = t.relu && value < 0 ? Scalar{0} : value;
                         });
    }
  }
}

void output(const WinogradScatter& t) noexcept { t.outputs == 4 ? output_of<4>(t) : output_of<2>(t); }

}  // namespace

void fill_scalar_winograd(KernelTable& table) {
  table.winograd_data = data;
  table.winograd_gradient = gradient;
  table.winograd_filter = filter;
  table.winograd_multiply = multiply;
  table.winograd_filter_gradient = filter_gradient;
  table.winograd_output = output;
}

}  // namespace tempera::core::detail
