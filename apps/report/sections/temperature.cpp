// What the network says about one image as the temperature rises: softmax(z / T).
#include "tempera/apps/report/sections/temperature_charts.hpp"

#include <fmt/format.h>

#include <cmath>

#include "tempera/apps/report/chart/bitmap.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/sections/classes.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

std::string subject(const RunData& run) {
  const TemperatureStudy& study = study_of(run);
  const std::string label = class_name(run, static_cast<std::size_t>(study.sample_label));
  const std::string picture = image(study.picture, fmt::format("Test image {}, a {}", study.sample_index, label));
  if (picture.empty()) return {};
  return fmt::format("<figure class=\"subject\">{}<figcaption>Test image {}, labelled {}</figcaption></figure>",
                     picture, study.sample_index, escape(label));
}

/// The slider; hidden until the script has shown that it runs.
std::string slider(const RunData& run) {
  const TemperatureStudy& study = study_of(run);
  const auto list = [](const std::vector<double>& values) {
    std::string out;
    for (const double value : values)
      out += fmt::format("{}{}", out.empty() ? "" : ",", std::isfinite(value) ? fmt::format("{}", value) : "null");
    return "[" + out + "]";
  };
  std::string rows;
  for (std::size_t j = 0; j < study.logits.size(); ++j) {
    rows += fmt::format("<span>{}</span><span><span class=\"try-bar\"></span></span><span class=\"try-p\"></span>",
                        escape(class_name(run, j)));
  }
  return fmt::format(
      "<div class=\"try\" id=\"try\" hidden data-logits=\"{}\" data-temperatures=\"{}\">"
      "<label for=\"try-t\">Temperature T = <output id=\"try-out\" for=\"try-t\">{}</output></label>"
      "<input type=\"range\" id=\"try-t\" min=\"0\" max=\"{}\" step=\"1\" value=\"0\"><div "
      "class=\"try-bars\">{}</div></div>\n",
      list(study.logits), list(study.temperatures), significant(study.temperatures.front()),
      study.temperatures.size() - 1, rows);
}

Table table(const RunData& run) {
  const TemperatureStudy& study = study_of(run);
  Table out{"probability of each class at every temperature", {"T"}, {}};
  for (std::size_t j = 0; j < study.logits.size(); ++j) out.header.push_back(class_name(run, j));
  auto& logits = out.rows.emplace_back(std::vector<std::string>{"logit"});
  for (const double logit : study.logits) logits.push_back(fixed(logit, 3));
  for (std::size_t i = 0; i < study.temperatures.size(); ++i) {
    auto& row = out.rows.emplace_back(std::vector<std::string>{significant(study.temperatures[i], 4)});
    for (const double p : study.probabilities[i]) row.push_back(probability(p));
  }
  return out;
}

}  // namespace

std::string temperature(const RunData& run) {
  if (!has_curves(run)) return {};
  const TemperatureStudy& study = study_of(run);
  std::string out = paragraph(
      "The network gives one logit to each class; softmax(z / T) turns them into probabilities. At T = 1 the answer is "
      "nearly "
      "all there is to see. As T rises, the other classes come forward in the order in which the network finds them "
      "alike, "
      "until at last all are equal.");
  const std::string lines =
      multiples({figure("Probability of each class", probability_lines(run, false, 360, 290)),
                 figure("The same, logarithmic: what T = 1 hides", probability_lines(run, true, 360, 290))});
  const std::string picture = subject(run);
  out += picture.empty() ? lines : fmt::format("<div class=\"beside\">{}{}</div>\n", picture, lines);
  std::vector<std::string> bars;
  for (const std::size_t index : chosen_temperatures(study)) {
    bars.push_back(figure(fmt::format("T = {}", significant(study.temperatures[index])), probability_bars(run, index)));
  }
  const std::string key = class_key(run, study.logits.size());
  return out + multiples(bars, true) + (key.empty() ? "" : note(key)) + slider(run) + numbers(table(run));
}

}  // namespace tempera::cli::report::sections
