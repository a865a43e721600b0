// Two identities of logits, checked with the model's own numbers.
#include <fmt/format.h>

#include <cmath>

#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/sections/classes.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

std::string difference(double a, double b) { return significant(std::abs(a - b), 2); }

Table inverse(const RunData& run, const TemperatureStudy& study) {
  Table table{
      "logit(σ(z)) = z, for the logits of the image above", {"class", "z", "σ(z)", "logit(σ(z))", "difference"}, {}};
  const auto& all = study.logit_identities;
  for (std::size_t i = 0; i < all.size(); ++i) {
    table.rows.push_back({class_name(run, i), fixed(all[i].logit, 6), significant(all[i].sigmoid, 6),
                          fixed(all[i].recovered, 6), difference(all[i].logit, all[i].recovered)});
  }
  return table;
}

Table two_classes(const RunData& run, const TemperatureStudy& study) {
  Table table{"Softmax over two classes = σ of the difference of their logits",
              {"classes", "z of first", "z of second", "softmax of first", "σ(difference)", "difference"},
              {}};
  for (const PairIdentity& pair : study.pair_identities) {
    table.rows.push_back({fmt::format("{} and {}", class_name(run, static_cast<std::size_t>(pair.a)),
                                      class_name(run, static_cast<std::size_t>(pair.b))),
                          fixed(pair.logit_a, 4), fixed(pair.logit_b, 4), significant(pair.softmax, 7),
                          significant(pair.sigmoid, 7), difference(pair.softmax, pair.sigmoid)});
  }
  return table;
}

}  // namespace

std::string identities(const RunData& run) {
  if (!run.temperature) return {};
  const TemperatureStudy& study = *run.temperature;
  std::string out;
  if (!study.logit_identities.empty()) out += render(inverse(run, study));
  if (!study.pair_identities.empty()) out += render(two_classes(run, study));
  if (out.empty()) return {};
  return paragraph(
             "The logit is the inverse of the sigmoid, and the softmax over two classes is a sigmoid. Both hold for "
             "this "
             "model's own numbers up to rounding.") +
         out;
}

}  // namespace tempera::cli::report::sections
