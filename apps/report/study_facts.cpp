#include "tempera/apps/report/study_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {

using nlohmann::ordered_json;

std::vector<std::string> data_of(const ordered_json& study) {
  std::vector<std::string> texts;
  for (const ordered_json& run : study.at("runs")) {
    if (!run.contains("data")) continue;
    const ordered_json& data = run.at("data");
    const auto count = [&data](const char* split) { return grouped(data.at(split).get<std::int64_t>()); };
    std::string text =
        fmt::format("{}: {} training, {} validation and {} test images", data.at("used").get<std::string>(),
                    count("train"), count("validation"), count("test"));
    if (std::ranges::find(texts, text) == texts.end()) texts.push_back(std::move(text));
  }
  return texts;
}

Progress progress_of(const ordered_json& study) {
  const ordered_json& runs = study.at("runs");
  return {std::ranges::count_if(runs, [](const ordered_json& run) { return run.at("status") == "completed"; }),
          std::ssize(runs)};
}

std::string Progress::text() const { return fmt::format("{} of {} runs completed", done, runs); }

std::vector<std::string> failures_of(const ordered_json& study) {
  std::vector<std::string> texts;
  for (const ordered_json& run : study.at("runs")) {
    if (!run.contains("error")) continue;
    std::string why = run.at("error").get<std::string>();
    std::ranges::replace(why, '\n', ' ');
    texts.push_back(fmt::format("{}: {}", run.at("folder").get<std::string>(), why));
  }
  return texts;
}

std::string value_text(const ordered_json& value) {
  if (value.is_object() && value.size() == 1 && value.contains("type")) return value_text(value.at("type"));
  return value.is_string() ? value.get<std::string>() : value.dump();
}

bool any_rounded(const ordered_json& cells) {
  return std::ranges::any_of(cells, [](const ordered_json& cell) { return cell.value("rounded", false); });
}

FloatWeights float_weights(const ordered_json& cells) {
  if (!any_rounded(cells)) return FloatWeights::kTrained;
  const bool all = std::ranges::all_of(cells, [](const ordered_json& cell) { return cell.value("rounded", false); });
  return all ? FloatWeights::kRoundingOff : FloatWeights::kMixed;
}

std::string float_note(const ordered_json& cells) {
  if (std::ranges::none_of(cells, [](const ordered_json& cell) { return cell.contains("lost_to_float"); })) return {};
  switch (float_weights(cells)) {
    case FloatWeights::kRoundingOff:
      return std::string(kRoundingOffNote) +
             " \"Lost by rounding\" is that accuracy less the one of the run's own arithmetic.";
    case FloatWeights::kMixed:
      return "\"Floats\" are the weights as trained, where a run was trained in floats; of a run that was trained "
             "rounded they are the same weights with the rounding switched off, and nothing was trained in floats to "
             "the end. \"Lost by rounding\" is that accuracy less the one of the run's own arithmetic.";
    default:
      return "\"Lost to float\" compares with the weights as trained, in floats.";
  }
}

}  // namespace tempera::cli::report
