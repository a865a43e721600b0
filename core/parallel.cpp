// A pool of workers that spin for a moment, then yield, then sleep.
//
// A training step of a small network is a few dozen loops of 5–50 µs each, with gaps of a few µs: entering a loop must
// cost well below a microsecond, and waking a worker that sleeps in the gaps costs more than the loop. A worker that
// spins on, however, takes the core from other programs. So workers spin for kSpin, then offer the core to others for
// kYield while they look again, and then sleep; and the caller never waits for a worker that has not begun: it closes
// the loop as soon as no chunk is left. docs/decisions/parallel-backend.md compares this with OpenMP and oneTBB.
#include "tempera/core/parallel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "tempera/core/errors.hpp"

namespace tempera::core {
namespace {

constexpr int kMaxThreads = 1024;
constexpr std::chrono::microseconds kSpin{20};
constexpr std::chrono::microseconds kYield{500};
constexpr int kPausesPerClock = 16;
thread_local bool inside_region = false;

int processors() noexcept { return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxThreads); }

// Polls `ready`, at first without giving up the core; false if it did not come true in kYield.
template <class Ready>
bool spin_until(const Ready& ready) {
  const auto begin = std::chrono::steady_clock::now();
  for (auto now = begin; now - begin < kYield; now = std::chrono::steady_clock::now()) {
    for (int i = 0; i < kPausesPerClock; ++i) {
      if (ready()) return true;
      __builtin_ia32_pause();
    }
    if (now - begin > kSpin) std::this_thread::yield();
  }
  return ready();
}

// A loop's chunks, dealt in equal runs to the participants so that a thread meets the same data in every loop of the
// same size; who is done early takes from the others' runs.
class Job {
 public:
  Job() : runs_(kMaxThreads) {}

  void start(std::int64_t chunks, int participants, detail::ChunkFn fn, void* context) noexcept {
    fn_ = fn;
    context_ = context;
    participants_ = participants;
    failed_chunk_ = chunks;
    for (int i = 0; i < participants; ++i) {
      runs_[static_cast<std::size_t>(i)].next.store(chunks * i / participants, std::memory_order_relaxed);
      runs_[static_cast<std::size_t>(i)].end = chunks * (i + 1) / participants;
    }
  }

  [[nodiscard]] int participants() const noexcept { return participants_; }

  void take_part(int index) noexcept {
    inside_region = true;
    for (int i = 0; i < participants_; ++i) empty(runs_[static_cast<std::size_t>((index + i) % participants_)]);
    inside_region = false;
  }

  // The failure of the lowest chunk, if any; to be called when all have ended.
  [[nodiscard]] std::exception_ptr failure() noexcept { return std::exchange(failure_, nullptr); }

 private:
  struct alignas(64) Run {
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
  };

  void empty(Run& run) noexcept {
    for (;;) {
      const std::int64_t chunk = run.next.fetch_add(1, std::memory_order_relaxed);
      if (chunk >= run.end) return;
      try {
        fn_(context_, chunk);
      } catch (...) {  // carried to the caller's thread, see failure()
        const std::lock_guard lock(failure_mutex_);
        if (chunk < failed_chunk_) {
          failed_chunk_ = chunk;
          failure_ = std::current_exception();
        }
      }
    }
  }

  detail::ChunkFn fn_ = nullptr;
  void* context_ = nullptr;
  int participants_ = 0;
  std::vector<Run> runs_;
  std::mutex failure_mutex_;
  std::int64_t failed_chunk_ = 0;
  std::exception_ptr failure_;
};

// state_ holds the number of the current loop (upper half), whether it is open to workers, and how many are inside.
class Pool {
 public:
  void run(std::int64_t chunks, int threads, detail::ChunkFn fn, void* context) {
    const int participants = static_cast<int>(std::min<std::int64_t>(spawn(threads - 1) + 1, chunks));
    job_.start(chunks, participants, fn, context);
    state_.store(((state_.load(std::memory_order_relaxed) >> 32) + 1) << 32 | kOpen);
    if (sleepers_.load() > 0) wake();
    job_.take_part(0);
    state_.fetch_and(~kOpen);
    const auto all_left = [this] { return (state_.load() & kInside) == 0; };
    if (!spin_until(all_left)) {
      std::unique_lock lock(mutex_);
      caller_sleeps_.store(true);
      all_left_.wait(lock, all_left);
      caller_sleeps_.store(false);
    }
    if (const std::exception_ptr failure = job_.failure()) std::rethrow_exception(failure);
  }

