#include "tempera/nn/optimizer.hpp"

#include <algorithm>
#include <utility>

#include "tempera/core/parallel.hpp"
#include "tempera/core/profile.hpp"
#include "tempera/nn/clipping.hpp"

namespace tempera::nn {
namespace {

constexpr std::int64_t kChunk = 32768;        // elements: a few arrays of this size stay in the second-level cache
constexpr std::int64_t kSerialBelow = 65536;  // elements that one thread updates sooner than two are woken

}  // namespace

Optimizer::Optimizer(const std::vector<Parameter>& parameters, std::vector<std::string> states)
    : parameters_(parameters), state_names_(std::move(states)), states_(state_names_.size()) {
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    const std::int64_t n = parameters_[p].numel();
    elements_ += n;
    for (std::int64_t begin = 0; begin < n; begin += kChunk) chunks_.push_back({p, begin, std::min(begin + kChunk, n)});
    for (std::vector<core::Tensor>& state : states_) state.push_back(core::Tensor::zeros(parameters_[p].shape));
  }
  pieces_.reserve(chunks_.size());
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
  }
}

void Optimizer::update_pieces() const {
  const auto count = static_cast<std::int64_t>(pieces_.size());
  const std::int64_t grain = elements_ < kSerialBelow ? std::max<std::int64_t>(1, count) : 1;
  core::parallel_for(count, grain, [this](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) update(pieces_[static_cast<std::size_t>(i)]);
  });
}

}  // namespace tempera::nn
