#include "tempera/quant/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <string_view>

#include "tempera/core/errors.hpp"
#include "tempera/core/integers.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/profile.hpp"
#include "tempera/core/storage.hpp"
#include "tempera/quant/engine/product.hpp"
#include "tempera/quant/engine/step.hpp"

namespace tempera::quant {
namespace {

// Images go through a network a few at a time, so that their values stay in the second-level cache, beside the weights and the
// transforms of a convolution; what linear layers make of them, in groups of at most Product::block().
constexpr std::int64_t kWorkBytes = std::int64_t{64} * 1024;
constexpr std::int64_t kKeptBytes = std::int64_t{4} * 1024 * 1024;
constexpr std::int64_t kRows = 32;           // a share of a batch, at least: fewer leave a tile of rows empty
constexpr std::int64_t kGroupsOfImages = 8;  // a batch's, at least, where there are threads: something for each of them

// Of a layer, from its label: linear "block1/fc1".
std::string_view path_of(std::string_view label) {
  const std::size_t quote = label.find('"');
  return quote == std::string_view::npos ? label : label.substr(quote + 1, label.size() - quote - 2);
}

}  // namespace

struct Engine::Prepared {
  Program program;
  engine::Layout layout;
  std::vector<std::unique_ptr<engine::Step>> steps;
  std::int64_t scratch_bytes = 0, work_bytes = 0;
  std::int64_t at_work = 1, group = 1;  // samples

  // Memory for a group, one for each thread; who computes takes a free one.
  struct Slot {
    core::Storage memory;
    std::int64_t capacity = 0, at_work = 0;
    std::atomic_flag taken;
  };
  std::vector<std::unique_ptr<Slot>> slots;
  std::vector<std::int32_t> order;  // of the last buffer
  std::vector<std::int32_t> results;

  explicit Prepared(Program given) : program(std::move(given)) {
    check(program);
    layout = engine::lay_out(program);
    for (const Instruction& in : program.instructions) {
      steps.push_back(engine::make_step({program, in, layout}));
      if (steps.back() != nullptr) scratch_bytes = std::max(scratch_bytes, steps.back()->scratch_bytes());
    }
    scratch_bytes = core::round_up(scratch_bytes + 64, 64);
    group = std::clamp<std::int64_t>(kKeptBytes / std::max<std::int64_t>(layout.kept_bytes, 1), 1,
                                     engine::Product::block());
    work_bytes = layout.bytes;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (layout.pooled_before[i] && !steps[i]->pools()) work_bytes = layout.watched_bytes;
    }
    at_work = work_bytes == 0 ? group : std::clamp<std::int64_t>(kWorkBytes / work_bytes, 1, group);
    order = engine::order_of(place_of(program.instructions.size() - 1));
  }

  [[nodiscard]] const engine::Place& place_of(std::size_t instruction) const {
    return layout.places[static_cast<std::size_t>(program.instructions[instruction].output)];
  }

  void require_samples(const core::Tensor& x) const {
    if (!x.empty() && x.rank() == program.input.rank() + 1 && x.shape().without_batch() == program.input) return;
    throw core::ShapeError(
        fmt::format("program: takes samples of {}, received {}", program.input.text(), x.shape().text()));
  }

  // Samples of a group of this batch.
  [[nodiscard]] std::int64_t group_of(std::int64_t batch) const {
    const std::int64_t threads = core::thread_count(),
                       shares = threads == 1 || work_bytes == 0 ? threads : kGroupsOfImages;
    const std::int64_t unit = work_bytes == 0 ? kRows : at_work;
    return std::min({group, batch, core::round_up(core::ceil_div(batch, shares), unit)});
  }

  void reserve(Slot& slot, std::int64_t capacity, std::int64_t samples_at_work, std::int64_t sample_bytes) const {
    const auto bytes =
        static_cast<std::size_t>(layout.kept_bytes * capacity + sample_bytes * samples_at_work + scratch_bytes);
    slot.memory = core::Storage(bytes);
    slot.capacity = capacity;
    slot.at_work = samples_at_work;
    std::fill_n(static_cast<std::byte*>(slot.memory.data()), bytes, std::byte{0});
  }

  // Slots for `count` threads, each for `capacity` samples.
  void provide(std::size_t count, std::int64_t capacity) {
    while (slots.size() < count) slots.push_back(std::make_unique<Slot>());
    for (const auto& slot : slots) {
      if (slot->capacity < capacity) reserve(*slot, capacity, std::min(at_work, capacity), work_bytes);
    }
  }

  // Samples from the group's `first` on.
  [[nodiscard]] engine::Frame frame_of(const Slot& slot, const Scalar* x, std::int64_t first,
                                       std::int64_t samples) const {
    auto* memory = static_cast<std::byte*>(slot.memory.data());
    std::byte* kept = memory + scratch_bytes;
    return {.arena = {.begin = kept + layout.kept_bytes * slot.capacity, .capacity = slot.at_work, .first = 0},
            .kept = {.begin = kept, .capacity = slot.capacity, .first = first},
            .scratch = memory,
            .samples = samples,
            .x = x + first * program.input.numel()};
  }

  Slot& take() {
    for (;;) {  // there are as many slots as threads, so one is free
      for (const auto& slot : slots) {
        if (!slot->taken.test_and_set(std::memory_order_acquire)) return *slot;
      }
    }
  }

