// What a checkpoint says of a training. Oracle: what was written.
#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "tempera/core/errors.hpp"
#include "tempera/nn/training_state.hpp"

using namespace tempera;

TEST_CASE("a training state survives JSON with all bits of its numbers") {
  nn::TrainingState state{.epoch = 1, .batch = 7, .step = 1234567890123};
  state.sums = {.loss = 0.1 + 0.2, .correct = 5, .samples = 70, .seconds = 1e-300};
  state.best = -1.0 / 3;
  state.best_epoch = 1;
  state.history.push_back({.epoch = 1, .steps = 9, .train = {.loss = 2.0 / 3, .accuracy = 0.5}, .best = true});
  state.history.back().numbers["optimizer.momentum"] = 0.7;
  const nn::TrainingState back = nn::training_state_from_json(nn::to_json(state), "test");
  CHECK(nn::to_json(back) == nn::to_json(state));
  CHECK(back.sums.loss == state.sums.loss);
  CHECK(*back.best == *state.best);
  CHECK_THROWS_AS((void)nn::training_state_from_json("{}", "test"), core::CheckpointError);
  CHECK_THROWS_AS((void)nn::training_state_from_json("{", "test"), core::CheckpointError);
  for (const auto& spoil : std::vector<std::function<void(nn::TrainingState&)>>{
           [](nn::TrainingState& s) { s.step = -1; }, [](nn::TrainingState& s) { s.batch = s.step + 1; },
           [](nn::TrainingState& s) { s.epoch += 1; }, [](nn::TrainingState& s) { s.best_epoch = 2; },
           [](nn::TrainingState& s) { s.best_epoch = -1; }, [](nn::TrainingState& s) { s.sums.correct = -1; },
           [](nn::TrainingState& s) { s.sums.samples = s.sums.correct - 1; }}) {
    nn::TrainingState spoilt = state;
    spoil(spoilt);
    CHECK_THROWS_WITH_AS((void)nn::training_state_from_json(nn::to_json(spoilt), "test"),
                         doctest::Contains("impossible"), core::CheckpointError);
  }
}
