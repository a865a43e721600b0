// Plain operations against PyTorch. Oracle: tests/golden/plain_ops.json, made in double precision by
// tests/golden/make_ops.py.
#include "core/golden.hpp"
#include "tempera/core/ops/activations.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/gather.hpp"
#include "tempera/core/ops/layout.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/ops/reduce.hpp"
#include "tempera/core/ops/softmax.hpp"

namespace tempera::core {
namespace {

using golden_test::Json;
using golden_test::Operations;
using golden_test::Variables;

template <Variable (*F)(const Variable&)>
Variable unary(const Variables& in, const Json&, const Json&) {
  return F(in[0]);
}

template <Variable (*F)(const Variable&, const std::vector<int>&, bool)>
Variable reduction(const Variables& in, const Json& o, const Json&) {
  return F(in[0], o.at("axes").get<std::vector<int>>(), o.at("keep"));
}

Operations layout() {
  return {{"permute", [](const Variables& in, const Json& o,
                         const Json&) { return permute(in[0], o.at("axes").get<std::vector<int>>()); }},
          {"transpose", [](const Variables& in, const Json& o,
                           const Json&) { return transpose(in[0], o.at("first"), o.at("second")); }},
          {"slice", [](const Variables& in, const Json& o,
                       const Json&) { return slice(in[0], o.at("axis"), o.at("begin"), o.at("end")); }},
          {"concat", [](const Variables& in, const Json& o, const Json&) { return concat(in, o.at("axis")); }},
          {"pad",
           [](const Variables& in, const Json& o, const Json&) {
             return pad(in[0], o.at("widths").get<std::vector<std::pair<std::int64_t, std::int64_t>>>(), o.at("value"));
           }},
          {"index_select",
           [](const Variables& in, const Json& o, const Json&) {
             return index_select(in[0], o.at("axis"), o.at("indices").get<std::vector<std::int64_t>>());
           }},
          {"pick", [](const Variables& in, const Json& o, const Json&) {
             return pick(in[0], o.at("columns").get<std::vector<std::int32_t>>());
           }}};
}

Operations arithmetic() {
  return {{"sum", reduction<sum>},
          {"mean", reduction<mean>},
          {"max", reduction<max>},
          {"matmul", [](const Variables& in, const Json& o,
                        const Json&) { return matmul(in[0], in[1], {.a = o.at("a"), .b = o.at("b")}); }},
          {"broadcast", [](const Variables& in, const Json&,
                           const Json&) { return (in[0] + in[1]) * in[0] - in[1] / (in[0] * in[0] + 1.0); }},
          {"maximum", [](const Variables& in, const Json&, const Json&) { return maximum(in[0], in[1]); }},
          {"minimum", [](const Variables& in, const Json&, const Json&) { return minimum(in[0], in[1]); }}};
}

Operations functions() {
  return {
      {"exp", unary<exp>},
      {"log", unary<log>},
      {"sqrt", unary<sqrt>},
      {"square", unary<square>},
      {"abs", unary<abs>},
      {"relu", unary<relu>},
      {"sigmoid", unary<sigmoid>},
      {"tanh", unary<tanh>},
      {"softmax", unary<softmax>},
      {"pow", [](const Variables& in, const Json& o, const Json&) { return pow(in[0], o.at("exponent")); }},
      {"clamp",
       [](const Variables& in, const Json& o, const Json&) { return clamp(in[0], o.at("low"), o.at("high")); }},
      {"leaky_relu", [](const Variables& in, const Json& o, const Json&) { return leaky_relu(in[0], o.at("slope")); }}};
}

TEST_CASE("values and gradients equal PyTorch's for arithmetic, functions, reductions, products and layout") {
  Operations all = layout();
  all.merge(arithmetic());
  all.merge(functions());
  golden_test::check_file("plain_ops.json", all);
}

}  // namespace
}  // namespace tempera::core
