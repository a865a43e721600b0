// Integers nearest to quotients by a grid's scale, ties to even, as true divisions and then roundings give them. Of most
// numbers x·(1/s) tells: the two may differ only where x lies within a few units in the last place of a tie, and whether it
// does is seen in the distance to the step that was chosen. With |x/s| ≤ q both quotients have an error of at most q·2⁻²⁴
// and the distance one of 2⁻²⁴ of itself: nothing is in doubt up to s·(½ − q·2⁻²²). Numbers beyond the grid have a step
// beyond it either way. Adding 1.5·2²³ and taking it away rounds in the product's own instruction and gives no −0.
class NearestSteps {
 public:
  explicit NearestSteps(const FakeQuantGrid& grid) noexcept
      : divided_(grid.scale), scale_(grid.scale), inverse_(1 / grid.scale) {
    const float below = grid.zero - grid.low, above = grid.high - grid.zero;
    const float most = (below > above ? below : above) + 2;
    guesses_ = kFuses && most < 1024 && grid.scale > 0x1p-60F && grid.scale < 0x1p60F;
    sure_ = V(grid.scale * (0.5F - most * 0x1p-22F));
  }

  // step[i] of x[i], for a few vectors at once: being sure is asked of them together.
  template <int n>
  void of(const V (&x)[n], V (&step)[n]) const noexcept {
    if (guesses_) {
      const V ones(0x1.8p23F);
      V farthest(0.0F);
#pragma GCC unroll 4
      for (int i = 0; i < n; ++i) {
        step[i] = fma(x[i], inverse_, ones) - ones;
        farthest = larger_magnitude(fnma(step[i], scale_, x[i]), farthest);
      }
      if (!xsimd::any(farthest > sure_)) return;
    }
#pragma GCC unroll 4
    for (int i = 0; i < n; ++i) step[i] = xsimd::nearbyint(V(divided_(x[i]))) + V(0.0F);  // + 0 makes 0 of −0
  }

 private:
  Divisor divided_;
  V scale_, inverse_, sure_;
  bool guesses_;
};

// (steps, clamped to a grid)·scale of a few vectors; steps are counted from the zero point: integers below 2^24 are added
// without rounding.
class Snap {
 public:
  explicit Snap(const FakeQuantGrid& grid) noexcept
      : nearest_(grid),
        scale_(grid.scale),
        low_(grid.low - grid.zero),
        high_(grid.high - grid.zero),
        covers_(grid.covers) {}

  // Takes out of `inside` where something is clamped or NaN.
  template <int n>
  void operator()(const V (&x)[n], V (&y)[n], V::batch_bool_type& inside) const noexcept {
    nearest_.of(x, y);
#pragma GCC unroll 4
    for (V& value : y) {
      if (!covers_) {
        const V clamped = xsimd::min(high_, xsimd::max(low_, value));  // NaN passes, as the second operand
        inside = inside & (clamped == value);
        value = clamped;
      }
      value = value * scale_;
    }
  }

 private:
  NearestSteps nearest_;
  V scale_, low_, high_;
  bool covers_;
};
