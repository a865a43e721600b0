#include <algorithm>
#include <ctime>
#include <memory>

#include "bounds.hpp"
#include "tempera/core/kernels/peak.hpp"

// The compiler vectorises these loops for each level and takes the best that the processor has.
#define TEMPERA_EVERY_LEVEL __attribute__((target_clones("default", "sse4.2", "avx2", "avx512f")))

namespace bounds {
namespace {

using Words = Values<std::uint32_t>;

// Exclusive or is the cheapest thing to do with what was read, and cannot be left out.
// A quarter of the array for each of four sums, so that no load waits for one.
TEMPERA_EVERY_LEVEL std::uint32_t read_one(std::int64_t n, const std::uint32_t* x) {
  const std::int64_t quarter = n / 4;
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
  for (std::int64_t i = 0; i < quarter; ++i) {
    a ^= x[i];
    b ^= x[i + quarter];
    c ^= x[i + 2 * quarter];
    d ^= x[i + 3 * quarter];
  }
  for (std::int64_t i = 4 * quarter; i < n; ++i) a ^= x[i];
  return a ^ b ^ c ^ d;
}

TEMPERA_EVERY_LEVEL void read_one_write_one(std::int64_t n, const std::uint32_t* __restrict x,
                                            std::uint32_t* __restrict y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] ^ 5U;
}

TEMPERA_EVERY_LEVEL void read_two_write_one(std::int64_t n, const std::uint32_t* __restrict a,
                                            const std::uint32_t* __restrict b, std::uint32_t* __restrict y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] ^ b[i];
}

TEMPERA_EVERY_LEVEL void read_two_write_back(std::int64_t n, const std::uint32_t* __restrict x,
                                             std::uint32_t* __restrict y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] ^= x[i];
}

TEMPERA_EVERY_LEVEL void read_three_write_two(std::int64_t n, const std::uint32_t* __restrict g,
                                              std::uint32_t* __restrict v, std::uint32_t* __restrict w) {
  for (std::int64_t i = 0; i < n; ++i) {
    v[i] ^= g[i];
    w[i] ^= v[i];
  }
}

TEMPERA_EVERY_LEVEL void read_four_write_three(std::int64_t n, const std::uint32_t* __restrict g,
                                               std::uint32_t* __restrict u, std::uint32_t* __restrict v,
                                               std::uint32_t* __restrict w) {
  for (std::int64_t i = 0; i < n; ++i) {
    u[i] ^= g[i];
    v[i] ^= g[i];
    w[i] ^= u[i] ^ v[i];
  }
}

TEMPERA_EVERY_LEVEL void read_bytes_write_one(std::int64_t n, const std::uint8_t* __restrict x, float* __restrict y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(x[i]);
}

// The arrays of a memory loop, as large as the kernel's.
struct Memory {
  explicit Memory(const Work& w)
      : work(w), arrays(static_cast<std::size_t>(std::max(w.reads, w.reads + w.writes > 1 ? 4 : 1))) {
    for (Words& array : arrays) array.assign(static_cast<std::size_t>(w.elements), 1);
    floats.assign(static_cast<std::size_t>(w.from_bytes ? w.elements : 0), 0);
  }

  void run() {
    const std::int64_t n = work.elements;
    std::uint32_t* const x = arrays[0].data();
    if (work.from_bytes) return read_bytes_write_one(n, reinterpret_cast<const std::uint8_t*>(x), floats.data());
    if (work.writes == 0) return benchmark::DoNotOptimize(read_one(n, x));
    std::uint32_t* const y = arrays[1].data();
    if (work.reads == 1) return read_one_write_one(n, x, y);
    if (work.reads == 2 && work.in_place) return read_two_write_back(n, x, y);
    if (work.reads == 2) return read_two_write_one(n, x, y, arrays[2].data());
    if (work.reads == 3) return read_three_write_two(n, x, y, arrays[2].data());
    read_four_write_three(n, x, y, arrays[2].data(), arrays[3].data());
  }

  Work work;
  std::vector<Words> arrays;
  Values<float> floats;
};

