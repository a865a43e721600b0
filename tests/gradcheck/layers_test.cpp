// Oracle: central differences in double precision, for every registered layer on its own examples.
#include "contract/support.hpp"
#include "tempera/core/gradcheck.hpp"

namespace tempera {
namespace {

void check_gradients(const contract::Example& example, bool training) {
  nn::Model model(example.config, example.input, contract::kSeed);
  std::vector<core::Variable> inputs{core::Variable(contract::numbers(example.input, 3), true)};
  for (const nn::Parameter& parameter : model.parameters()) inputs.push_back(parameter.variable);
  const auto forward = [&](const std::vector<core::Variable>& in) {
    nn::ForwardContext context{.training = training, .seed = contract::kSeed, .step = 5};
    return model.forward(in.front(), context);
  };
  const core::GradcheckResult result = core::gradcheck(forward, inputs);
  CHECK_MESSAGE(result.passed, result.report);
  CHECK(result.checked > 0);
}

TEST_CASE("every layer's gradients by its input and its parameters agree with differences") {
  contract::for_each_example([](const contract::Example& example) {
    check_gradients(example, true);
    check_gradients(example, false);
  });
}

}  // namespace
}  // namespace tempera
