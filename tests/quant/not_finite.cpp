// Numbers that are none: weights, biases, and what quantizers keep, as a training that broke or a file may leave them. Oracle:
// no integer stands for them, so that each is refused by the name of where it is.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "quant/quantized_model.hpp"
#include "quant/support.hpp"
#include "support/temporary_folder.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/quant/calibrate.hpp"
#include "tempera/quant/exact_forward.hpp"
#include "tempera/quant/lower.hpp"
#include "tempera/quant/packed_model.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

constexpr double kNotFinite[] = {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                                 -std::numeric_limits<double>::infinity()};
constexpr double kNan = kNotFinite[0], kInfinity = kNotFinite[1];

// One layer of 2 × 3 weights, with a rule for them.
quant_test::Quantized layer(const std::string& quantizer) {
  return {R"({"type": "linear", "name": "fc", "out": 2})",
          {3},
          R"({"rules": [{"sites": "fc.weight", "quantizer": )" + quantizer + "}]}"};
}

void set(nn::Model& model, const std::string& name, std::size_t index, double value) {
  const auto put = [&](const std::string& found, const core::Variable& variable) {
    if (found != name) return false;
    variable.mutable_value().mutable_values()[index] = static_cast<Scalar>(value);
    return true;
  };
  for (const nn::Parameter& p : model.parameters()) {
    if (put(p.name, p.variable)) return;
  }
  for (const nn::Buffer& b : model.buffers()) {
    if (put(b.name, b.variable)) return;
  }
  FAIL("no " << name);
}

template <class Fn>
void check_refused(const std::string& where, const Fn& fn) {
  try {
    fn();
    FAIL("was taken");
  } catch (const core::NumericError& error) {
    CHECK(error.where() == where);
  }
}

TEST_CASE("a weight that is not finite becomes no integer, whatever quantizer it has") {
  for (const char* quantizer :
       {R"({"type": "uniform", "bits": 4})", R"({"type": "uniform", "granularity": "per_channel"})", R"("ternary")",
        R"({"type": "ternary", "per_channel": true})", R"("power_of_two_values")", R"("dorefa")", R"("lsq")",
        R"("lsq_plus")", R"("smoothed_sigmoid")"}) {
    for (const double bad : kNotFinite) {
      CAPTURE(quantizer);
      CAPTURE(bad);
      quant_test::Quantized it = layer(quantizer);
      REQUIRE_NOTHROW(static_cast<void>(lower(it.model, {})));
      set(it.model, "fc.weight", 4, bad);
      check_refused("fc.weight", [&] { static_cast<void>(lower(it.model, {})); });
      check_refused("fc.weight", [&] { static_cast<void>(ExactForward(it.model, {}).logits(it.images)); });
    }
  }
}

TEST_CASE("grids of weights alone refuse what is not finite in their float form, too") {
  for (const char* quantizer : {R"("ternary")", R"("power_of_two_values")", R"("dorefa")"}) {
    CAPTURE(quantizer);
    quant_test::Quantized it = layer(quantizer);
    set(it.model, "fc.weight", 0, kNan);
    nn::ForwardContext evaluation;
    check_refused("fc.weight", [&] { static_cast<void>(it.model.forward(core::Variable(it.images), evaluation)); });
  }
}

TEST_CASE("a file of packed integers is not written from a weight that is not finite") {
  const TemporaryFolder folder;
  quant_test::Quantized it = layer(R"({"type": "uniform", "bits": 4})");
  save_packed(folder / "whole", it.model, {});
  set(it.model, "fc.weight", 5, kNan);
  check_refused("fc.weight", [&] { save_packed(folder / "broken", it.model, {}); });
  CHECK_FALSE(std::filesystem::exists(folder / "broken"));
}

TEST_CASE("a bias that is not finite is refused by its layer, where a large one is brought into range") {
  for (const double bad : kNotFinite) {
    CAPTURE(bad);
    quant_test::Quantized it = layer(R"({"type": "uniform", "bits": 4})");
    set(it.model, "fc.bias", 1, bad);
    check_refused("linear \"fc\"", [&] { static_cast<void>(lower(it.model, {})); });
    check_refused("linear \"fc\"", [&] { static_cast<void>(ExactForward(it.model, {}).logits(it.images)); });
  }
  quant_test::Quantized it = layer(R"({"type": "uniform", "bits": 4})");
  set(it.model, "fc.bias", 1, 3e38);
  CHECK_NOTHROW(static_cast<void>(lower(it.model, {})));
}

TEST_CASE("a value that is not finite ends a calibration at its site, whether its quantizer looks at values or not") {
  for (const char* quantizer : {R"({"type": "uniform", "bits": 4})", R"({"type": "uniform", "scale": 0.5})",
                                R"({"type": "uniform", "observer": "percentile"})", R"({"type": "pact", "alpha": 3})",
                                R"({"type": "quantized_relu", "alpha": 3})", R"("lsq")", R"("dorefa")", R"("float16")",
                                R"({"type": "smoothed_sigmoid", "alpha": 3})"}) {
    for (const double bad : kNotFinite) {
      CAPTURE(quantizer);
      CAPTURE(bad);
      quant_test::Quantized it(R"({"type": "linear", "name": "fc", "out": 2}, {"type": "relu", "name": "act"})", {3},
                               R"({"when": "after", "rules": [{"sites": "act.output", "quantizer": )" +
                                   std::string(quantizer) + R"(}, {"sites": "input"}]})");
      quant_test::Samples images(it.images, std::vector<std::int32_t>(64, 0), 32);
      CHECK_NOTHROW(calibrate(it.model, images, 64));
      // A bias, so that the values of one feature are all of it, and rectified where it is not below 0.
      set(it.model, "fc.bias", 1, std::abs(bad));
      check_refused("act.output", [&] { calibrate(it.model, images, 64); });
    }
  }
}

struct Kept {
  const char *quantizer, *name;
  double value;
};

TEST_CASE("what a quantizer keeps is refused where no training could have left it") {
  for (const auto& [quantizer, name, value] :
       {Kept{"\"uniform\"", "zero_point", kNan}, Kept{"\"uniform\"", "zero_point", kInfinity},
        Kept{"\"uniform\"", "zero_point", 1e30}, Kept{"\"uniform\"", "zero_point", 128},
        Kept{"\"uniform\"", "zero_point", -128}, Kept{"\"uniform\"", "zero_point", 0.5},
        Kept{"\"uniform\"", "scale", kInfinity}, Kept{"\"lsq\"", "scale", kNan}, Kept{"\"lsq\"", "scale", kInfinity},
        Kept{"\"lsq_plus\"", "scale", kNan}, Kept{"\"lsq_plus\"", "offset", kNan},
        Kept{"\"lsq_plus\"", "offset", -kInfinity}, Kept{"\"smoothed_sigmoid\"", "alpha", kNan},
        Kept{"\"smoothed_sigmoid\"", "alpha", kInfinity}}) {
    CAPTURE(quantizer);
    CAPTURE(name);
    CAPTURE(value);
    quant_test::Quantized it = layer(quantizer);
    set(it.model, std::string("fc.weight.") + name, 0, value);
    check_refused("fc.weight", [&] { static_cast<void>(lower(it.model, {})); });
  }
}

}  // namespace
