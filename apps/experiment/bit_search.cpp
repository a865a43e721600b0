#include "tempera/apps/experiment/bit_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "tempera/apps/experiment/training.hpp"
#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/report/chart/line_chart.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/page.hpp"
#include "tempera/apps/report/text.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/config/writer.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/datasets/loader.hpp"
#include "tempera/quant/attach.hpp"

namespace tempera::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t kImages = 2000, kBatch = 200;

data::Split measured_on(const data::LoadedData& data) {
  const data::Split& split = data.set.validation.size() > 0 ? data.set.validation : data.set.train;
  return split.first(std::min(kImages, split.size()));
}

double unit_of(const quant::BitBudget& budget) { return budget.measure == quant::BudgetMeasure::kSize ? 8 : 1; }
const char* unit_name(const quant::BitBudget& budget) {
  return budget.measure == quant::BudgetMeasure::kSize ? "bytes of weights" : "bit operations an image";
}

// Without the sign of what rounds to 0.
double shown(double increase) { return std::abs(increase) < 0.5e-4 ? 0.0 : increase; }

std::string point_text(const quant::SensitivityPoint& point) {
  return fmt::format("{} bits: {:+.4f} ({:.1f} dB)", point.bits, shown(point.loss_increase), point.decibels);
}

// `null` in the config is a section without rules.
quant::QuantizationConfig section_of(const ExperimentConfig& config) {
  return config.quantization.value_or(quant::QuantizationConfig{});
}

void require_weights(SavedModel& saved, const quant::QuantizationConfig& section) {
  const auto taken = [](const quant::SitePlan& site) {
    return site.kind == nn::SiteKind::kWeight && !site.quantizer.empty();
  };
  if (std::ranges::any_of(quant::plan(saved.model, section), taken)) return;
  throw core::ConfigError({{.file = {},
                            .pointer = "/quantization/rules",
                            .message = "a search chooses bits for weights, and no rule takes one (\"*.weight\" takes "
                                       "all)"}});
}

// The model's own experiment, to be trained with what was found.
std::string training_config(const SavedModel& saved, const quant::QuantizationConfig& found,
                            const std::optional<quant::LowerConfig>& lower) {
  ExperimentConfig experiment = saved.config;
  experiment.name += "-searched";
  experiment.train.initial = std::filesystem::absolute(saved.file).lexically_normal().string();
  experiment.train.precision = core::Precision::kFloat32;  // the only one in which quantizers are trained
  experiment.quantization = found;
  experiment.quantization->when = quant::When::kAware;
  experiment.lower = lower;
  core::ConfigValue document = core::write_fields([&experiment](core::FieldVisitor& v) { experiment.fields(v); });
  document.erase("study");
  return core::pretty_json(document);
}

}  // namespace

void check_search(SavedModel& saved, const ExperimentConfig& config, const quant::BitBudget& budget) {
  const quant::QuantizationConfig section = section_of(config);
  require_weights(saved, section);
  quant::require_budget(quant::offered_bits(saved.model, section, {}), budget);
}

BitSearch search_bits(SavedModel& saved, const ExperimentConfig& config, const data::LoadedData& data,
                      const quant::BitBudget& budget) {
  const quant::QuantizationConfig section = section_of(config);
  const data::Split split = measured_on(data);
  data::Loader images(split, saved.input.normalization, kBatch);
  BitSearch search{.measured_on = fmt::format("{} {} images", count_text(split.size()),
                                              data.set.validation.size() > 0 ? "validation" : "training")};
  search.sites =
      quant::sensitivity(saved.model, section, images, objective_of(saved.config),
                         {.images = section.calibration.images, .integer_weights = config.lower || section.dynamic()},
                         &interrupt_requested());
  quant::BitBudget all = budget;
  all.limit = 1e300;
  search.pareto = quant::pareto_bits(search.sites, all);
  search.chosen = quant::exact_bits(search.sites, budget);
  quant::QuantizationConfig found = quant::with_bits(saved.model, section, search.chosen);
  search.training = training_config(saved, found, config.lower);
  found.start_epoch = 0;  // quantize refuses what is of training, which the file may have inherited
  found.freeze_observers.reset();
  found.freeze_batch_norm.reset();
  std::string name = config.name;
  std::optional<quant::LowerConfig> lower = config.lower;
  const std::string written = core::write_json([&](core::FieldVisitor& v) {
    v.field("name", name, {.help = "as it was given"});
    v.object("quantization", found, {.help = "found by a search"});
    if (lower) v.object("lower", lower, {.help = "as it was given"});
  });
  search.config = written + "\n";
  return search;
}

