// A config with every kind of field, on which the tests of reading, writing and explaining agree.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tempera/core/registry.hpp"

namespace sample {

using namespace tempera::core;

struct Product {
  virtual ~Product() = default;
};

struct Sgd : Product {
  struct Config {
    double learning_rate = 0.1;
    double momentum = 0;
    void fields(FieldVisitor& v) {
      v.field("learning_rate", learning_rate, {.help = "step size", .min = 0, .above_min = true});
      v.field("momentum", momentum, {.help = "share of the last step", .min = 0, .max = 1, .below_max = true});
    }
  };
  explicit Sgd(const Config& /*config*/) {}
};

struct Adam : Product {
  struct Config {
    double learning_rate = 0.001;
    std::vector<double> betas = {0.9, 0.999};
    void fields(FieldVisitor& v) {
      v.field("learning_rate", learning_rate, {.help = "step size", .min = 0, .above_min = true});
      v.field("betas", betas, {.help = "decay of the moments", .min = 0, .max = 1, .min_items = 2, .max_items = 2});
    }
  };
  explicit Adam(const Config& /*config*/) {}
};

struct Conv : Product {
  struct Config {
    std::int64_t out = 0;
    std::vector<std::int64_t> kernel = {3};
    void fields(FieldVisitor& v) {
      v.field("out", out, {.help = "output channels", .unit = "channels", .min = 1, .required = true});
      v.field("kernel", kernel,
              {.help = "height and width", .unit = "pixels", .min = 1, .max_items = 2, .single = true});
    }
  };
  explicit Conv(const Config& /*config*/) {}
};

struct Block : Product {
  struct Config {
    std::vector<Clonable<>> layers;
    void fields(FieldVisitor& v, const TypeCatalog& catalog) {
      v.typed_list("layers", catalog, layers, {.help = "layers inside"});
    }
  };
  explicit Block(const Config& /*config*/) {}
};

using Optimizers = Registry<Product>;
using Layers = Registry<Product, NamedFields>;

inline const Optimizers& optimizers() {
  static const auto known = [] {
    auto r = std::make_unique<Optimizers>("optimizer");
    r->add<Sgd>("sgd", "stochastic gradient descent");
    r->add<Adam>("adam", "adaptive moments");
    return r;
  }();
  return *known;
}

inline const Layers& layers() {
  static const auto known = [] {
    auto r = std::make_unique<Layers>("layer");
    r->add<Conv>("conv2d", "convolution");
    r->add<Block>("block", "layers in a row");
    return r;
  }();
  return *known;
}

enum class Precision { kFloat32, kBfloat16 };
inline constexpr std::array<std::string_view, 2> kPrecisions = {"float32", "bfloat16"};

struct Train {
  std::int64_t epochs = 5;
  double clip = 1;
  std::optional<double> target;
  Precision precision = Precision::kFloat32;
  bool shuffle = true;
  void fields(FieldVisitor& v) {
    v.field("epochs", epochs, {.help = "passes over the data", .unit = "epochs", .min = 1, .max = 1000});
    v.field("clip", clip, {.help = "largest gradient norm", .min = 0, .above_min = true});
    v.field("target", target, {.help = "stop at this loss", .min = 0});
    v.choice("precision", precision, kPrecisions, {.help = "of the arithmetic"});
    v.field("shuffle", shuffle, {.help = "new order every epoch"});
    v.rule(!target || *target < clip, "target", "target must be smaller than clip");
  }
};

struct Rule {
  std::string sites = "*";
  std::int64_t bits = 8;
  void fields(FieldVisitor& v) {
    v.field("sites", sites, {.help = "which sites"});
    v.field("bits", bits, {.help = "width", .unit = "bits", .min = 1, .max = 16});
  }
};

struct Soft {
  double temperature = 1;
  double weight = 0.5;
  void fields(FieldVisitor& v) {
    v.field("temperature", temperature, {.help = "of the softmax", .min = 0, .above_min = true});
    v.field("weight", weight, {.help = "of the soft term"});
  }
};

struct Experiment {
  std::string name;
  std::int64_t seed = 1;
  std::vector<std::string> analyses;
  std::vector<double> temperatures = {1, 2};
  std::optional<std::string> fallback;
  std::optional<std::int64_t> limit;
  Train train;
  std::optional<Soft> soft;
  std::vector<Rule> rules;
  Clonable<> optimizer{optimizers().create("sgd")};
  std::vector<Clonable<>> model;
  std::string vary = "{}";

  void fields(FieldVisitor& v) {
    v.field("name", name, {.help = "of the run", .required = true});
    v.field("seed", seed, {.help = "of all random numbers", .min = 0});
    v.field("analyses", analyses, {.help = "what to do afterwards"});
    v.field("temperatures", temperatures, {.help = "of the study", .min = 0, .above_min = true});
    v.field("fallback", fallback, {.help = "another set of data"});
    v.field("limit", limit, {.help = "images to take", .unit = "images", .min = 1});
    v.object("train", train, {.help = "the training loop"});
    v.object("soft", soft, {.help = "distillation"});
    v.list("rules", rules, {.help = "quantization rules"});
    v.typed("optimizer", optimizers(), optimizer, {.help = "how weights follow gradients", .required = false});
    v.typed_list("model", layers(), model, {.help = "layers in order"});
    v.raw("vary", vary, {.help = "what a study varies"});
  }
};

}  // namespace sample
