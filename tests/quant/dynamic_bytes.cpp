// Products of dynamic quantization by bytes, as VNNI and AMX have them, on any machine: dot_quads by its definition in the
// table of the level in use. Oracle: PlainProduct, one product at a time, in every bit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "quant/quantized_model.hpp"
#include "tempera/core/kernels/int_table.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/quant/dynamic/plain_product.hpp"
#include "tempera/quant/dynamic/products.hpp"
#include "tempera/quant/quantizers/dynamic_uniform.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using core::Tensor;
using quant_test::Quantized;

void plain_quads(const core::DotTile& t) noexcept {
  const std::int64_t columns = core::int_kernels().columns;
  for (std::int64_t i = 0; i < t.m; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      std::int64_t sum = t.bias[i * t.bias_row + j];
      const auto* w = static_cast<const std::int8_t*>(t.panel) + j * 4;
      for (std::int64_t s = 0; s < t.segments; ++s) {
        const std::uint8_t* x = static_cast<const std::uint8_t*>(t.a[i]) + s * t.a_segment;
        for (std::int64_t p = 0; p < t.steps; ++p, w += columns * 4) {
          for (std::int64_t b = 0; b < 4; ++b) sum += std::int64_t{x[p * 4 + b]} * w[b];
        }
      }
      t.c[i * columns + j] = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum));
    }
  }
}

core::IntKernelTable with_bytes() {
  core::IntKernelTable table = core::int_kernels();
  table.dot_quads = plain_quads;
  return table;
}

std::string rules(const std::string& weight, const std::string& input) {
  return R"({"when": "after", "rules": [{"sites": "*.weight", "quantizer": {"type": "uniform", )" + weight +
         R"(}}, {"sites": "fc.input", "how": "dynamic", "quantizer": {"type": "uniform", )" + input + "}}]}";
}

const DynamicUniform& input_of(nn::Model& model) {
  for (nn::Site* site : model.sites()) {
    if (site->name == "fc.input") return dynamic_cast<const DynamicUniform&>(quantizer_of(*site)->quantizer());
  }
  throw core::Error("no site fc.input");
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.values().size_bytes()) == 0;
}

const std::vector<std::string> kWeights{R"("bits": 8, "granularity": "per_channel")", R"("bits": 8)",
                                        R"("bits": 4, "granularity": "per_group", "group": 5)",
                                        R"("bits": 4, "granularity": "per_group", "group": 7)"};
const std::vector<std::string> kInputs{R"("bits": 8)", R"("bits": 8, "signed": true)",
                                       R"("bits": 8, "symmetric": true)", R"("bits": 4)"};

}  // namespace

TEST_CASE("linear layers give the formula's floats by bytes, for few rows and many, in every bit") {
  const core::IntKernelTable table = with_bytes();
  const int before = core::thread_count();
  int by_bytes = 0;
  for (const std::string& weight : kWeights) {
    for (const std::string& input : kInputs) {
      for (const std::int64_t in : {1, 7, 53, 64}) {
        CAPTURE(weight);
        CAPTURE(input);
        CAPTURE(in);
        Quantized network(R"({"type": "linear", "name": "fc", "out": 35})", {in}, rules(weight, input), -1, 2);
        const nn::Graph graph = nn::lower(network.model);
        const nn::GraphNode& node = graph[graph.output()];
        const DynamicUniform& quantizer = input_of(network.model);
        const dynamic::PackedWeight packed(node, quantizer.grid(), table);
        for (const std::int64_t batch : {1, 3, 4, 61}) {
          const Tensor x({batch, in}, network.images.values().first(static_cast<std::size_t>(batch * in)));
          const QParams rows = quantizer.rows(x);
          by_bytes += packed.takes_bytes(batch) ? 1 : 0;
          const Tensor expected = dynamic::PlainProduct(node)(x, rows, true);
          for (const int threads : {1, 3}) {
            core::set_thread_count(threads);
            CHECK(same_bits(dynamic::linear(x, rows, packed, true), expected));
          }
        }
      }
    }
  }
  core::set_thread_count(before);
  CHECK(by_bytes > 3 * 4 * 4);
}

TEST_CASE("convolutions give the formula's floats by bytes, in every bit") {
  const core::IntKernelTable table = with_bytes();
  for (const std::string shape :
       {R"("kernel": 3)", R"("kernel": 1, "stride": 2)", R"("kernel": 2, "padding": 1, "groups": 2)",
        R"("kernel": 5, "padding": 2)", R"("kernel": 3, "padding": 1, "dilation": 2)",
        R"("kernel": 3, "stride": 2, "groups": 4)", R"("kernel": 5, "padding": 2, "groups": 2)"}) {
    for (const std::string& weight : kWeights) {
      for (const std::string& input : kInputs) {
        CAPTURE(shape);
        CAPTURE(weight);
        CAPTURE(input);
        Quantized network(R"({"type": "conv2d", "name": "fc", "out": 20, )" + shape + "}", {4, 7, 9},
                          rules(weight, input), -1, 2);
        const nn::Graph graph = nn::lower(network.model);
        const nn::GraphNode& node = graph[graph.output()];
        const auto& conv = std::get<nn::graph::Conv2d>(node.operation);
        const DynamicUniform& quantizer = input_of(network.model);
        const dynamic::PackedWeight packed(node, quantizer.grid(), table);
        const Tensor x({3, 4, 7, 9}, network.images.values().first(3 * 4 * 7 * 9));
        const QParams rows = quantizer.rows(x);
        CHECK(packed.takes_bytes(1));
        core::Conv2dOptions options = conv.options;
        options.relu = false;
        const core::Shape kernel = conv.weight.shape();
        const Tensor y = dynamic::conv2d(x, rows, packed, options, {kernel[2], kernel[3]}, node.shape);
        CHECK(same_bits(y, dynamic::PlainProduct(node)(x, rows, false)));
      }
    }
  }
}

TEST_CASE("weights or inputs beyond a byte are multiplied in pairs where there are byte products") {
  const core::IntKernelTable table = with_bytes();
  Quantized network(R"({"type": "linear", "name": "fc", "out": 35})", {53},
                    rules(R"("bits": 8, "symmetric": false, "signed": false)", R"("bits": 8)"), 0, 2);
  const nn::Graph graph = nn::lower(network.model);
  const nn::GraphNode& node = graph[graph.output()];
  const DynamicUniform& quantizer = input_of(network.model);
  const dynamic::PackedWeight packed(node, quantizer.grid(), table);
  const Tensor x({20, 53}, network.images.values().first(20 * 53));
  const QParams rows = quantizer.rows(x);
  CHECK(same_bits(dynamic::linear(x, rows, packed, false), dynamic::PlainProduct(node)(x, rows, false)));
}
