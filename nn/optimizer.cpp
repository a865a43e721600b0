#include "tempera/nn/optimizer.hpp"

#include <algorithm>
#include <utility>

#include "tempera/core/integers.hpp"
#include "tempera/core/kernels/caches.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/profile.hpp"
#include "tempera/nn/clipping.hpp"

namespace tempera::nn {
namespace {

constexpr std::int64_t kShares = 4;           // a multiple of this, so that two or four threads have as much to do
constexpr std::int64_t kLine = 16;            // elements
constexpr std::int64_t kSerialBelow = 65536;  // elements that one thread updates sooner than two are woken

// Elements whose weights, gradients and momenta together take three eighths of the second cache.
std::int64_t share_size() noexcept {
  return core::second_level_cache_bytes() / 8 / static_cast<std::int64_t>(sizeof(Scalar));
}

// Whether a matrix is cut between rows, so that its gradient can be made by them.
bool cut_by_rows(const core::Shape& shape) {
  return shape.rank() == 2 && shape.numel() > 0 && shape[1] <= core::RowGradient::most_columns();
}

}  // namespace

Optimizer::Optimizer(const std::vector<Parameter>& parameters, std::vector<std::string> states)
    : parameters_(parameters), state_names_(std::move(states)), states_(state_names_.size()) {
  for (const Parameter& parameter : parameters_) {
    elements_ += parameter.numel();
    for (std::vector<core::Tensor>& state : states_) state.push_back(core::Tensor::zeros(parameter.shape));
  }
  cut_into_chunks();
  jobs_.reserve(chunks_.size());
}

// Shares of equal size in the order of the parameters, whatever the sizes of these are: a thread updates what it has as a
// rule made the gradients of, and what it is going to multiply by. A matrix is cut between rows, all else between lines.
void Optimizer::cut_into_chunks() {
  const std::int64_t shares =
      core::round_up(std::max<std::int64_t>(1, core::ceil_div(elements_, share_size())), kShares);
  const std::int64_t size = std::max<std::int64_t>(1, core::ceil_div(elements_, shares));
  std::int64_t share = 0, before = 0;  // elements of the parameters before this one
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    const core::Shape& shape = parameters_[p].shape;
    const bool by_rows = cut_by_rows(shape);
    const std::int64_t n = shape.numel(), unit = by_rows ? shape[1] : kLine;
    for (std::int64_t begin = 0, end = 0; begin < n; begin = end) {
      const std::int64_t wanted = std::max<std::int64_t>((share + 1) * size - before - begin, 0);
      end = std::min(begin + std::max<std::int64_t>((wanted + unit / 2) / unit, 1) * unit, n);
      chunks_.push_back({p, begin, end, share, by_rows});
      share = std::clamp((before + end + unit / 2) / size, share, shares - 1);
    }
    before += n;
  }
}

void Optimizer::fields(core::FieldVisitor& v) {
  common_.fields(v);
  config_fields(v);
}

std::vector<OptimizerState> Optimizer::state() {
  std::vector<OptimizerState> all;
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    for (std::size_t s = 0; s < states_.size(); ++s) {
      all.push_back({parameters_[p].name + "/" + state_names_[s], &states_[s][p]});
    }
  }
  return all;
}

void Optimizer::zero_grad() const {
  for (const Parameter& parameter : parameters_) parameter.variable.zero_grad();
  core::lap(core::Phase::kUpdate, {}, "zero gradients");
}

void Optimizer::step() {
  core::lap_between();
  const bool makes = std::ranges::any_of(
      parameters_, [](const Parameter& parameter) { return core::row_gradient(parameter.variable) != nullptr; });
  if (common_.clip_value) clip_gradient_values(parameters_, *common_.clip_value);
  if (common_.clip_norm) clip_gradient_norm(parameters_, *common_.clip_norm);
  gather_jobs();
  ++steps_;
  prepare();
  run_jobs();
  if (common_.max_squared_length) limit_squared_lengths(parameters_, *common_.max_squared_length);
  core::lap(core::Phase::kUpdate, {}, makes ? "gradients and optimizer" : "optimizer");
}

// Writable pointers are taken here, on one thread: taking one may copy a tensor that is shared.
void Optimizer::gather_jobs() {
  jobs_.clear();
  share_ends_.clear();
  std::int64_t share = -1, row = 0;
  Job whole;
  for (const Chunk& chunk : chunks_) {
    const Parameter& parameter = parameters_[chunk.parameter];
    if (!parameter.variable.has_grad()) continue;
    if (chunk.begin == 0) {
      Piece& piece = whole.piece;
      piece.w = parameter.variable.mutable_value().mutable_data();
      for (std::size_t s = 0; s < states_.size(); ++s) piece.state[s] = states_[s][chunk.parameter].mutable_data();
      piece.decayed = parameter.role == Role::kWeight || (common_.decay_all && parameter.role != Role::kStep);
      piece.rate = parameter.learning_rate_scale;
      core::RowGradient* deferred = chunk.by_rows ? core::row_gradient(parameter.variable) : nullptr;
      row = deferred == nullptr ? 1 : parameter.shape[1];
      if (deferred != nullptr) deferred->prepare();
      piece.g = deferred == nullptr ? parameter.variable.grad().data() : nullptr;
      whole.deferred = deferred;
    }
    Job job = whole;
    job.piece.n = chunk.end - chunk.begin;
    job.piece.w += chunk.begin;
    if (job.deferred == nullptr) job.piece.g += chunk.begin;
    for (std::size_t s = 0; s < states_.size(); ++s) job.piece.state[s] += chunk.begin;
    job.first_row = chunk.begin / row;
    job.end_row = chunk.end / row;
    jobs_.push_back(job);
    if (std::exchange(share, chunk.share) != chunk.share) share_ends_.emplace_back();
    share_ends_.back() = jobs_.size();
  }
}

void Optimizer::run_jobs() const {
  const std::int64_t count = std::ssize(share_ends_);
  const std::int64_t grain = elements_ < kSerialBelow ? std::max<std::int64_t>(1, count) : 1;
  core::parallel_for(count, grain, [this](std::int64_t share, std::int64_t end) {
    for (; share < end; ++share) {
      const auto at = static_cast<std::size_t>(share);
      for (std::size_t i = at == 0 ? 0 : share_ends_[at - 1]; i < share_ends_[at]; ++i) make_and_update(jobs_[i]);
    }
  });
}

void Optimizer::make_and_update(const Job& job) const {
  if (job.deferred == nullptr) return update(job.piece);
  const core::Storage gradient(static_cast<std::size_t>(job.piece.n) * sizeof(Scalar));
  std::array<const Scalar*, kMaxStates + 1> next{job.piece.w};
  std::copy_n(job.piece.state.begin(), states_.size(), next.begin() + 1);
  job.deferred->make_rows(job.first_row, job.end_row, static_cast<Scalar*>(gradient.data()),
                          std::span(next).first(states_.size() + 1));
  Piece piece = job.piece;
  piece.g = static_cast<const Scalar*>(gradient.data());
  update(piece);
}

}  // namespace tempera::nn
