// Small networks that between them use every way of becoming integers.
#pragma once

#include <string>
#include <vector>

#include "quant/quantized_model.hpp"

namespace tempera::quant_test {

using namespace quant;

struct Animal {
  std::string name, layers;
  core::Shape input;
  std::string rules;
};

inline std::string weights_and(const std::string& more, const std::string& weight = R"("granularity": "per_channel")") {
  return R"({"rules": [{"sites": "*.weight", "quantizer": {"type": "uniform", )" + weight + "}}" + more + "]}";
}
inline std::string at(const std::string& sites, const std::string& quantizer = R"("type": "uniform")") {
  return R"(, {"sites": ")" + sites + R"(", "quantizer": {)" + quantizer + "}}";
}

inline constexpr const char* kBeta = R"(, "beta": "learned")";
inline constexpr const char* kBiases = R"(, "biases": "learned")";
inline constexpr const char* kBoth = R"(, "beta": "learned", "biases": "learned")";
inline std::string learned(int bits, const std::string& steps) {
  return R"("type": "smoothed_sigmoid", "observer": "min_max", "bits": )" + std::to_string(bits) + steps;
}

inline std::vector<Animal> zoo() {
  const std::string conv_norm = R"({"type": "conv2d", "name": "c1", "out": 5, "kernel": 3, "padding": 1},
      {"type": "batch_norm", "name": "n1"}, {"type": "relu", "name": "a1"}, {"type": "flatten"},
      {"type": "linear", "name": "f", "out": 4})";
  const std::string block = R"({"type": "conv2d", "name": "stem", "out": 4, "kernel": 3, "padding": 1},
      {"type": "relu", "name": "a0"},
      {"type": "residual", "name": "r", "layers": [
        {"type": "conv2d", "name": "c1", "out": 6, "kernel": 3, "padding": 1, "stride": 2, "bias": false},
        {"type": "batch_norm", "name": "n1"}, {"type": "relu", "name": "a1"},
        {"type": "conv2d", "name": "c2", "out": 6, "kernel": 3, "padding": 1, "bias": false},
        {"type": "batch_norm", "name": "n2"}],
       "shortcut": [{"type": "conv2d", "name": "s", "out": 6, "kernel": 1, "stride": 2}]},
      {"type": "relu", "name": "a2"},
      {"type": "residual", "name": "r2", "layers": [
        {"type": "conv2d", "name": "c3", "out": 6, "kernel": 3, "padding": 1}, {"type": "batch_norm", "name": "n3"}]},
      {"type": "relu6", "name": "a3"}, {"type": "global_avg_pool2d", "name": "g"},
      {"type": "linear", "name": "f", "out": 3})";
  const std::string small = R"({"type": "conv2d", "name": "c1", "out": 4, "kernel": 3, "padding": 1},
      {"type": "batch_norm", "name": "n1"}, {"type": "relu", "name": "a1"}, {"type": "flatten"},
      {"type": "linear", "name": "f", "out": 3})";
  const auto by = [](const std::string& weight, const std::string& activation) {
    return R"({"rules": [{"sites": "*.weight", "quantizer": {)" + weight +
           R"(}}, {"sites": "a1.output", "quantizer": {)" + activation + "}}]}";
  };
  const std::string branches = R"({"type": "concat", "name": "j", "branches": [
        {"layers": [{"type": "conv2d", "name": "c1", "out": 3, "kernel": 3, "padding": 1}, {"type": "relu", "name": "a1"}]},
        {"layers": []},
        {"layers": [{"type": "conv2d", "name": "c2", "out": 2, "kernel": 1}, {"type": "clamp", "name": "k", "low": -0.3, "high": 0.4}]}]},
      {"type": "conv2d", "name": "c3", "out": 2, "kernel": 2})";
  return {
      {"mlp",
       R"({"type": "linear", "name": "f1", "out": 9}, {"type": "relu", "name": "a"},
                 {"type": "linear", "name": "f2", "out": 4})",
       {12},
       weights_and(at("a.output"))},
      {"asymmetric weights",
       R"({"type": "linear", "name": "f1", "out": 9}, {"type": "relu", "name": "a"},
                                {"type": "linear", "name": "f2", "out": 4, "bias": false})",
       {12},
       weights_and(at("a.output", R"("type": "uniform", "symmetric": false)"),
                   R"("symmetric": false, "granularity": "per_channel")")},
      {"unsigned weights of two bits",
       R"({"type": "conv2d", "name": "c", "out": 3, "kernel": 2},
                                          {"type": "flatten"}, {"type": "linear", "name": "f", "out": 4})",
       {1, 4, 4},
       weights_and(at("f.input"), R"("symmetric": false, "signed": false, "bits": 2)")},
      {"padding, stride, dilation, groups",
       R"({"type": "conv2d", "name": "c1", "out": 6, "kernel": 3, "padding": 2, "stride": 2, "dilation": 2, "groups": 2},
          {"type": "conv2d", "name": "c2", "out": 6, "kernel": 3, "padding": 1, "groups": 6},
          {"type": "relu6", "name": "a2"}, {"type": "flatten"}, {"type": "linear", "name": "f", "out": 3})",
       {4, 9, 8},
       weights_and(at("c1.output") + at("a2.output"))},
      {"accumulators in a row",
       R"({"type": "conv2d", "name": "c1", "out": 3, "kernel": 2}, {"type": "relu"},
          {"type": "max_pool2d"}, {"type": "flatten"})",
       {2, 5, 5},
       weights_and("")},
      {"wide steps",
       R"({"type": "conv2d", "name": "c1", "out": 3, "kernel": 3, "padding": 1, "stride": 3},
          {"type": "relu", "name": "a1"}, {"type": "flatten"}, {"type": "linear", "name": "f", "out": 3})",
       {2, 7, 7},
       weights_and(at("a1.output"))},
      {"pooling before the site",
       R"({"type": "conv2d", "name": "c1", "out": 5, "kernel": 3},
          {"type": "max_pool2d", "size": 3, "stride": 2, "padding": 1}, {"type": "relu6", "name": "a"}, {"type": "flatten"},
          {"type": "linear", "name": "f", "out": 4})",
       {2, 8, 8},
       weights_and(at("f.input"))},
      {"one accumulator, two grids",
       R"({"type": "conv2d", "name": "c1", "out": 4, "kernel": 3}, {"type": "relu", "name": "a"},
          {"type": "residual", "name": "r", "layers": [{"type": "conv2d", "name": "c2", "out": 4, "kernel": 1}],
           "shortcut": [{"type": "conv2d", "name": "c3", "out": 4, "kernel": 1}]}, {"type": "flatten"})",
       {2, 5, 5},
       weights_and(at("r/c2.input") + at("r/c3.input", R"("type": "uniform", "bits": 4)") + at("r.output"))},
      {"folded norm", conv_norm, {2, 6, 5}, weights_and(at("a1.output"))},
      {"folded norm, one scale", conv_norm, {2, 6, 5}, weights_and(at("a1.output"), R"("bits": 4)")},
      {"norm behind the grid",
       conv_norm,
       {2, 6, 5},
       R"({"fold_batch_norm": false, )" + weights_and(at("a1.output")).substr(1)},
      {"norm behind the whole grid",
       conv_norm,
       {2, 6, 5},
       R"({"fold_batch_norm": false, )" + weights_and(at("a1.output"), R"("narrow": false, "bits": 3)").substr(1)},
      {"residual", block, {2, 8, 8}, weights_and(at("a*.output") + at("g.output") + at("r/a1.output"))},
      {"residual of grids",
       block,
       {2, 8, 8},
       weights_and(at("a*.output") + at("r/a1.output") + at("r/s.output") + at("r/n2.output") + at("r2.output"))},
      {"join of sums", branches, {2, 5, 6}, weights_and(at("j.output"))},
      {"join of grids", branches, {2, 5, 6}, weights_and(at("j/*.output") + at("j.output"))},
      {"join of one grid",
       branches,
       {2, 5, 6},
       weights_and(at("j/a1.output", R"("type": "uniform", "signed": true, "scale": 0.01)") +
                   at("j/k.output", R"("type": "uniform", "signed": true, "scale": 0.01)") +
                   at("input", R"("type": "uniform", "signed": true, "scale": 0.01)"))},
      {"averages",
       R"({"type": "avg_pool2d", "name": "p", "size": 3, "stride": 2, "padding": 1}, {"type": "flatten"},
          {"type": "linear", "name": "f", "out": 3})",
       {3, 7, 6},
       weights_and("")},
      {"tables",
       R"({"type": "linear", "name": "f1", "out": 6}, {"type": "sigmoid", "name": "s"},
          {"type": "linear", "name": "f2", "out": 6}, {"type": "tanh", "name": "t"},
          {"type": "linear", "name": "f3", "out": 6}, {"type": "gelu", "name": "g"},
          {"type": "linear", "name": "f4", "out": 6}, {"type": "softplus", "name": "p"},
          {"type": "linear", "name": "f5", "out": 6}, {"type": "leaky_relu", "name": "l", "slope": 0.2}, {"type": "clamp", "name": "k"},
          {"type": "linear", "name": "f6", "out": 3})",
       {8},
       weights_and(at("f*.output") + at("s.output") + at("t.output") + at("g.output") + at("p.output") +
                   at("k.output"))},
      {"sixteen bits",
       R"({"type": "linear", "name": "f1", "out": 9}, {"type": "relu", "name": "a"},
                 {"type": "linear", "name": "f2", "out": 4}, {"type": "relu", "name": "b"})",
       {12},
       weights_and(at("a.output", R"("type": "uniform", "bits": 16)") +
                   at("input", R"("type": "uniform", "bits": 12)"))},
      {"learned", small, {2, 4, 4}, by(R"("type": "lsq", "bits": 4)", R"("type": "lsq_plus", "bits": 4)")},
      {"dorefa", small, {2, 4, 4}, by(R"("type": "dorefa", "bits": 3)", R"("type": "dorefa", "bits": 5)")},
      {"ternary, clipped",
       small,
       {2, 4, 4},
       by(R"("type": "ternary", "per_channel": true)", R"("type": "pact", "bits": 4)")},
      {"powers of two",
       small,
       {2, 4, 4},
       by(R"("type": "power_of_two_values")", R"("type": "quantized_relu", "bits": 3)")},
      {"smoothed",
       small,
       {2, 4, 4},
       by(R"("type": "smoothed_sigmoid", "bits": 3)", R"("type": "smoothed_sigmoid", "bits": 3)")},
      {"learned steps", small, {2, 4, 4}, by(learned(3, kBeta), learned(3, kBoth))},
      {"learned steps of weights of four bits", small, {2, 4, 4}, by(learned(4, kBoth), learned(2, kBeta))},
      {"learned steps, a threshold for each channel",
       R"({"type": "conv2d", "name": "c1", "out": 6, "kernel": 3, "padding": 1, "groups": 2},
          {"type": "batch_norm", "name": "n1"}, {"type": "max_pool2d", "size": 2}, {"type": "relu", "name": "a1"},
          {"type": "conv2d", "name": "c2", "out": 6, "kernel": 3, "padding": 1, "groups": 6},
          {"type": "relu6", "name": "a2"}, {"type": "flatten"}, {"type": "linear", "name": "f1", "out": 40},
          {"type": "relu", "name": "a3"}, {"type": "linear", "name": "f2", "out": 4}, {"type": "relu", "name": "a4"})",
       {4, 8, 6},
       weights_and(at("a1.output", learned(4, kBoth)) + at("a2.output", learned(8, kBoth)) +
                   at("a3.output", learned(2, kBiases)) + at("a4.output", learned(5, kBeta)))},
      {"learned steps behind integers",
       R"({"type": "linear", "name": "f1", "out": 9}, {"type": "sigmoid", "name": "s"},
          {"type": "linear", "name": "f2", "out": 7}, {"type": "linear", "name": "f3", "out": 4})",
       {12},
       weights_and(at("f1.output", R"("type": "uniform", "bits": 8, "signed": true)") +
                   at("s.output", learned(3, kBoth)) + at("f2.output", R"("type": "uniform", "bits": 7)") +
                   at("f3.input", learned(4, kBoth)))},
      {"learned steps over a join and two readers",
       branches,
       {2, 5, 6},
       weights_and(at("j.output", learned(4, kBoth)))},
      {"one accumulator, learned steps and a grid",
       R"({"type": "conv2d", "name": "c1", "out": 4, "kernel": 3}, {"type": "relu", "name": "a"},
          {"type": "residual", "name": "r", "layers": [{"type": "conv2d", "name": "c2", "out": 4, "kernel": 1}],
           "shortcut": [{"type": "conv2d", "name": "c3", "out": 4, "kernel": 1}]}, {"type": "flatten"})",
       {2, 5, 5},
       weights_and(at("r/c2.input", learned(4, kBoth)) + at("r/c3.input", R"("type": "uniform", "bits": 4)") +
                   at("r.output"))},
      {"units by hand",
       small,
       {2, 4, 4},
       by(R"("type": "uniform", "scale": 0.0078125)", R"("type": "uniform", "power_of_two_scale": true)")},
      {"grid after grid",
       R"({"type": "relu", "name": "a"}, {"type": "linear", "name": "f", "out": 4}, {"type": "relu6", "name": "b"})",
       {12},
       weights_and(at("f.input", R"("type": "uniform", "bits": 5)") + at("f.output") + at("b.output"))},
  };
}

}  // namespace tempera::quant_test
