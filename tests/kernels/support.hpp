// What the kernel tests share: buffers that end at a page no one may touch, sizes worth trying, and closeness.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <random>
#include <span>
#include <vector>

#include "tempera/core/random.hpp"

namespace tempera::test {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// `count` values that end exactly where a page without any access begins: a read or write past the end is a fault, and
/// counts that are no multiple of 16 begin at every misalignment.
template <class T>
class Guarded {
 public:
  explicit Guarded(std::size_t count) : count_(count) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    bytes_ = (count * sizeof(T) + page - 1) / page * page + page;
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    char* guard = static_cast<char*>(memory_) + bytes_ - page;
    mprotect(guard, page, PROT_NONE);
    data_ = reinterpret_cast<T*>(guard) - count;
  }
  explicit Guarded(std::span<const T> values) : Guarded(values.size()) {
    for (std::size_t i = 0; i < count_; ++i) data_[i] = values[i];
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { munmap(memory_, bytes_); }

  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] std::vector<T> values() const { return std::vector<T>(data_, data_ + count_); }

 private:
  std::size_t count_, bytes_ = 0;
  void* memory_ = nullptr;
  T* data_ = nullptr;
};

/// Around every vector length and unrolling, primes, and one that fills several pages.
inline const std::vector<std::int64_t> kSizes{0,  1,  2,  3,  4,  5,  7,  8,   9,   13,  15,  16,   17,  31,
                                              32, 33, 47, 63, 64, 65, 97, 127, 128, 129, 255, 1009, 4099};

inline std::vector<float> uniform(std::int64_t count, double low, double high, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(count));
  core::Random(seed, "kernels").fill_uniform(values, low, high);
  return values;
}

/// Any mantissa, and an exponent from −20 to 20.
inline float any_scale(std::mt19937& random) {
  return static_cast<float>(std::exp2(std::uniform_real_distribution<double>(-20, 20)(random)));
}

/// (n + ½)·scale for random integers low ≤ n ≤ high, and the eight numbers on either side of each: where a product with
/// 1/scale and a quotient may round apart.
inline std::vector<float> beside_ties(float scale, float low, float high, std::mt19937& random) {
  std::uniform_real_distribution<float> between(low, high);
  std::vector<float> values;
  for (int i = 0; i < 64; ++i) {
    float x = (std::floor(between(random)) + 0.5F) * scale;
    for (int back = 0; back < 8; ++back) x = std::nextafter(x, -kInfinity);
    for (int k = 0; k < 17; ++k, x = std::nextafter(x, kInfinity)) values.push_back(x);
  }
  return values;
}

/// Values at which kernels go wrong.
inline const std::vector<float> kSpecial{0.0F,
                                         -0.0F,
                                         1.0F,
                                         -1.0F,
                                         1e-40F,
                                         -1e-40F,
                                         std::numeric_limits<float>::min(),
                                         std::numeric_limits<float>::max(),
                                         std::numeric_limits<float>::lowest(),
                                         std::numeric_limits<float>::infinity(),
                                         -std::numeric_limits<float>::infinity(),
                                         std::numeric_limits<float>::quiet_NaN(),
                                         87.0F,
                                         -87.0F,
                                         88.5F,
                                         -88.5F,
                                         100.0F,
                                         -100.0F,
                                         1e-20F,
                                         1e20F,
                                         0.5F,
                                         1e-4F,
                                         -1e-4F,
                                         9.0F,
                                         -9.0F,
                                         3.5F,
                                         -3.5F};

/// Whether both are NaN, both the same infinity, or within `relative` and `absolute` of each other.
inline bool close(float a, float b, double relative, double absolute) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (std::isinf(a) || std::isinf(b)) return a == b;
  const double difference = std::abs(static_cast<double>(a) - static_cast<double>(b));
  return difference <= absolute + relative * std::abs(static_cast<double>(b));
}

/// Index of the first value that is not close, −1 if all are.
inline std::int64_t first_far(std::span<const float> a, std::span<const float> b, double relative, double absolute) {
  if (a.size() != b.size()) return 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!close(a[i], b[i], relative, absolute)) return static_cast<std::int64_t>(i);
  }
  return -1;
}

inline constexpr double kUlp = std::numeric_limits<float>::epsilon();
inline constexpr double kTiny = std::numeric_limits<float>::min();  // results below may be flushed to 0

}  // namespace tempera::test
