// What was quantized, how much of the signal is left, and whether the integers are the network that was trained.
#include <fmt/format.h>

#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/repairs.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

const char* mode_name(const std::string& mode) {
  if (mode == kBeforeCalibration) return "floats, before calibration";
  if (mode == "fake_quant") return "fake quantization";
  return mode == "integer" ? "integers" : "floats";
}

std::string scores_table(const RunData& run) {
  Table table{"test set, by arithmetic", {"arithmetic", "errors", "accuracy", "nll"}, {}};
  for (const char* mode : {kBeforeCalibration, "float", "fake_quant", "integer"}) {
    const auto splits = run.summary.results.find(mode);
    if (splits == run.summary.results.end() || !splits->second.contains("test")) continue;
    const Scores& scores = splits->second.at("test");
    table.rows.push_back(
        {mode_name(mode), fmt::format("{}", scores.errors), percent(scores.accuracy), fixed(scores.nll, 4)});
  }
  return render(table);
}

std::string sites_table(const Quantization& quantization) {
  Table table{"quantized sites", {"site", "grid", "values", "SQNR, dB"}, {}, 2};
  for (const QuantizedSite& site : quantization.sites) {
    table.rows.push_back(
        {site.site, site.grid, fmt::format("{}", site.values), std::isnan(site.sqnr) ? "exact" : fixed(site.sqnr, 1)});
  }
  return render(table);
}

// Where a format ends before its values do.
std::string overflow_text(const Quantization& quantization) {
  std::string text;
  for (const QuantizedSite& site : quantization.sites) {
    if (site.overflows == 0) continue;
    text += paragraph(fmt::format("Beyond its format: {} of {} values of {} became infinite on the test set ({}).",
                                  grouped(site.overflows), grouped(site.passed), site.site, site.grid));
  }
  return text;
}

std::string repairs_text(const Repairs& repairs) {
  std::string text;
  for (const std::string& line : repairs_lines(repairs)) text += paragraph("Calibration: " + line + ".");
  return text;
}

std::string proof_text(const Proof& proof) {
  if (!proof.done) return {};
  if (!proof.equal) return paragraph("The roads part: " + proof.difference);
  return paragraph(
      fmt::format("Fake quantization, the reference and the integer engine agree in every bit: {} images, {} integers "
                  "compared. The "
                  "cheaper float form of fake quantization differs from them in a share of {:.2g} of all activations "
                  "and {:.2g} of all "
                  "predictions.",
                  proof.images, proof.values, proof.float_activations, proof.float_predictions));
}

}  // namespace

std::string quantization(const RunData& run) {
  if (!run.quantization) return {};
  return proof_text(run.quantization->proof) + overflow_text(*run.quantization) + repairs_text(run.summary.repairs) +
         scores_table(run) + sites_table(*run.quantization) +
         note(
             "SQNR: 10·log10 of the signal's power over that of what quantization changes, on test images, each site "
             "seeing "
             "what the quantized sites before it leave; of weights that were rounded adaptively, over what that "
             "rounding "
             "changed.");
}

}  // namespace tempera::cli::report::sections
