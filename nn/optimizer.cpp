#include "tempera/nn/optimizer.hpp"

#include <algorithm>
#include <utility>

#include "tempera/core/integers.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/profile.hpp"
#include "tempera/nn/clipping.hpp"

namespace tempera::nn {
namespace {

constexpr std::int64_t kShare = 32768;        // elements: a few arrays of this size stay in the second-level cache
constexpr std::int64_t kShares = 4;           // a multiple of this, so that two or four threads have as much to do
constexpr std::int64_t kLine = 16;            // elements
constexpr std::int64_t kSerialBelow = 65536;  // elements that one thread updates sooner than two are woken

}  // namespace

Optimizer::Optimizer(const std::vector<Parameter>& parameters, std::vector<std::string> states)
    : parameters_(parameters), state_names_(std::move(states)), states_(state_names_.size()) {
  for (const Parameter& parameter : parameters_) {
    elements_ += parameter.numel();
    for (std::vector<core::Tensor>& state : states_) state.push_back(core::Tensor::zeros(parameter.shape));
  }
  cut_into_chunks();
  pieces_.reserve(chunks_.size());
}

// Shares of equal size in the order of the parameters, whatever the sizes of these are: a thread updates what it has as a
// rule made the gradients of, and what it is going to multiply by.
void Optimizer::cut_into_chunks() {
  const std::int64_t shares = core::round_up(std::max<std::int64_t>(1, core::ceil_div(elements_, kShare)), kShares);
  const std::int64_t size = core::round_up(std::max<std::int64_t>(1, core::ceil_div(elements_, shares)), kLine);
  std::int64_t share = 0, left = size;
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    const std::int64_t n = parameters_[p].numel();
    for (std::int64_t begin = 0, end = 0; begin < n; begin = end) {
      // Lines are not shared: what is left of a share may be less than one.
      end = std::min(begin + core::round_up(left, kLine), n);
      chunks_.push_back({p, begin, end, share});
      left -= end - begin;
      if (left > 0) continue;
      ++share;
      left = size;
    }
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
  if (common_.clip_value) clip_gradient_values(parameters_, *common_.clip_value);
  if (common_.clip_norm) clip_gradient_norm(parameters_, *common_.clip_norm);
  gather_pieces();
  ++steps_;
  prepare();
  update_pieces();
  if (common_.max_squared_length) limit_squared_lengths(parameters_, *common_.max_squared_length);
  core::lap(core::Phase::kUpdate, {}, "optimizer");
}

// Writable pointers are taken here, on one thread: taking one may copy a tensor that is shared.
void Optimizer::gather_pieces() {
  pieces_.clear();
  share_ends_.clear();
  std::int64_t share = -1;
  Piece whole;
  for (const Chunk& chunk : chunks_) {
    const Parameter& parameter = parameters_[chunk.parameter];
    if (parameter.variable.grad().empty()) continue;
    if (chunk.begin == 0) {
      whole.w = parameter.variable.mutable_value().mutable_data();
      whole.g = parameter.variable.grad().data();
      for (std::size_t s = 0; s < states_.size(); ++s) whole.state[s] = states_[s][chunk.parameter].mutable_data();
      whole.decayed = parameter.role == Role::kWeight || (common_.decay_all && parameter.role != Role::kStep);
      whole.rate = parameter.learning_rate_scale;
    }
    Piece piece = whole;
    piece.n = chunk.end - chunk.begin;
    piece.w += chunk.begin;
    piece.g += chunk.begin;
    for (std::size_t s = 0; s < states_.size(); ++s) piece.state[s] += chunk.begin;
    pieces_.push_back(piece);
    if (std::exchange(share, chunk.share) != chunk.share) share_ends_.emplace_back();
    share_ends_.back() = pieces_.size();
  }
}

void Optimizer::update_pieces() const {
  const std::int64_t count = std::ssize(share_ends_);
  const std::int64_t grain = elements_ < kSerialBelow ? std::max<std::int64_t>(1, count) : 1;
  core::parallel_for(count, grain, [this](std::int64_t share, std::int64_t end) {
    for (; share < end; ++share) {
      const auto at = static_cast<std::size_t>(share);
      for (std::size_t i = at == 0 ? 0 : share_ends_[at - 1]; i < share_ends_[at]; ++i) update(pieces_[i]);
    }
  });
}

}  // namespace tempera::nn
