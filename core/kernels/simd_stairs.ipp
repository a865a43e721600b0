// A staircase of sigmoids, of which only those near a position are computed.

// Where vectors of positions lie, and what of the staircase they see.
struct StairsView {
  V temperature, width, width_rest, by_width, origin, low, high, steps, ratio;
  float reach;  // in steps, a whole number
  bool gentle;  // e^z of one step follows from the step before by a factor, without leaving the range of a float
};

StairsView view_of(const SigmoidStairs& s) noexcept {
  const auto t = static_cast<float>(s.temperature), width = static_cast<float>(s.width);
  const auto origin = static_cast<float>(s.middle + 0.5), steps = static_cast<float>(s.steps);
  const float reach = __builtin_ceilf(static_cast<float>(kSigmoidReach) / t);
  float ratio[kLanes];
  exp(V(t)).store_unaligned(ratio);
  return {.temperature = V(t),
          .width = V(width),
          .width_rest = V(static_cast<float>(s.width - static_cast<double>(width))),
          .by_width = V(1 / width),
          .origin = V(origin),
          .low = V(-origin - reach - 2),
          .high = V(steps - origin + reach + 3),
          .steps = V(steps),
          .ratio = V(ratio[0]),
          .reach = reach,
          .gentle = t <= 20};
}

// Σ σ and Σ σ(1 − σ).
struct StairsPoint {
  V sum, slope;
};

// A position is its next lower whole number and a fraction, for which the quotient's rounding is made good: a float would lose
// what T multiplies.
StairsPoint point_at(V x, const StairsView& view) noexcept {
  const V one(1.0F), nothing(0.0F);
  const V quotient = x / view.width;
  const V a = xsimd::min(view.high, xsimd::max(view.low, quotient));  // NaN passes, as the second operand
  const V rest = fnma(a, view.width_rest, fnma(a, view.width, x)) * view.by_width;
  const V base = xsimd::floor(a + view.origin);
  const V fraction = (a - (base - view.origin)) + xsimd::select(a == quotient, rest, nothing);
  V step = base - V(view.reach);  // those up to here count 1
  const V below = xsimd::min(view.steps, xsimd::max(nothing, step));
  StairsPoint point{.sum = nothing, .slope = nothing};
  V ahead = V(-view.reach) - fraction;  // of the position
  V e = exp(view.temperature * (ahead + one));
  for (float d = 1 - view.reach; d <= view.reach; ++d) {
    step += one;
    ahead += one;
    if (!view.gentle) e = exp(view.temperature * ahead);
    const V sigma = one / (one + e);
    const auto is_step = (step >= one) & (step <= view.steps);
    point.sum += xsimd::select(is_step, sigma, nothing);
    point.slope += xsimd::select(is_step, sigma * (one - sigma), nothing);
    if (view.gentle) e *= view.ratio;
  }
  point.sum += below + (fraction - fraction);  // NaN stays NaN
  return point;
}

void sigmoid_stairs(std::int64_t n, const SigmoidStairs& stairs, const float* x, float* y, float* slope) noexcept {
  const StairsView view = view_of(stairs);
  const V height(static_cast<float>(stairs.height)), middle(static_cast<float>(stairs.middle));
  const V steepness(static_cast<float>(stairs.height / stairs.width * stairs.temperature));
  for (std::int64_t i = 0; i < n; i += kLanes) {
    const Part part = part_of(n - i);
    const StairsPoint point = point_at(load(x + i, part), view);
    store(y + i, part, height * (point.sum - middle));
    store(slope + i, part, steepness * point.slope);
  }
}

void fill_stairs(KernelTable& table) noexcept {
  if (kFuses) table.sigmoid_stairs = sigmoid_stairs;
}
