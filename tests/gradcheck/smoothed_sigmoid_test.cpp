// The smooth quantizer is differentiated exactly, so finite differences agree at every temperature.
#include "gradcheck/support.hpp"
#include "nn/configured.hpp"
#include "tempera/quant/quantizer.hpp"

using namespace tempera;
using namespace tempera::gradcheck_test;

TEST_CASE("gradients of the smoothed sigmoid agree with differences at every temperature, by x and by alpha") {
  for (const bool weight : {false, true}) {
    for (const char* bits : {"2", "4", "8"}) {
      for (const char* temperature : {"0.1", "1", "4", "10", "40"}) {
        CAPTURE(weight);
        CAPTURE(bits);
        CAPTURE(temperature);
        const quant::QuantizerRegistry& registry = quant::QuantizerRegistry::builtin();
        const auto q = registry.make(
            *configured(registry, std::string(R"({"type": "smoothed_sigmoid", "growth": "constant", "alpha": 1.5, )") +
                                      "\"bits\": " + bits + ", \"temperature\": " + temperature + "}"),
            {.name = "site", .kind = weight ? nn::SiteKind::kWeight : nn::SiteKind::kOutput, .shape = {5}});
        Tensor values({3, 5});
        Random(3, "x").fill_normal(values.mutable_values(), 0, 1);
        const Variable x(values, true), alpha = q->parameters()[0].variable;
        const auto result = core::gradcheck(
            [&](const Variables& in) {
              nn::ForwardContext training{.training = true};
              return q->forward(in[0], training);
            },
            {x, alpha});
        CHECK_MESSAGE(result.passed, result.report);
      }
    }
  }
}
