// The smooth quantizer is differentiated exactly, so finite differences agree at every temperature.
#include <algorithm>
#include <string>

#include "gradcheck/support.hpp"
#include "nn/configured.hpp"
#include "tempera/quant/quantizer.hpp"

using namespace tempera;
using namespace tempera::gradcheck_test;

TEST_CASE("gradients of the smoothed sigmoid agree with differences at every temperature, by x and by alpha") {
  for (const bool weight : {false, true}) {
    for (const int bits : {2, 4, 8}) {
      for (const double temperature : {0.1, 1.0, 4.0, 10.0, 19.5, 40.0}) {
        CAPTURE(weight);
        CAPTURE(bits);
        CAPTURE(temperature);
        const quant::QuantizerRegistry& registry = quant::QuantizerRegistry::builtin();
        const auto q = registry.make(
            *configured(registry, std::string(R"({"type": "smoothed_sigmoid", "growth": "constant", "alpha": 1.5, )") +
                                      "\"bits\": " + std::to_string(bits) +
                                      ", \"temperature\": " + std::to_string(temperature) + "}"),
            {.name = "site", .kind = weight ? nn::SiteKind::kWeight : nn::SiteKind::kOutput, .shape = {5}});
        Tensor values({3, 5});
        Random(3, "x").fill_normal(values.mutable_values(), 0, 1);
        const Variable x(values, true), alpha = q->parameters()[0].variable;
        const auto result = core::gradcheck(
            [&](const Variables& in) {
              nn::ForwardContext training{.training = true};
              return q->forward(in[0], training);
            },
            {x, alpha},
            // The curvature of a step is (T/δ)²: the difference must stay well inside of one.
            {.epsilon = std::min(1e-5, 1e-3 * 1.5 / ((1 << bits) - 1) / temperature)});
        CHECK_MESSAGE(result.passed, result.report);
      }
    }
  }
}

TEST_CASE(
    "gradients by beta and by every bias agree with differences at every temperature, also where biases have crossed") {
  for (const bool weight : {false, true}) {
    for (const std::string steps :
         {R"("beta": "learned")", R"("biases": "learned")", R"("beta": "learned", "biases": "learned")"}) {
      for (const double temperature : {0.1, 1.0, 4.0, 10.0, 19.5, 40.0}) {
        CAPTURE(weight);
        CAPTURE(steps);
        CAPTURE(temperature);
        const quant::QuantizerRegistry& registry = quant::QuantizerRegistry::builtin();
        const auto q = registry.make(
            *configured(registry, R"({"type": "smoothed_sigmoid", "growth": "constant", "alpha": 1.5, "bits": 3, )" +
                                      steps + ", \"temperature\": " + std::to_string(temperature) + "}"),
            {.name = "site", .kind = weight ? nn::SiteKind::kWeight : nn::SiteKind::kOutput, .shape = {5}});
        Tensor values({3, 5});
        Random(3, "x").fill_normal(values.mutable_values(), 0, 1);
        Variables all{Variable(values, true)};
        for (const nn::Parameter& p : q->parameters()) {
          Tensor moved = p.variable.value();
          Tensor factor(p.shape);
          Random(4, p.name).fill_uniform(factor.mutable_values(), 0.6, 1.4);
          for (std::size_t i = 0; i < moved.values().size(); ++i) moved.mutable_values()[i] *= factor.values()[i];
          p.variable.set_value(moved);
          all.push_back(p.variable);
        }
        REQUIRE(all.size() == (steps.size() > 22 ? 4 : 3));
        const auto result = core::gradcheck(
            [&](const Variables& in) {
              nn::ForwardContext training{.training = true};
              return q->forward(in[0], training);
            },
            all, {.epsilon = std::min(1e-5, 1e-3 * 1.5 / 7 / temperature)});
        CHECK_MESSAGE(result.passed, result.report);
      }
    }
  }
}
