#include "tempera/apps/report/page.hpp"

#include <fmt/format.h>

#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/style.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {

// Every section of a run's report is a function in sections/<name>.cpp.
namespace sections {
#define TEMPERA_SECTION(name, title) std::string name(const RunData& run);
#include "tempera/apps/report/sections.def"
#undef TEMPERA_SECTION
}  // namespace sections

namespace {

std::string head(const Page& page) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>{} – "
      "tempera</title>\n<style>{}{}</style>\n</head>\n",
      content_security_policy(), escape(page.title), chart_style(), page_style());
}

std::string facts(const RunData& run) {
  const DataFacts& data = run.summary.data;
  const std::string& status = run.summary.status;
  std::string out;
  if (!status.empty()) {
    out += fmt::format("<span class=\"badge{}\">{}</span>", status == "completed" ? "" : " bad", escape(status));
  }
  if (!data.used.empty()) {
    out += fmt::format("{}: {} training, {} validation and {} test images", escape(data.used), grouped(data.train),
                       grouped(data.validation), grouped(data.test));
  }
  return out;
}

std::string heading_of(const RunData& run) {
  if (!run.summary.name.empty()) return run.summary.name;
  return run.folder.empty() ? "unnamed run" : run.folder;
}

}  // namespace

std::string render(const Page& page) {
  std::string out = head(page) + "<body>\n" + page.alarm_markup;
  out += "<a class=\"skip\" href=\"#content\">Skip to the content</a>\n";
  out += fmt::format("<header><p class=\"kicker\">{}</p><h1>{}</h1><p class=\"facts\">{}</p></header>\n",
                     escape(page.kicker), escape(page.title), page.facts_markup);
  std::string links;
  std::string content;
  for (const Section& section : page.sections) {
    if (section.markup.empty()) continue;
    links += fmt::format("<li><a href=\"#{}\">{}</a></li>", section.id, escape(section.title));
    content += fmt::format(
        "<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n{2}</section>\n",
        section.id, escape(section.title), section.markup);
  }
  if (content.empty()) content = "<section>" + paragraph("This run has recorded nothing yet.") + "</section>\n";
  if (!links.empty()) out += fmt::format("<nav aria-label=\"Sections\"><ul>{}</ul></nav>\n", links);
  out += fmt::format(
      "<main id=\"content\">\n{}</main>\n<footer>Made by tempera. This file needs no network.</footer>\n", content);
  return out + fmt::format("<script>{}</script>\n</body>\n</html>\n", page_script());
}

std::string fallback_alarm(const RunData& run) {
  const DataFacts& data = run.summary.data;
  if (!data.fallback) return {};
  return fmt::format(
      "<p class=\"fallback\" role=\"alert\"><strong>This is not {0}.</strong> The run {2} asked for {0}, "
      "which could not be had, and took its fallback {1} instead. Every number of it is about {1}.</p>\n",
      escape(data.requested), escape(data.used), escape(run.summary.name));
}

std::string render_report(const RunData& run) {
  Page page{heading_of(run), "tempera · report of one run", fallback_alarm(run), facts(run), {}};
#define TEMPERA_SECTION(name, title) page.sections.push_back({#name, title, sections::name(run)});
#include "tempera/apps/report/sections.def"
#undef TEMPERA_SECTION
  return render(page);
}

std::string shipped_mode(const Summary& summary) {
  std::string last = "float";
  for (const char* mode : {"fake_quant", "integer"}) {
    const auto splits = summary.results.find(mode);
    if (splits != summary.results.end() && splits->second.contains("test")) last = mode;
  }
  return last;
}

FloatWeights float_weights(const Summary& summary) {
  if (calibrated(summary)) return FloatWeights::kCalibrated;
  return summary.training.rounded ? FloatWeights::kRoundingOff : FloatWeights::kTrained;
}

std::string mode_name(std::string_view mode, FloatWeights weights) {
  if (mode == kBeforeCalibration) return "floats, as trained";
  if (mode == "float") {
    if (weights == FloatWeights::kMixed) return "floats";
    if (weights == FloatWeights::kRoundingOff) return "floats, rounding off";
    return weights == FloatWeights::kCalibrated ? "floats, as calibrated" : "floats, as trained";
  }
  if (mode == "fake_quant") return "fake quantization";
  return mode == "integer" ? "integers" : std::string(mode);
}

std::string class_name(const RunData& run, std::size_t index) {
  if (run.evaluation && index < run.evaluation->classes.size()) return run.evaluation->classes[index];
  return fmt::format("{}", index);
}

bool has_class_names(const RunData& run) {
  if (!run.evaluation) return false;
  const auto& names = run.evaluation->classes;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != fmt::format("{}", i)) return true;
  }
  return false;
}

}  // namespace tempera::cli::report
