#include "tempera/datasets/loader.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/datasets/pass.hpp"

namespace tempera::data {

// A ring of ready batches between one thread that fills it and the caller who empties it. While the thread works, `plan`
// is its own; everything below the mutex is guarded by it.
struct Loader::State {
  State(PassPlan p, std::int64_t ahead) : plan(std::move(p)), ready(static_cast<std::size_t>(ahead)) {}

  PassPlan plan;
  std::vector<core::Batch> ready;

  std::mutex mutex;
  std::condition_variable wake_worker, wake_caller;
  std::int64_t epoch = -1;
  std::int64_t next_made = 0;   // index of the batch to prepare next
  std::int64_t next_taken = 0;  // index of the batch the caller gets next
  std::size_t head = 0;         // the ring slot of next_taken
  std::int64_t pass = 0;        // counts start(): what was prepared for an earlier one is dropped
  std::exception_ptr failure;   // what preparing batch next_made threw
  bool stop = false;
  std::thread worker;

  [[nodiscard]] std::int64_t waiting() const noexcept { return next_made - next_taken; }
  [[nodiscard]] std::int64_t room() const noexcept { return static_cast<std::int64_t>(ready.size()) - waiting(); }
  [[nodiscard]] bool more_to_make() const noexcept {
    return epoch >= 0 && !failure && next_made < plan.batches() && room() > 0;
  }

  void work();
  void make_one(std::unique_lock<std::mutex>& lock, core::Batch& spare);
  bool take(core::Batch& batch);
};

namespace {

/// Runs fn without the lock. What it throws, of any type, is returned, to be rethrown on the caller's thread.
template <class Fn>
std::exception_ptr unlocked(std::unique_lock<std::mutex>& lock, Fn fn) {
  std::exception_ptr thrown;
  lock.unlock();
  try {
    fn();
  } catch (...) {
    thrown = std::current_exception();
  }
  lock.lock();
  return thrown;
}

}  // namespace

void Loader::State::work() {
  core::Batch spare;
  std::unique_lock lock(mutex);
  while (true) {
    wake_worker.wait(lock, [this] { return stop || more_to_make(); });
    while (!stop && more_to_make()) make_one(lock, spare);
    if (stop) return;
  }
}

void Loader::State::make_one(std::unique_lock<std::mutex>& lock, core::Batch& spare) {
  const std::int64_t my_pass = pass;
  const std::exception_ptr thrown = unlocked(lock, [&, e = epoch, index = next_made] { plan.make(e, index, spare); });
  if (pass != my_pass) return;
  if (thrown) {
    failure = thrown;
  } else {
    std::swap(spare, ready[(head + static_cast<std::size_t>(waiting())) % ready.size()]);
    ++next_made;
  }
  wake_caller.notify_one();
  if (failure || next_made < plan.batches()) return;
  // The caller still has batches to work on: the time to draw the next pass's permutation.
  const std::exception_ptr late = unlocked(lock, [&, e = epoch] { plan.prepare(e + 1); });
  if (pass == my_pass) failure = late;
}

bool Loader::State::take(core::Batch& batch) {
  std::unique_lock lock(mutex);
  if (next_taken == plan.batches()) return false;
  wake_caller.wait(lock, [this] { return waiting() > 0 || failure; });
  if (waiting() == 0) std::rethrow_exception(failure);
  std::swap(batch, ready[head]);
  head = (head + 1) % ready.size();
  ++next_taken;
  // Waking a thread costs microseconds: do it once for several batches.
  const bool half_empty = waiting() <= static_cast<std::int64_t>(ready.size()) / 2;
  lock.unlock();
  if (half_empty) wake_worker.notify_one();
  return true;
}

Loader::Loader(const Split& split, const Normalization& normalization, const Augmentation& augment,
               LoaderOptions options) {
  if (options.batch < 1 || options.ahead < 0) {
    throw core::ConfigError(
        fmt::format("loader: a batch has at least 1 sample and at least 0 are prepared ahead, received "
                    "{} and {}",
                    options.batch, options.ahead));
  }
  state_ = std::make_unique<State>(PassPlan(Gather(split, normalization, augment, options.seed), options.batch,
                                            options.seed, options.shuffle, options.drop_last),
                                   core::thread_count() == 1 ? 0 : options.ahead);
}

Loader::Loader(const Split& split, const Normalization& normalization, std::int64_t batch)
    : Loader(split, normalization, {}, {.batch = batch, .shuffle = false}) {}

Loader::~Loader() {
  if (!state_->worker.joinable()) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->wake_worker.notify_one();
  state_->worker.join();
}

std::int64_t Loader::samples() const { return state_->plan.samples(); }

std::int64_t Loader::batches_per_epoch() const { return state_->plan.batches(); }

void Loader::start(std::int64_t epoch, std::int64_t first) {
  if (epoch < 0 || first < 0 || first > batches_per_epoch()) {
    throw core::Error(fmt::format("loader: pass {} cannot start at batch {} of {}", epoch, first, batches_per_epoch()));
  }
  {
    const std::lock_guard lock(state_->mutex);
    state_->epoch = epoch;
    state_->next_made = state_->next_taken = first;
    state_->failure = nullptr;
    ++state_->pass;
  }
  if (state_->ready.empty()) return;
  if (!state_->worker.joinable()) state_->worker = std::thread([state = state_.get()] { state->work(); });
  state_->wake_worker.notify_one();
}

bool Loader::next(core::Batch& batch) {
  if (state_->epoch < 0) throw core::Error("loader: start() must come before next()");
  if (!state_->ready.empty()) return state_->take(batch);
  if (state_->next_taken == state_->plan.batches()) return false;
  state_->plan.make(state_->epoch, state_->next_taken, batch);
  ++state_->next_taken;
  return true;
}

}  // namespace tempera::data
