// Where the time of a step goes: a stopwatch whose laps the autograd engine, the layers and the optimizers call out.
//
// A lap books the time since the one before it, so that nothing is counted twice and nothing is missing: the entries add
// up to the whole. Without a Profiling on this thread a lap is one load and one branch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tempera::core {

/// What a lap's time was spent on.
enum class Phase {
  kForward,
  kBackward,
  kUpdate,   ///< optimizers
  kData,     ///< batches
  kOutside,  ///< of any operation: the graph itself, and all that happens between operations
};

[[nodiscard]] std::string_view phase_name(Phase phase) noexcept;

struct ProfileEntry {
  Phase phase = Phase::kOutside;
  std::string scope;  ///< path of the layer, e.g. "block1/conv2"; may be empty
  std::string op;     ///< operation, as in error texts
  std::int64_t calls = 0;
  std::int64_t nanoseconds = 0;
  double flop = 0;  ///< of the operation's definition, whatever algorithm computed it; 0 where none was declared
};

/// The laps of one thread, by what they were spent on. Not for several threads at once.
class Profile {
 public:
  using Clock = std::int64_t (*)() noexcept;  ///< nanoseconds since any moment

  explicit Profile(Clock clock = steady_nanoseconds) noexcept : clock_(clock) {}
  /// Forgets everything; the next lap begins now.
  void start();
  void lap(Phase phase, std::string_view scope, std::string_view op);
  /// Declares work of the lap that is under way.
  void add_flop(double flop) noexcept { flop_ += flop; }

  /// In the order of their first laps.
  [[nodiscard]] const std::vector<ProfileEntry>& entries() const noexcept { return entries_; }
  /// From start() to the last lap: the sum of all entries.
  [[nodiscard]] std::int64_t nanoseconds() const noexcept { return last_ - start_; }

  [[nodiscard]] static std::int64_t steady_nanoseconds() noexcept;

 private:
  ProfileEntry& entry(Phase phase, std::string_view scope, std::string_view op);

  Clock clock_;
  std::int64_t start_ = 0, last_ = 0;
  double flop_ = 0;
  std::vector<ProfileEntry> entries_;
};

namespace detail {
extern constinit thread_local Profile* profile;
}

/// While alive, laps on this thread go to `profile`, which must live as long.
class Profiling {
 public:
  explicit Profiling(Profile& profile);
  Profiling(const Profiling&) = delete;
  Profiling& operator=(const Profiling&) = delete;
  ~Profiling();

 private:
  Profile* previous_;
};

/// Ends a lap on this thread.
inline void lap(Phase phase, std::string_view scope, std::string_view op) {
  if (detail::profile != nullptr) [[unlikely]] {
    detail::profile->lap(phase, scope, op);
  }
}
/// Ends a lap that belongs to no operation.
inline void lap_between() { lap(Phase::kOutside, {}, "between operations"); }

/// Declares products of which `results` numbers are sums of `terms` each: a multiplication and an addition a term.
inline void count_multiply_adds(std::int64_t results, std::int64_t terms) noexcept {
  if (detail::profile != nullptr) [[unlikely]] {
    detail::profile->add_flop(2 * static_cast<double>(results) * static_cast<double>(terms));
  }
}

}  // namespace tempera::core