// Of this thread on a processor: what else runs there takes none of it.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_of(const std::function<void()>& work, std::int64_t times) {
  const double begin = thread_seconds();
  for (std::int64_t i = 0; i < times; ++i) work();
  return (thread_seconds() - begin) / static_cast<double>(times);
}

// As often as lasts about two milliseconds.
std::int64_t times_of(const std::function<void()>& work) {
  constexpr double kWindow = 2e-3;
  std::int64_t times = 1;
  while (seconds_of(work, times) * static_cast<double>(times) < kWindow / 4) times *= 2;
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(kWindow / seconds_of(work, times)));
}

// Divisions, and divisions by square roots, of values in the first cache.
constexpr std::int64_t kNear = 1024;

TEMPERA_EVERY_LEVEL void divide(const float* __restrict x, float* __restrict y) {
  for (std::int64_t i = 0; i < kNear; ++i) y[i] = 3.0F / x[i];
}

TEMPERA_EVERY_LEVEL void divide_by_root(const float* __restrict x, float* __restrict y) {
  for (std::int64_t i = 0; i < kNear; ++i) y[i] = 3.0F / __builtin_sqrtf(x[i]);
}

// A loop of one kind of work, in seconds for all elements of the kernel.
struct Loop {
  const char* name;
  std::function<double()> seconds;
  std::vector<double> measured{};
};

Loop near_loop(const char* name, void (*work)(const float*, float*), double count) {
  const auto x = std::make_shared<Values<float>>(static_cast<std::size_t>(kNear), 2.0F);
  const auto y = std::make_shared<Values<float>>(*x);
  return {name, [=] {
            constexpr std::int64_t kTimes = 1000;
            const auto once = [&] {
              work(x->data(), y->data());
              benchmark::ClobberMemory();
            };
            return seconds_of(once, kTimes) * count / static_cast<double>(kNear);
          }};
}

Loop multiply_loop(double count) {
  return {"multiplies", [count] {
            constexpr std::int64_t kRounds = 50000;
            tempera::Scalar value = 1;
            std::int64_t done = 0;
            const auto once = [&] {
              done = tempera::core::multiply_adds_in_registers(tempera::core::kernels().level, kRounds, value);
            };
            return seconds_of(once, 1) * count / static_cast<double>(done);
          }};
}

Loop memory_loop(const Work& work) {
  const auto memory = std::make_shared<Memory>(work);
  const auto once = [memory] {
    memory->run();
    benchmark::ClobberMemory();
  };
  return {"memory", [once, times = times_of(once)] { return seconds_of(once, times); }};
}

std::vector<Loop> loops_of(const Work& work) {
  const auto elements = static_cast<double>(work.elements);
  std::vector<Loop> loops{memory_loop(work)};
  if (work.multiplies > 0) loops.push_back(multiply_loop(work.multiplies * elements));
  if (work.divisions > 0) loops.push_back(near_loop("divisions", divide, work.divisions * elements));
  if (work.roots > 0) loops.push_back(near_loop("divisions by roots", divide_by_root, work.roots * elements));
  return loops;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

void compare_with_limit(benchmark::State& state, const Work& work, const std::function<void()>& kernel) {
  constexpr int kTurns = 15;
  std::vector<Loop> loops = loops_of(work);
  const std::int64_t times = times_of(kernel);
  std::vector<double> kernels, shares;
  for (int turn = 0; turn < kTurns; ++turn) {
    kernels.push_back(seconds_of(kernel, times));
    double limit = 0;
    for (Loop& loop : loops) limit = std::max(limit, loop.measured.emplace_back(loop.seconds()));
    shares.push_back(limit / kernels.back());
  }
  const Loop& slowest = *std::ranges::max_element(loops, {}, [](const Loop& l) { return median(l.measured); });
  state.counters["kernel_us"] = 1e6 * median(kernels);
  state.counters["limit_us"] = 1e6 * median(slowest.measured);
  state.counters["of_limit"] = median(shares);
  state.SetLabel(slowest.name);
}

}  // namespace bounds
