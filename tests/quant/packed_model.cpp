// Oracles: the integers that the weights' quantizers give, read from the file bit by bit; the logits before the file was
// written; and for damaged files, what was written where.
#include "tempera/quant/packed_model.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "quant/quantized_model.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/checkpoint.hpp"
#include "tempera/quant/dynamic_forward.hpp"
#include "tempera/quant/fold_bn.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using core::Tensor;
using quant_test::Quantized;
namespace fs = std::filesystem;

struct Folder {
  Folder() : path(fs::temp_directory_path() / ("tempera-packed-" + std::to_string(::getpid()))) {
    fs::create_directories(path);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

const char* const kLayers = R"(
    {"type": "conv2d", "name": "conv", "out": 5, "kernel": 3}, {"type": "batch_norm", "name": "norm"},
    {"type": "relu", "name": "act"}, {"type": "flatten"}, {"type": "linear", "name": "fc1", "out": 9},
    {"type": "relu"}, {"type": "linear", "name": "fc2", "out": 4})";
const char* const kRules = R"({"when": "after", "rules": [
    {"sites": "conv.weight", "quantizer": {"type": "uniform", "bits": 8, "granularity": "per_channel"}},
    {"sites": "fc1.weight", "quantizer": {"type": "uniform", "bits": 4, "granularity": "per_group", "group": 16}},
    {"sites": "fc2.weight", "quantizer": {"type": "uniform", "bits": 3, "symmetric": false, "signed": false}},
    {"sites": "*.input", "how": "dynamic", "quantizer": "uniform"},
    {"sites": "norm.input"}]})";

Quantized network() { return {kLayers, {2, 6, 6}, kRules}; }

TEST_CASE("a network read from packed weights gives the same logits in every bit") {
  const Folder folder;
  Quantized original = network();
  save_packed(folder.path / "packed.safetensors", original.model, {{"note", "kept"}});
  const nn::SafetensorsReader file(folder.path / "packed.safetensors");
  CHECK(is_packed(file));
  CHECK(file.metadata().at("note") == "kept");
  Quantized other = network();
  for (const nn::Parameter& p : other.model.parameters()) {
    std::ranges::fill(p.variable.mutable_value().mutable_values(), Scalar{7});
  }
  load_packed(file, other.model);
  CHECK(std::ranges::equal(DynamicForward(other.model).logits(original.images).values(),
                           DynamicForward(original.model).logits(original.images).values()));
}

TEST_CASE("packed weights become the integers they were again, whichever way their quantizer rounds") {
  const Folder folder;
  for (const char* rounding : {"half_even", "half_away", "half_up", "floor"}) {
    for (const char* grid : {R"("granularity": "per_channel")", R"("symmetric": false, "signed": false)",
                             R"("granularity": "per_group", "group": 5)", R"("scale": 0.013)"}) {
      CAPTURE(rounding);
      CAPTURE(grid);
      const std::string rules =
          R"({"when": "after", "rules": [{"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 5,
          "rounding": ")" +
          std::string(rounding) + "\", " + grid + R"(}}, {"sites": "*.input", "how": "dynamic", "quantizer": "uniform"},
          {"sites": "norm.input"}]})";
      Quantized original(kLayers, {2, 6, 6}, rules), other(kLayers, {2, 6, 6}, rules);
      save_packed(folder.path / "packed.safetensors", original.model, {});
      load_packed(nn::SafetensorsReader(folder.path / "packed.safetensors"), other.model);
      CHECK(std::ranges::equal(DynamicForward(other.model).logits(original.images).values(),
                               DynamicForward(original.model).logits(original.images).values()));
    }
  }
}

