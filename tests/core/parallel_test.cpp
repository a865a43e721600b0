#include "tempera/core/parallel.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tempera/core/errors.hpp"

namespace {

using tempera::core::parallel_for;
using tempera::core::set_thread_count;

class ThreadCount {
 public:
  ThreadCount() = default;
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;
  ~ThreadCount() { set_thread_count(before_); }

 private:
  int before_ = tempera::core::thread_count();
};

}  // namespace

TEST_CASE("a parallel loop visits every index once, whatever the grain and the number of threads") {
  const ThreadCount restore;
  for (const int threads : {1, 2, 3, 4, 7, 40}) {
    set_thread_count(threads);
    for (const std::int64_t n : {0, 1, 2, 7, 64, 1000}) {
      for (const std::int64_t grain : {1, 3, 64, 5000}) {
        std::vector<int> visits(static_cast<std::size_t>(n), 0);
        parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
        });
        CHECK(std::accumulate(visits.begin(), visits.end(), 0) == n);
        CHECK(std::count(visits.begin(), visits.end(), 1) == n);
      }
    }
  }
}

TEST_CASE("a reduction of floats has the same bits for every number of threads") {
  const ThreadCount restore;
  std::vector<float> values(10007);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1.0F / static_cast<float>(i + 1);
  const auto total = [&] {
    return tempera::core::parallel_reduce(
        static_cast<std::int64_t>(values.size()), 100, 0.0F,
        [&](std::int64_t begin, std::int64_t end) {
          return std::accumulate(values.begin() + begin, values.begin() + end, 0.0F);
        },
        [](float a, float b) { return a + b; });
  };
  set_thread_count(1);
  const float alone = total();
  for (const int threads : {2, 3, 4, 7}) {
    set_thread_count(threads);
    for (int again = 0; again < 50; ++again) CHECK(total() == alone);
  }
}

TEST_CASE("the lowest failing chunk's exception reaches the caller after all chunks have ended") {
  const ThreadCount restore;
  for (const int threads : {1, 2, 4}) {
    set_thread_count(threads);
    std::atomic<int> ended{0};
    std::string message;
    try {
      parallel_for(100, 1, [&](std::int64_t begin, std::int64_t) {
        ++ended;
        if (begin % 10 == 7) throw std::runtime_error(std::to_string(begin));
      });
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    CHECK(message == "7");
    CHECK(ended == 100);
  }
}

TEST_CASE("a loop inside of a loop runs on the thread that meets it") {
  const ThreadCount restore;
  set_thread_count(4);
  std::atomic<int> foreign{0};
  std::atomic<int> visits{0};
  parallel_for(16, 1, [&](std::int64_t, std::int64_t) {
    const auto outer = std::this_thread::get_id();
    parallel_for(16, 1, [&](std::int64_t, std::int64_t) {
      ++visits;
      if (std::this_thread::get_id() != outer) ++foreign;
    });
  });
  CHECK(visits == 256);
  CHECK(foreign == 0);
}

TEST_CASE("loops of two threads of the user's own at once do not mix") {
  const ThreadCount restore;
  set_thread_count(3);
  std::vector<std::int64_t> sums(2, 0);
  const auto loop = [&](std::size_t who) {
    for (int again = 0; again < 500; ++again) {
      std::atomic<std::int64_t> sum{0};
      parallel_for(50, 1, [&](std::int64_t begin, std::int64_t) { sum += begin; });
      sums[who] += sum;
    }
  };
  std::thread other(loop, 1);
  loop(0);
  other.join();
  CHECK(sums[0] == 500 * 1225);
  CHECK(sums[1] == 500 * 1225);
}

TEST_CASE("loops far apart in time, when the workers have gone to sleep, still run to their end") {
  const ThreadCount restore;
  set_thread_count(4);
  for (int again = 0; again < 20; ++again) {
    std::this_thread::sleep_for(std::chrono::microseconds(300 * (again % 3)));
    std::atomic<int> visits{0};
    parallel_for(8, 1, [&](std::int64_t, std::int64_t) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      ++visits;
    });
    CHECK(visits == 8);
  }
}

TEST_CASE("a thread count outside of 1 to 1024 is refused") {
  const ThreadCount restore;
  CHECK_THROWS_AS(set_thread_count(0), tempera::core::ConfigError);
  CHECK_THROWS_AS(set_thread_count(1025), tempera::core::ConfigError);
}
