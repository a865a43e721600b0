// The images the model was most sure of and wrong about.
#include <fmt/format.h>

#include "tempera/apps/report/chart/bitmap.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

std::string item(const RunData& run, const WrongSample& sample) {
  const std::string label = class_name(run, static_cast<std::size_t>(sample.label));
  const std::string predicted = class_name(run, static_cast<std::size_t>(sample.predicted));
  const std::string alt = fmt::format("Image {}: a {} taken for a {}", sample.index, label, predicted);
  std::string out = "<li>" + image(sample.picture, alt);
  out += fmt::format("<span><b>{}</b> read as <b>{}</b></span>", escape(label), escape(predicted));
  return out + fmt::format("<span class=\"quieter\">p = {}<br>true p = {}<br>no. {}</span></li>",
                           escape(fixed(sample.probability, 3)), escape(fixed(sample.label_probability, 3)),
                           sample.index);
}

}  // namespace

std::string mistakes(const RunData& run) {
  if (!run.evaluation || run.evaluation->worst.empty()) return {};
  std::string items;
  for (const WrongSample& sample : run.evaluation->worst) items += item(run, sample);
  return paragraph(
             fmt::format("The {} images of the {} set that were misread with the highest probability: what they are, "
                         "what the model took them for, the probability it gave to each, and their number in the set.",
                         run.evaluation->worst.size(), run.evaluation->split)) +
         fmt::format("<ul class=\"wrongs\">{}</ul>\n", items);
}

}  // namespace tempera::cli::report::sections