TEST_CASE("weights lie in the file bit by bit, two's complement from the lowest bit on") {
  const Folder folder;
  Quantized original = network();
  save_packed(folder.path / "packed.safetensors", original.model, {});
  const nn::SafetensorsReader file(folder.path / "packed.safetensors");
  for (const auto& [name, bits, shift] : {std::tuple("conv.weight", 8, 0), std::tuple("fc1.weight", 4, 0),
                                          std::tuple("fc2.weight", 3, 4)}) {  // unsigned: 2^(bits−1) less
    CAPTURE(name);
    for (nn::Site* site : original.model.sites()) {
      if (site->name != name) continue;
      SiteQuantizer& quantizer = *quantizer_of(*site);
      Tensor weight = site->parameter.value();
      if (quantizer.folded()) weight = scaled_channels(weight, invertible_factor(*quantizer.folded()));
      const std::vector<std::int32_t> expected = quantizer.quantizer().integers(weight).values;
      const std::vector<std::byte> bytes = file.bytes(*file.find(name));
      REQUIRE(bytes.size() == (expected.size() * static_cast<std::size_t>(bits) + 7) / 8);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        int value = 0;
        for (int b = 0; b < bits; ++b) {
          const std::size_t at = i * static_cast<std::size_t>(bits) + static_cast<std::size_t>(b);
          value |= (static_cast<int>(bytes[at / 8]) >> (at % 8) & 1) << b;
        }
        if (value >= 1 << (bits - 1)) value -= 1 << bits;
        CHECK(value + shift == expected[i]);
      }
    }
  }
  CHECK(file.find("fc1.weight.zero_point") == nullptr);  // all 0
  CHECK(file.find("fc2.weight.zero_point") != nullptr);
}

// The number that sixteen bits are by IEEE 754, of 5 or 8 bits of exponent.
double half_value(std::uint16_t bits, int exponent_bits) {
  const int mantissa_bits = 15 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = bits >> mantissa_bits & ((1 << exponent_bits) - 1), mantissa = bits & ((1 << mantissa_bits) - 1);
  const double size = exponent == 0 ? std::ldexp(mantissa, 1 - bias - mantissa_bits)
                                    : std::ldexp((1 << mantissa_bits) + mantissa, exponent - bias - mantissa_bits);
  return (bits & 0x8000) != 0 ? -size : size;
}

TEST_CASE("weights rounded to half floats are stored as the nearest of them, and give the same logits when read") {
  const Folder folder;
  const auto network = [] {
    return Quantized(R"({"type": "linear", "name": "fc1", "out": 30}, {"type": "relu"},
        {"type": "linear", "name": "fc2", "out": 9}, {"type": "linear", "name": "fc3", "out": 4})",
                     {50}, R"({"when": "after", "rules": [{"sites": "input"},
        {"sites": "fc1.weight", "quantizer": "float16"}, {"sites": "fc2.weight", "quantizer": "bfloat16"}]})");
  };
  Quantized original = network();
  CHECK(packs_weights(original.model));
  const std::span<Scalar> first = original.model.parameters()[0].variable.mutable_value().mutable_values();
  const double special[] = {0.0,    -0.0,    65504, -65504, 6e-8,      -5.9e-8, 2.9e-8,
                            6.1e-5, 6.09e-5, 1e-30, 0.1,    1.0009765, 2047.5};
  std::ranges::transform(special, first.begin(), [](double v) { return static_cast<Scalar>(v); });
  save_packed(folder.path / "packed.safetensors", original.model, {});
  const nn::SafetensorsReader file(folder.path / "packed.safetensors");
  CHECK(is_packed(file));
  for (const auto& [name, dtype, exponent] :
       {std::tuple("fc1.weight", nn::DType::kF16, 5), std::tuple("fc2.weight", nn::DType::kBF16, 8)}) {
    CAPTURE(name);
    const nn::StoredTensor* stored = file.find(name);
    REQUIRE(stored != nullptr);
    REQUIRE(stored->dtype == dtype);
    const auto parameters = original.model.parameters();
    const auto weight = std::ranges::find(parameters, name, &nn::Parameter::name)->variable.value();
    const std::vector<std::byte> bytes = file.bytes(*stored);
    REQUIRE(std::ssize(bytes) == 2 * weight.numel());
    for (std::size_t i = 0; i < weight.values().size(); ++i) {
      const auto bits =
          static_cast<std::uint16_t>(static_cast<int>(bytes[2 * i]) | static_cast<int>(bytes[2 * i + 1]) << 8);
      const auto x = static_cast<double>(weight.values()[i]);
      const double off = std::abs(half_value(bits, exponent) - x);
      CHECK(std::signbit(half_value(bits, exponent)) == std::signbit(x));
      for (const int to : {-1, 1}) {  // neighbours are no nearer, and of two as near the even one is taken
        const auto other = static_cast<std::uint16_t>(bits + to);
        if ((bits & 0x7FFF) == 0 || (other & 0x7FFF) == 0x7C00) continue;
        const double distance = std::abs(half_value(other, exponent) - x);
        CHECK((off < distance || (off == distance && bits % 2 == 0)));
      }
    }
  }
  CHECK(file.find("fc3.weight")->dtype == nn::scalar_dtype());
  Quantized other = network();
  for (const nn::Parameter& p : other.model.parameters()) {
    std::ranges::fill(p.variable.mutable_value().mutable_values(), Scalar{7});
  }
  load_packed(file, other.model);
  nn::ForwardContext context;
  CHECK(std::ranges::equal(other.model.forward(core::Variable(original.images), context).value().values(),
                           original.model.forward(core::Variable(original.images), context).value().values()));
}

