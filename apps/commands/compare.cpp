// tempera compare: runs side by side, and whether their difference is more than chance.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/experiment/data_source.hpp"
#include "tempera/apps/experiment/evaluation.hpp"
#include "tempera/apps/experiment/run_folder.hpp"
#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/apps/experiment/saved_outputs.hpp"
#include "tempera/apps/experiment/saved_program.hpp"
#include "tempera/apps/experiment/statistics.hpp"
#include "tempera/apps/experiment/study_file.hpp"
#include "tempera/apps/experiment/study_markdown.hpp"
#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/metrics.hpp"

namespace tempera::cli {
namespace {

using nlohmann::ordered_json;

struct Contestant {
  std::string name;
  std::string arithmetic;  // the one in which it is used
  std::string data_sha256;
  std::int64_t parameters = 0;
  std::int64_t bytes = 0;  // of the file that ships it
  report::Scores scores;
  std::vector<bool> wrong;  // by test sample
};

// Of a program or packed weights, where a run has left some beside its model.
std::int64_t shipped_bytes(const SavedModel& saved, const std::string& arithmetic) {
  namespace fs = std::filesystem;
  if (arithmetic != "float" && saved.file.filename() == kModelFile) {
    for (const fs::path& file : {shipped_file(saved), packed_file(saved)}) {
      if (fs::exists(file)) return static_cast<std::int64_t>(fs::file_size(file));
    }
  }
  return static_cast<std::int64_t>(fs::file_size(saved.file));
}

Contestant measure(const std::string& path, const Registry& registry) {
  SavedModel saved = load_model(path, registry);
  const data::LoadedData data = load_data(saved.config.data);
  if (data.set.sha256 != saved.input.data_sha256) {
    throw core::DataError(path, "the test set found here is not the one of this run; results would not be comparable");
  }
  const std::string arithmetic = shipped_mode(saved);
  const nn::Outputs outputs = outputs_in(arithmetic, saved, data.set.test);
  Contestant result{.name = path,
                    .arithmetic = arithmetic,
                    .data_sha256 = data.set.sha256,
                    .parameters = saved.model.facts().parameters,
                    .bytes = shipped_bytes(saved, arithmetic),
                    .scores = scores_of(outputs),
                    .wrong = {}};
  const std::vector<std::int32_t> predicted = nn::predictions(outputs.logits);
  for (std::size_t i = 0; i < predicted.size(); ++i) result.wrong.push_back(predicted[i] != outputs.labels[i]);
  return result;
}

PairedCounts pair(const Contestant& first, const Contestant& second) {
  PairedCounts counts{.n = static_cast<std::int64_t>(first.wrong.size())};
  for (std::size_t i = 0; i < first.wrong.size(); ++i) {
    counts.only_first_wrong += first.wrong[i] && !second.wrong[i];
    counts.only_second_wrong += second.wrong[i] && !first.wrong[i];
  }
  return counts;
}

bool comparable(const Contestant& a, const Contestant& b) {
  return a.data_sha256 == b.data_sha256 && a.wrong.size() == b.wrong.size();
}

std::string runs_text(const std::vector<Contestant>& all) {
  Table table(
      {"run", "arithmetic", "parameters", "file bytes", "test", "errors", "error %", "95 % interval", "nll", "ece"});
  for (const Contestant& c : all) {
    const Interval interval = wilson_interval(c.scores.errors, c.scores.n);
    table.row({c.name, c.arithmetic, count_text(c.parameters), count_text(c.bytes), count_text(c.scores.n),
               count_text(c.scores.errors), fmt::format("{:.2f}", 100 * (1 - c.scores.accuracy)),
               fmt::format("{:.2f} - {:.2f}", 100 * interval.low, 100 * interval.high),
               fmt::format("{:.4f}", c.scores.nll), fmt::format("{:.4f}", c.scores.ece)});
  }
  return table.text();
}

std::string pairs_text(const std::vector<Contestant>& all) {
  Table table({"against " + all.front().name, "only first wrong", "only this wrong", "difference %", "95 % interval",
               "McNemar p"});
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (!comparable(all.front(), all[i])) {
      table.row({all[i].name, "other test set", "", "", "", ""});
      continue;
    }
    const PairedCounts counts = pair(all.front(), all[i]);
    const Interval interval = paired_difference(counts);
    const auto gap = static_cast<double>(counts.only_second_wrong - counts.only_first_wrong);
    table.row({all[i].name, count_text(counts.only_first_wrong), count_text(counts.only_second_wrong),
               fmt::format("{:+.2f}", 100 * gap / static_cast<double>(counts.n)),
               fmt::format("{:+.2f} - {:+.2f}", 100 * interval.low, 100 * interval.high),
               fmt::format("{:.3g}", mcnemar_p(counts))});
  }
  return table.text();
}

ordered_json document_of(const std::vector<Contestant>& all) {
  ordered_json runs = ordered_json::array();
  ordered_json pairs = ordered_json::array();
  for (const Contestant& c : all) {
    const Interval interval = wilson_interval(c.scores.errors, c.scores.n);
    runs.push_back({{"run", c.name},
                    {"arithmetic", c.arithmetic},
                    {"parameters", c.parameters},
                    {"bytes", c.bytes},
                    {"n", c.scores.n},
                    {"errors", c.scores.errors},
                    {"accuracy", c.scores.accuracy},
                    {"error_interval", {interval.low, interval.high}},
                    {"nll", c.scores.nll},
                    {"ece", c.scores.ece},
                    {"data_sha256", c.data_sha256}});
    if (&c == &all.front() || !comparable(all.front(), c)) continue;
    const PairedCounts counts = pair(all.front(), c);
    const Interval difference = paired_difference(counts);
    pairs.push_back({{"first", all.front().name},
                     {"second", c.name},
                     {"only_first_wrong", counts.only_first_wrong},
                     {"only_second_wrong", counts.only_second_wrong},
                     {"difference_interval", {difference.low, difference.high}},
                     {"mcnemar_p", mcnemar_p(counts)}});
  }
  return {{"runs", runs}, {"pairs", pairs}};
}

// A study has compared its runs already; the numbers are in study.json.
int compare_study(const Session& session, const std::filesystem::path& folder) {
  const ordered_json study = read_study(folder);
  const ordered_json& statistics = study.at("statistics");
  print_result(session, {{"name", study.at("name")}, {"statistics", statistics}}, study_tables(statistics));
  return kDone;
}

int compare_runs(const Session& session, const std::vector<std::string>& paths) {
  if (paths.size() == 1 && std::filesystem::exists(std::filesystem::path(paths.front()) / "study.json")) {
    return compare_study(session, paths.front());
  }
  const InterruptGuard guard;
  std::vector<Contestant> all;
  all.reserve(paths.size());
  for (const std::string& path : paths) all.push_back(measure(path, *session.registry));
  print_result(session, document_of(all), runs_text(all) + (all.size() > 1 ? "\n" + pairs_text(all) : ""));
  return kDone;
}

}  // namespace

void add_compare(Verb& program, Session& session) {
  const auto paths = std::make_shared<std::vector<std::string>>();
  Verb verb =
      add_verb(program, session, "compare", "runs side by side, and whether their difference is more than chance",
               [&session, paths] { return compare_runs(session, *paths); });
  verb.option("RUN", *paths,
              "run folders or model files, the others compared with the first; or the folder of one study")
      .required();
}

}  // namespace tempera::cli