namespace {

std::string method_text(const BitSearch& search) {
  return fmt::format(
      "loss and SQNR of each site alone, everything else in floats, on {}, weights rounded to nearest; what "
      "calibration "
      "may do besides (equalize, adaround, bias_correction) is not in it",
      search.measured_on);
}

std::string chosen_text(const BitSearch& search, const quant::BitBudget& budget) {
  return fmt::format("chosen: {:.0f} {} of {:.0f} allowed, predicted loss {:+.4f} nats",
                     search.chosen.cost / unit_of(budget), unit_name(budget), budget.limit / unit_of(budget),
                     shown(search.chosen.loss_increase));
}

// Bits are chosen for weights; activations keep what their rules say.
std::string chosen_bits(const BitSearch& search, const quant::SiteSensitivity& site) {
  const auto chosen = std::ranges::find(search.chosen.choices, site.site, &quant::BitChoice::site);
  return chosen == search.chosen.choices.end() ? "as in the config" : std::to_string(chosen->bits);
}

}  // namespace

std::string search_text(const BitSearch& search, const quant::BitBudget& budget) {
  Table table({"site", "values", "loss (SQNR) at most bits", "at fewer", "at fewest", "chosen"});
  for (const quant::SiteSensitivity& site : search.sites) {
    std::vector<std::string> row{site.site, count_text(site.values)};
    for (std::size_t i = 0; i < 3; ++i) row.push_back(i < site.points.size() ? point_text(site.points[i]) : "-");
    row.push_back(chosen_bits(search, site));
    table.row(row);
  }
  return fmt::format("{}\n{}\n{}\n", table.text(), method_text(search), chosen_text(search, budget));
}

ordered_json search_json(const BitSearch& search, const quant::BitBudget& budget) {
  const bool operations = budget.measure == quant::BudgetMeasure::kBitOperations;
  ordered_json sites = ordered_json::array(), pareto = ordered_json::array(), chosen = ordered_json::object();
  for (const quant::SiteSensitivity& site : search.sites) {
    ordered_json points = ordered_json::array();
    for (const quant::SensitivityPoint& point : site.points) {
      points.push_back({{"bits", point.bits}, {"loss_increase", point.loss_increase}, {"sqnr_db", point.decibels}});
    }
    sites.push_back(
        {{"site", site.site}, {"values", site.values}, {"multiply_adds", site.multiply_adds}, {"points", points}});
    if (operations && site.kind == nn::SiteKind::kWeight) sites.back()["input_bits"] = budget.bits_before(site.site);
  }
  for (const quant::BitAssignment& point : search.pareto) {
    pareto.push_back({{"cost", point.cost}, {"loss_increase", point.loss_increase}});
  }
  for (const quant::BitChoice& choice : search.chosen.choices) chosen[choice.site] = choice.bits;
  return {{"measured_on", search.measured_on},
          {"sites", sites},
          {"pareto", pareto},
          {"chosen", {{"bits", chosen}, {"cost", search.chosen.cost}, {"loss_increase", search.chosen.loss_increase}}}};
}

std::string search_page(const BitSearch& search, const quant::BitBudget& budget, const std::string& model) {
  report::LineChart chart{.sheet = {.id = "pareto",
                                    .title = "What fewer bits cost",
                                    .description = "Predicted increase of the loss against the cost of all weights.",
                                    .height = 260}};
  chart.x = {.label = unit_name(budget), .kind = report::ScaleKind::log};
  chart.y = {.label = "predicted increase of the loss, nats"};
  report::Series front{.name = "Pareto front", .stroke = report::series_stroke(0, search.pareto.size() <= 60)};
  for (const quant::BitAssignment& point : search.pareto) {
    front.x.push_back(point.cost / unit_of(budget));
    front.y.push_back(point.loss_increase);
  }
  chart.series.push_back(std::move(front));
  chart.marks.push_back({.x = search.chosen.cost / unit_of(budget), .label = "chosen"});
  report::Table table{"each site alone, everything else in floats",
                      {"site", "values", "at most bits", "at fewer", "at fewest", "chosen"},
                      {}};
  for (const quant::SiteSensitivity& site : search.sites) {
    std::vector<std::string> row{site.site, report::grouped(site.values)};
    for (std::size_t i = 0; i < 3; ++i) row.push_back(i < site.points.size() ? point_text(site.points[i]) : "–");
    row.push_back(chosen_bits(search, site));
    table.rows.push_back(std::move(row));
  }
  report::Page page;
  page.title = "Bits by layer";
  page.kicker = "search on " + model;
  page.sections = {
      {"pareto", "Pareto front",
       report::paragraph(chosen_text(search, budget) + ".") + "<div class=\"one\">" +
           report::figure(chart.sheet.title, draw(chart)) + "</div>"},
      {"sensitivity", "Sensitivity", report::paragraph(method_text(search) + ".") + report::render(table)}};
  return report::render(page);
}

}  // namespace tempera::cli