  void run_steps(const engine::Frame& frame, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      const engine::Step* step = steps[i].get();
      if (step == nullptr) continue;
      const bool pools = layout.pooled_before[i] && step->pools();
      if (pools) {
        step->run_pooled(frame, place_of(i + 1));
      } else {
        step->run(frame);
      }
      const Instruction& done = program.instructions[i];
      core::lap(core::Phase::kForward, path_of(done.layer),
                program::kOperationNames[done.operation.index()]);  // of the thread that asked
      if (pools) ++i;
    }
  }

  void run_group(const Scalar* x, std::int64_t samples, std::int32_t* y) {
    Slot& slot = take();
    for (std::int64_t i = 0; i < samples; i += slot.at_work) {
      run_steps(frame_of(slot, x, i, std::min(slot.at_work, samples - i)), 0, layout.rows_from);
    }
    const engine::Frame frame = frame_of(slot, x, 0, samples);
    run_steps(frame, layout.rows_from, steps.size());
    read(frame, place_of(program.instructions.size() - 1), order, y);
    slot.taken.clear(std::memory_order_release);
  }

  // The integers of a place, sample after sample, in the order of their buffer.
  static void read(const engine::Frame& frame, const engine::Place& place, const std::vector<std::int32_t>& order,
                   std::int32_t* y) {
    for (std::int64_t i = 0; i < frame.samples; ++i) {
      for (const std::int32_t at : order) *y++ = frame.q(place, i, at);
    }
  }
};

Engine::Engine(Program program) : prepared_(std::make_unique<Prepared>(std::move(program))) {}
Engine::~Engine() = default;

const Program& Engine::program() const noexcept { return prepared_->program; }

std::span<const std::int32_t> Engine::run(const core::Tensor& x) {
  Prepared& p = *prepared_;
  p.require_samples(x);
  const std::int64_t batch = x.dim(0), inputs = p.program.input.numel(),
                     outputs = static_cast<std::int64_t>(p.order.size());
  const std::int64_t group = p.group_of(batch);
  const std::int64_t groups = batch == 0 ? 0 : (batch + group - 1) / group;
  p.results.resize(static_cast<std::size_t>(batch * outputs));
  if (groups == 0) return p.results;
  p.provide(static_cast<std::size_t>(std::min<std::int64_t>(core::thread_count(), groups)), group);
  core::parallel_for(batch, group, [&](std::int64_t begin, std::int64_t end) {
    p.run_group(x.data() + begin * inputs, end - begin, p.results.data() + begin * outputs);
  });
  if (groups > 1) core::lap(core::Phase::kOutside, {}, "other threads");
  return p.results;
}

IntTensor Engine::run(const core::Tensor& x, const Watch& watch) {
  Prepared& p = *prepared_;
  p.require_samples(x);
  const std::int64_t batch = x.dim(0), group = std::min(p.group, std::max<std::int64_t>(batch, 1));
  // A group's memory for each group, because every buffer of the batch is shown at once.
  const std::int64_t groups = (batch + group - 1) / group;
  std::vector<Prepared::Slot> slots(static_cast<std::size_t>(groups));
  std::vector<engine::Frame> frames;
  for (std::int64_t g = 0; g < groups; ++g) {
    Prepared::Slot& slot = slots[static_cast<std::size_t>(g)];
    p.reserve(slot, group, group, p.layout.watched_bytes);
    frames.push_back(
        p.frame_of(slot, x.data() + g * group * p.program.input.numel(), 0, std::min(group, batch - g * group)));
  }
  IntTensor value;
  for (std::size_t i = 0; i < p.steps.size(); ++i) {
    const engine::Place& place = p.place_of(i);
    const ProgramBuffer& buffer = p.program.buffers[static_cast<std::size_t>(p.program.instructions[i].output)];
    const std::vector<std::int32_t> order = engine::order_of(place);
    value.shape = buffer.shape.with_batch(batch);
    value.values.resize(static_cast<std::size_t>(batch * place.numel));
    core::parallel_for(groups, 1, [&](std::int64_t g, std::int64_t) {
      const engine::Frame& frame = frames[static_cast<std::size_t>(g)];
      if (p.steps[i] != nullptr) p.steps[i]->run(frame);
      Prepared::read(frame, place, order, value.values.data() + g * group * place.numel);
    });
    if (watch) watch(i, value);
  }
  return value;
}

core::Tensor Engine::logits(const core::Tensor& x) {
  const std::span<const std::int32_t> q = run(x);
  const ProgramBuffer& last = program().buffers[static_cast<std::size_t>(program().instructions.back().output)];
  core::Tensor y(last.shape.with_batch(x.dim(0)));
  const std::size_t per_scale = static_cast<std::size_t>(last.shape.numel()) / last.scale.size();
  Scalar* out = y.mutable_data();
  for (std::size_t i = 0; i < q.size();) {
    for (const float scale : last.scale) {
      for (const std::size_t end = i + per_scale; i < end; ++i) {
        out[i] = static_cast<Scalar>(static_cast<float>(q[i] - last.zero_point) * scale);
      }
    }
  }
  return y;
}

}  // namespace tempera::quant