  std::mutex in_use;  // held by the thread whose loop is running

 private:
  static constexpr std::uint64_t kOpen = std::uint64_t{1} << 31;
  static constexpr std::uint64_t kInside = kOpen - 1;

  // Makes sure that there are this many workers, as far as the system gives them; a loop is right with any number.
  int spawn(int wanted) {
    try {
      for (; workers_ < wanted; ++workers_) std::thread([this, index = workers_ + 1] { work(index); }).detach();
    } catch (const std::system_error&) {
      return workers_;
    }
    return wanted;
  }

  void wake() {
    { const std::lock_guard lock(mutex_); }  // a worker between its last look at state_ and its wait holds it
    new_loop_.notify_all();
  }

  [[noreturn]] void work(int index) {
    std::uint64_t seen = 0;
    const auto changed = [&] { return state_.load() >> 32 != seen; };
    for (;;) {
      if (!spin_until(changed)) {
        std::unique_lock lock(mutex_);
        sleepers_.fetch_add(1);
        new_loop_.wait(lock, changed);
        sleepers_.fetch_sub(1);
      }
      seen = state_.load() >> 32;
      if (!enter(seen)) continue;
      if (index < job_.participants()) job_.take_part(index);
      leave();
    }
  }

  // While a worker is inside, the caller does not touch the job; so it may only be read after entering.
  bool enter(std::uint64_t loop) noexcept {
    std::uint64_t state = state_.load();
    while (state >> 32 == loop && (state & kOpen) != 0) {
      if (state_.compare_exchange_weak(state, state + 1)) return true;
    }
    return false;
  }

  void leave() {
    const std::uint64_t before = state_.fetch_sub(1);
    if ((before & kOpen) != 0 || (before & kInside) != 1 || !caller_sleeps_.load()) return;
    { const std::lock_guard lock(mutex_); }
    all_left_.notify_one();
  }

  std::atomic<std::uint64_t> state_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> caller_sleeps_{false};
  std::mutex mutex_;
  std::condition_variable new_loop_, all_left_;
  Job job_;
  int workers_ = 0;
};

// Never destroyed: its workers live as long as the process.
Pool& pool() {
  static auto* instance = new Pool;
  return *instance;
}

std::atomic<int>& threads() noexcept {
  static std::atomic<int> count{processors()};
  return count;
}

}  // namespace

int thread_count() noexcept { return threads().load(std::memory_order_relaxed); }

void set_thread_count(int count) {
  if (count < 1 || count > kMaxThreads) {
    throw ConfigError(fmt::format("threads: must lie in 1 to {}, received {}", kMaxThreads, count));
  }
  threads().store(count, std::memory_order_relaxed);
}

void detail::run_chunks(std::int64_t chunks, ChunkFn fn, void* context) {
  const int count = thread_count();
  if (!inside_region && count > 1 && chunks > 1) {
    const std::unique_lock lock(pool().in_use, std::try_to_lock);
    if (lock.owns_lock()) return pool().run(chunks, count, fn, context);
  }
  std::exception_ptr first;
  for (std::int64_t i = 0; i < chunks; ++i) {
    try {
      fn(context, i);
    } catch (...) {  // the others run on, as they would on other threads
      if (first == nullptr) first = std::current_exception();
    }
  }
  if (first != nullptr) std::rethrow_exception(first);
}

}  // namespace tempera::core
