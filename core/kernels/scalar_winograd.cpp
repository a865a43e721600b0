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

template <int M, int R>
void data_of(const WinogradGather& t) noexcept {
  gather<M + R - 1, M + R - 1>(t, [](int r, int c) { return WinogradMatrices<M, R>::kData[r][c]; });
}

template <int M, int R>
void filter_of(const WinogradGather& t) noexcept {
  gather<R, M + R - 1>(t, [](int r, int c) { return WinogradMatrices<M, R>::kFilter[r][c]; });
}

template <int M, int R>
void gradient_of(const WinogradGather& t) noexcept {
  gather<M, M + R - 1>(t, [](int r, int c) { return WinogradMatrices<M, R>::kOutput[c][r]; });
}

// The one of three functions that m and r ask for.
template <class T>
void call(const T& t, void (*four)(const T&) noexcept, void (*two)(const T&) noexcept,
          void (*two_of_five)(const T&) noexcept) noexcept {
  (t.taps == 5 ? two_of_five : t.outputs == 4 ? four : two)(t);
}

void data(const WinogradGather& t) noexcept { call(t, data_of<4, 3>, data_of<2, 3>, data_of<2, 5>); }
void filter(const WinogradGather& t) noexcept { call(t, filter_of<4, 3>, filter_of<2, 3>, filter_of<2, 5>); }
void gradient(const WinogradGather& t) noexcept { call(t, gradient_of<4, 3>, gradient_of<2, 3>, gradient_of<2, 5>); }

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

template <int M, int R>
void filter_gradient_of(const WinogradScatter& t) noexcept {
  for (std::int64_t i = 0; i < t.items; ++i) {
    for (std::int64_t lane = 0; lane < t.lanes; ++lane) {
      const Scalar* x = t.from + i * t.item_step + lane;
      Scalar* to = t.to[lane] + t.offsets[i];
      sandwich<M + R - 1, R>([](int r, int c) { return WinogradMatrices<M, R>::kFilter[c][r]; },
                             [&](int r, int c) { return x[(r * (M + R - 1) + c) * t.point_step]; },
                             [&](int r, int c, Scalar value) { to[r * R + c] = value; });
    }
  }
}

void filter_gradient(const WinogradScatter& t) noexcept {
  call(t, filter_gradient_of<4, 3>, filter_gradient_of<2, 3>, filter_gradient_of<2, 5>);
}

template <int M, int R>
void output_of(const WinogradScatter& t) noexcept {
  for (std::int64_t i = 0; i < t.items; ++i) {
    for (std::int64_t lane = 0; lane < t.lanes; ++lane) {
      const Scalar* x = t.from + i * t.item_step + lane;
      Scalar* to = t.to[lane] + t.offsets[i];
      sandwich<M + R - 1, M>([](int r, int c) { return WinogradMatrices<M, R>::kOutput[r][c]; },
                             [&](int r, int c) { return x[(r * (M + R - 1) + c) * t.point_step]; },
                             [&](int r, int c, Scalar value) {
                               if (r >= t.heights[lane] || c >= t.widths[lane]) return;
                               if (t.bias != nullptr) value += t.bias[i];
                               to[r * t.row + c] = t.relu && value < 0 ? Scalar{0} : value;
                             });
    }
  }
}

void output(const WinogradScatter& t) noexcept { call(t, output_of<4, 3>, output_of<2, 3>, output_of<2, 5>); }

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