TEST_CASE("a weight that half floats have no room for stays as it is") {
  const Folder folder;
  Quantized original(
      R"({"type": "linear", "name": "fc1", "out": 3})", {4},
      R"({"when": "after", "rules": [{"sites": "input"}, {"sites": "fc1.weight", "quantizer": "float16"}]})");
  original.model.parameters()[0].variable.mutable_value().mutable_values()[5] = 70000;
  save_packed(folder.path / "packed.safetensors", original.model, {});
  const nn::SafetensorsReader file(folder.path / "packed.safetensors");
  CHECK(file.find("fc1.weight")->dtype == nn::scalar_dtype());
}

TEST_CASE("a packed file is no larger than its integers, scales and floats, and a header") {
  const Folder folder;
  Quantized original(R"({"type": "linear", "name": "fc1", "out": 100})", {400}, R"({"when": "after", "rules": [
      {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 4, "granularity": "per_channel"}},
      {"sites": "fc1.input", "how": "dynamic", "quantizer": "uniform"}]})");
  save_packed(folder.path / "packed.safetensors", original.model, {});
  CHECK(fs::file_size(folder.path / "packed.safetensors") <= 400 * 100 / 2 + 100 * 4 + 100 * 4 + 512);
}

// What reading says after one tensor of a good file was replaced, left out (no values) or added.
std::string complaint(const std::string& name, const std::optional<Tensor>& value, bool add = false) {
  const Folder folder;
  Quantized original = network();
  save_packed(folder.path / "good.safetensors", original.model, {});
  const nn::SafetensorsReader good(folder.path / "good.safetensors");
  nn::SafetensorsWriter writer;
  for (const nn::StoredTensor& stored : good.tensors()) {
    if (stored.name == name) continue;
    writer.add(stored.name, stored.dtype, stored.shape, good.bytes(stored));
  }
  if (value) writer.add(name, *value);
  for (const auto& [key, text] : good.metadata()) writer.metadata(key, text);
  writer.write(folder.path / "bad.safetensors");
  CHECK((good.find(name) == nullptr) == add);

  Quantized other = network();
  const Tensor before = DynamicForward(other.model).logits(other.images);
  std::string text = "no error";
  try {
    load_packed(nn::SafetensorsReader(folder.path / "bad.safetensors"), other.model);
  } catch (const core::CheckpointError& error) {
    text = error.what();
  }
  CHECK(std::ranges::equal(DynamicForward(other.model).logits(other.images).values(), before.values()));
  return text;
}

TEST_CASE("a damaged file is refused with the tensor and the reason, and the model stays as it was") {
  const auto says = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN(), inf = std::numeric_limits<Scalar>::infinity();
  for (const Scalar bad : {Scalar{0}, Scalar{-1}, nan, inf, Scalar{1e-40F}}) {
    CHECK(says(complaint("conv.weight.scale", Tensor({5}, {1, 1, bad, 1, 1})), "conv.weight.scale"));
  }
  CHECK(says(complaint("norm.running_variance", Tensor({5}, {1, 1, -1, 1, 1})), "not below 0; value 2 is -1"));
  CHECK(says(complaint("fc2.weight.zero_point", Tensor({1}, {8})), "integer from 0 to 7"));
  CHECK(says(complaint("fc2.weight.zero_point", Tensor({1}, {1.5F})), "integer from 0 to 7"));
  CHECK(says(complaint("fc2.weight.scale", std::nullopt), "has no tensor \"fc2.weight.scale\""));
  CHECK(says(complaint("fc1.bias", std::nullopt), "has no tensor \"fc1.bias\""));
  CHECK(says(complaint("fc1.weight", std::nullopt), "has no tensor \"fc1.weight\""));
  CHECK(says(complaint("fc1.weight", Tensor({9, 80})), "are not 720 integers of 4 bits"));
  CHECK(says(complaint("norm.gain", Tensor({4})), "norm.gain"));
  CHECK(says(complaint("more", Tensor({4}), true), "\"more\" is none that the model has"));
}

}  // namespace
