// What was quantized, how much of the signal is left, and whether the integers are the network that was trained.
#include <fmt/format.h>

#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/repairs.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

std::string scores_table(const RunData& run) {
  Table table{"test set, by arithmetic", {"arithmetic", "errors", "accuracy", "nll"}, {}};
  for (const char* mode : kModes) {
    const auto splits = run.summary.results.find(mode);
    if (splits == run.summary.results.end() || !splits->second.contains("test")) continue;
    const Scores& scores = splits->second.at("test");
    table.rows.push_back({mode_name(mode, float_weights(run.summary)), grouped(scores.errors), percent(scores.accuracy),
                          fixed(scores.nll, 4)});
  }
  return render(table);
}

std::string sites_table(const Quantization& quantization) {
  Table table{"quantized sites", {"site", "grid", "values", "SQNR, dB"}, {}, 2};
  for (const QuantizedSite& site : quantization.sites) {
    table.rows.push_back(
        {site.site, site.grid, grouped(site.values), std::isnan(site.sqnr) ? "exact" : fixed(site.sqnr, 1)});
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

// What was asked for, a table each; in words where there was nothing to do.
std::string repairs_text(const Repairs& repairs) {
  std::string text;
  if (repairs.equalized && !repairs.equalized->empty()) {
    Table table{"calibration: equalization", {"layers", "largest ratio of ranges, before", "after"}, {}};
    for (const EqualizedRanges& pair : *repairs.equalized) {
      table.rows.push_back(
          {fmt::format("{} and {}", pair.first, pair.second), fixed(pair.before, 2), fixed(pair.after, 2)});
    }
    text += render(table);
  }
  if (repairs.rounded) {
    Table table{"calibration: adaptive rounding", {"layer", "weights", "not rounded to their nearest"}, {}};
    for (const AdaptiveRounding& layer : *repairs.rounded) {
      if (layer.skipped.empty()) table.rows.push_back({layer.layer, grouped(layer.weights), grouped(layer.changed)});
    }
    if (!table.rows.empty()) text += render(table);
  }
  if (repairs.corrected && !repairs.corrected->empty()) {
    Table table{"calibration: bias correction", {"layer", "largest shift of a mean, before", "after"}, {}};
    for (const CorrectedMeans& shift : *repairs.corrected) {
      table.rows.push_back({shift.layer, significant(shift.before, 2), significant(shift.after, 2)});
    }
    text += render(table);
  }
  for (const std::string& line : idle_lines(repairs)) text += paragraph("Calibration: " + line + ".");
  return text;
}

std::string proof_text(const Proof& proof) {
  if (!proof.done) return {};
  if (!proof.equal) return paragraph("The roads part: " + proof.difference);
  return paragraph(fmt::format(
      "Fake quantization, the reference and the integer engine agree in every bit: {} images, {} integers "
      "compared. The cheaper float form of fake quantization, which training uses, differs from them in {} % of "
      "all activations and {} % of all predictions.",
      grouped(proof.images), grouped(proof.values), significant(100 * proof.float_activations, 2),
      significant(100 * proof.float_predictions, 2)));
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
