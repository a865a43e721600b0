// Values that a model file may not have. Oracle: what was written where.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "quant/quantized_model.hpp"
#include "support/temporary_folder.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/checkpoint.hpp"
#include "tempera/nn/safetensors.hpp"

namespace {

using namespace tempera;
using quant_test::Quantized;

Quantized batch_normed() {
  return Quantized(R"({"type": "linear", "name": "fc1", "out": 3}, {"type": "batch_norm", "name": "norm"},
                      {"type": "linear", "name": "fc2", "out": 2})",
                   {4}, R"({"when": "after", "rules": [
                      {"sites": "fc1.weight", "quantizer": {"type": "uniform", "bits": 4, "granularity": "per_channel"}},
                      {"sites": "fc2.weight", "quantizer": {"type": "ternary"}}]})");
}

const nn::Buffer& buffer_named(const std::vector<nn::Buffer>& buffers, const std::string& name) {
  const auto found = std::ranges::find(buffers, name, &nn::Buffer::name);
  REQUIRE_MESSAGE(found != buffers.end(), name);
  return *found;
}

// What loading says of a file in which that buffer begins with `value`; the model stays as it was where it refuses.
std::string loading(const std::string& name, Scalar value, bool all = false) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "model.safetensors";
  const Quantized changed = batch_normed();
  const std::vector<nn::Buffer> of = changed.model.buffers();
  const auto values = buffer_named(of, name).variable.mutable_value().mutable_values();
  std::ranges::fill(values.first(all ? values.size() : 1), value);
  nn::SafetensorsWriter writer;
  nn::add_model(writer, changed.model);
  writer.write(file);

  Quantized other = batch_normed();
  const std::vector<nn::Buffer> buffers = other.model.buffers();
  const Scalar before = buffer_named(buffers, name).variable.value().values()[0];
  try {
    nn::load_model(nn::SafetensorsReader(file), other.model);
  } catch (const core::CheckpointError& error) {
    CHECK(buffer_named(buffers, name).variable.value().values()[0] == before);
    CHECK(error.file() == file.string());
    return error.what();
  }
  return "no error";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a variance or a scale that cannot be is refused when a model is loaded, by tensor, rule and file") {
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN(), inf = std::numeric_limits<Scalar>::infinity();
  for (const Scalar bad : {Scalar{-1}, nan, inf}) {
    const std::string text = loading("norm.running_variance", bad);
    CHECK_MESSAGE(has(text, "tensor \"norm.running_variance\": must be finite and not below 0; value 0 is"), text);
  }
  CHECK(has(loading("norm.running_mean", nan), "tensor \"norm.running_mean\": must be finite; value 0 is nan"));
  for (const char* scale : {"fc1.weight.scale", "fc2.weight.scale"}) {
    CAPTURE(scale);
    for (const Scalar bad : {Scalar{-0.5}, nan, inf}) {
      CHECK(has(loading(scale, bad), std::string("tensor \"") + scale + "\": must be finite and above 0"));
    }
  }
  CHECK(has(loading("fc1.weight.scale", 0), "above 0 (or all 0, as long as no range was chosen); value 0 is 0"));
}

TEST_CASE("zero points and ranges that cannot be are refused when a model is loaded") {
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN(), inf = std::numeric_limits<Scalar>::infinity();
  for (const char* name : {"fc1.weight.zero_point", "fc1.weight.observer.low", "fc1.weight.observer.high"}) {
    CAPTURE(name);
    for (const Scalar bad : {nan, inf, -inf}) CHECK(has(loading(name, bad), std::string(name) + "\": must be finite"));
  }
  CHECK(has(loading("fc1.weight.observer.seen", -1), "must be finite and not below 0; value 0 is -1"));
}

TEST_CASE("a variance of 0 and scales that were not chosen yet are loaded") {
  CHECK(loading("norm.running_variance", 0) == "no error");
  CHECK(loading("fc1.weight.scale", 0, true) == "no error");
}
