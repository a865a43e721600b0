// One step of an optimizer.

// w −= rate·step, where step(i, weights, part) has kLanes values at a time; the last may be a part.
template <class Step>
void descend(std::int64_t n, float rate, float* w, const Step& step) noexcept {
  const V by(-rate);
  const auto update = [&](std::int64_t i, auto read, auto write) {
    const V weights = read(w + i);
    write(w + i, fma(by, step(i, weights, read, write), weights));
  };
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    update(
        i, [](const float* x) { return V::load_unaligned(x); }, [](float* y, V v) { v.store_unaligned(y); });
  }
  if (i == n) return;
  const Part rest = part_of(n - i);
  update(
      i, [rest](const float* x) { return load(x, rest); }, [rest](float* y, V v) { store(y, rest, v); });
}

void sgd(std::int64_t n, float rate, float momentum, float decay, bool nesterov, const float* g, float* v,
         float* w) noexcept {
  const V keep(momentum), pull(decay);
  const auto plain = [&](std::int64_t i, V weights, auto read, auto) { return fma(pull, weights, read(g + i)); };
  if (momentum == 0) return descend(n, rate, w, plain);
  const auto velocity = [&](std::int64_t i, V gradient, auto read, auto write) {
    const V next = fma(keep, read(v + i), gradient);
    write(v + i, next);
    return next;
  };
  if (!nesterov) {
    return descend(n, rate, w, [&](std::int64_t i, V weights, auto read, auto write) {
      return velocity(i, plain(i, weights, read, write), read, write);
    });
  }
  descend(n, rate, w, [&](std::int64_t i, V weights, auto read, auto write) {
    const V gradient = plain(i, weights, read, write);
    return fma(keep, velocity(i, gradient, read, write), gradient);
  });
}

void adam(std::int64_t n, float rate, float beta1, float beta2, float epsilon, float c1, float c2, float decay,
          float decoupled_decay, const float* g, float* m, float* v, float* w) noexcept {
  const V b1(beta1), b2(beta2), rest1(1 - beta1), rest2(1 - beta2), eps(epsilon), pull(decay), shrink(decoupled_decay);
  const V correct1(1 / c1), correct2(1 / c2);
  descend(n, rate, w, [&](std::int64_t i, V weights, auto read, auto write) {
    const V gradient = fma(pull, weights, read(g + i));
    const V mean = fma(b1, read(m + i), rest1 * gradient);
    const V square = fma(b2, read(v + i), rest2 * gradient * gradient);
    write(m + i, mean);
    write(v + i, square);
    return fma(shrink, weights, mean * correct1 / (xsimd::sqrt(square * correct2) + eps));
  });
}

void fill_update(KernelTable& table) noexcept {
  table.sgd = sgd;
  table.adam = adam;
}
