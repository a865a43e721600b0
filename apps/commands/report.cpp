// tempera report: run folders as a page.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/experiment/content_hash.hpp"
#include "tempera/apps/experiment/study_file.hpp"
#include "tempera/apps/experiment/study_markdown.hpp"
#include "tempera/apps/output_file.hpp"
#include "tempera/apps/report/page.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/apps/report/study_page.hpp"
#include "tempera/apps/shell_word.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli {
namespace {

namespace fs = std::filesystem;

struct ReportArguments {
  std::vector<std::string> runs;
  std::string figure, out, markdown;
};

// Where the page goes if nobody says so: into the run's folder; a comparison into the working folder.
fs::path default_target(const ReportArguments& arguments) {
  if (!arguments.figure.empty()) return arguments.figure + ".svg";
  return arguments.runs.size() == 1 ? fs::path(arguments.runs.front()) / "report.html" : fs::path("comparison.html");
}

std::vector<fs::path> inputs_of(const ReportArguments& arguments) {
  return {arguments.runs.begin(), arguments.runs.end()};
}

// A picture that can be had alone.
struct Figure {
  const char* name;
  const char* needs;  // of a run
  bool (*possible)(const report::RunData& run);
  std::string (*render)(const report::RunData& run);
};
constexpr Figure kFigures[] = {
    {"temperature", "the analysis \"temperature\"",
     [](const report::RunData& run) { return run.temperature.has_value(); }, report::render_temperature_figure},
    {"quantizers", "a section \"quantization\"",
     [](const report::RunData& run) { return run.quantization.has_value(); }, report::render_quantizers_figure}};

// One of them: the option takes no other name.
const Figure& figure_of(const std::string& name) { return *std::ranges::find(kFigures, name, &Figure::name); }

std::vector<std::string> figure_names() {
  std::vector<std::string> names;
  for (const Figure& figure : kFigures) names.emplace_back(figure.name);
  return names;
}

std::string needs_of(const std::string& figure) {
  return fmt::format("--figure {} needs one run that has {}", figure, figure_of(figure).needs);
}

// The two commands that make such a document, typed where the study was run. A study that lies elsewhere on the machine is
// said to lie among the runs, under its name, which has to be given unless it is the one that `run` chooses.
std::string commands_of(const nlohmann::ordered_json& study, const fs::path& folder, const std::string& markdown) {
  const std::string name = fs::canonical(folder).filename().string();
  const std::string chosen = hashed_name(study.at("name").get<std::string>(), study.value("study", std::string()));
  const std::string out = study.value("out", name == chosen ? std::string() : "runs/" + name);
  const std::string at = shell_word(out.empty() ? "runs/" + chosen : out);
  return fmt::format("{}{} && tempera report {} --markdown {}",
                     study.value("command", std::string("tempera run CONFIG")), out.empty() ? "" : " --out " + at, at,
                     shell_word(markdown));
}

// A study has its own page, made from study.json, and a table for documents.
int write_study_report(const Session& session, const ReportArguments& arguments, const fs::path& folder) {
  const nlohmann::ordered_json study = read_study(folder);
  const OutputFile target(!arguments.markdown.empty() ? fs::path(arguments.markdown)
                          : arguments.out.empty()     ? folder / "report.html"
                                                      : fs::path(arguments.out),
                          inputs_of(arguments));
  const nlohmann::json provenance = made_by(folder, study);
  if (arguments.markdown.empty()) {
    target.write(report::render_study(study, provenance));
  } else {
    if (provenance.empty()) {
      throw core::DataError((folder / "study.json").string(),
                            "no run of this study is completed, so that there is nothing to tell");
    }
    target.write(study_markdown(study, provenance, commands_of(study, folder, arguments.markdown)));
  }
  print_result(session, {{"written", target.path().string()}, {"runs", arguments.runs}},
               fmt::format("written: {}\n", target.path().string()));
  return kDone;
}

int write_report(const Session& session, const ReportArguments& arguments) {
  const fs::path first = arguments.runs.front();
  if (arguments.runs.size() == 1 && fs::exists(first / "study.json")) {
    if (arguments.figure.empty()) return write_study_report(session, arguments, first);
    throw core::ConfigError(fmt::format("{}, and {} is a study: name one of the run folders in it",
                                        needs_of(arguments.figure), first.string()));
  }
  if (!arguments.markdown.empty()) throw core::ConfigError("--markdown needs the folder of a study");
  std::vector<report::RunData> runs;
  runs.reserve(arguments.runs.size());
  for (const std::string& path : arguments.runs) runs.push_back(report::load_run(path));
  if (!arguments.figure.empty() && !(runs.size() == 1 && figure_of(arguments.figure).possible(runs.front()))) {
    throw core::ConfigError(needs_of(arguments.figure));
  }
  const OutputFile target(arguments.out.empty() ? default_target(arguments) : fs::path(arguments.out),
                          inputs_of(arguments));
  target.write(arguments.figure.empty() ? report::render_comparison(runs)
                                        : figure_of(arguments.figure).render(runs.front()));
  print_result(session, {{"written", target.path().string()}, {"runs", arguments.runs}},
               fmt::format("written: {}\n", target.path().string()));
  return kDone;
}

}  // namespace

void add_report(Verb& program, Session& session) {
  const auto arguments = std::make_shared<ReportArguments>();
  Verb verb = add_verb(program, session, "report",
                       "write the page of one run, or of several side by side: one HTML file, no network",
                       [&session, arguments] { return write_report(session, *arguments); });
  verb.option("RUN", arguments->runs, "run folders, such as runs/mnist-mlp-…, or the folder of a study").required();
  verb.option("--figure", arguments->figure,
              "only this figure, as SVG: temperature, or quantizers (the staircase of each)")
      .one_of(figure_names())
      .value_name("NAME");
  verb.option("--markdown", arguments->markdown,
              "of a study: its tables with intervals, machine and command, instead of the page")
      .value_name("FILE");
  verb.option("--out", arguments->out,
              "file to write (default: report.html in the run's folder; comparison.html here for several)")
      .value_name("FILE");
}

}  // namespace tempera::cli
