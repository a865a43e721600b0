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
// What costs are counted in, as the command line takes them and every file and text gives them.
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
  const double unit = unit_of(budget);
  for (const quant::BitAssignment& point : search.pareto) {
    pareto.push_back({{"cost", point.cost / unit}, {"loss_increase", point.loss_increase}});
  }
  for (const quant::BitChoice& choice : search.chosen.choices) chosen[choice.site] = choice.bits;
  return {{"measure", quant::kBudgetMeasures[static_cast<std::size_t>(budget.measure)]},
          {"unit", unit_name(budget)},
          {"budget", budget.limit / unit},
          {"measured_on", search.measured_on},
          {"sites", sites},
          {"pareto", pareto},
          {"chosen",
           {{"bits", chosen}, {"cost", search.chosen.cost / unit}, {"loss_increase", search.chosen.loss_increase}}}};
}

namespace {

// Points of a front of which more could not be read; those at even distances and the chosen one stand for them.
constexpr std::size_t kMostRows = 100;

std::vector<const quant::BitAssignment*> shown_points(const BitSearch& search) {
  std::vector<const quant::BitAssignment*> points;
  const std::size_t every = (search.pareto.size() + kMostRows - 1) / kMostRows;
  for (std::size_t i = 0; i < search.pareto.size(); ++i) {
    const quant::BitAssignment& point = search.pareto[i];
    const bool last = i + 1 == search.pareto.size();
    if (i % every == 0 || last || point.cost == search.chosen.cost) points.push_back(&point);
  }
  return points;
}

report::Table front_table(const BitSearch& search, const quant::BitBudget& budget) {
  const std::vector<const quant::BitAssignment*> points = shown_points(search);
  report::Table table{points.size() == search.pareto.size()
                          ? "every point of the front"
                          : fmt::format("{} of the front's {} points", points.size(), search.pareto.size()),
                      {unit_name(budget), "predicted increase of the loss, nats", "within the budget"},
                      {}};
  for (const quant::BitChoice& choice : search.chosen.choices) table.header.push_back("bits of " + choice.site);
  for (const quant::BitAssignment* point : points) {
    const bool within = point->cost <= budget.limit;
    std::vector<std::string>& row = table.rows.emplace_back(std::vector<std::string>{
        fmt::format("{:.0f}", point->cost / unit_of(budget)), fmt::format("{:+.4f}", shown(point->loss_increase)),
        point->cost == search.chosen.cost ? "chosen" : (within ? "yes" : "no")});
    for (const quant::BitChoice& choice : point->choices) row.push_back(std::to_string(choice.bits));
  }
  return table;
}

report::LineChart front_chart(const BitSearch& search, const quant::BitBudget& budget) {
  const double unit = unit_of(budget), limit = budget.limit / unit, chosen = search.chosen.cost / unit;
  report::LineChart chart{
      .sheet = {.id = "pareto",
                .title = "What fewer bits cost",
                .description = fmt::format("Predicted increase of the loss against the cost of all weights, in {}: "
                                           "chosen {:.0f}, budget {:.0f}.",
                                           unit_name(budget), chosen, limit),
                .height = 260}};
  chart.x = {.label = unit_name(budget), .kind = report::ScaleKind::log, .tight = true};
  chart.y = {.label = "predicted increase of the loss, nats"};
  report::Series front{.name = "Pareto front", .stroke = report::series_stroke(0, search.pareto.size() <= 60)};
  for (const quant::BitAssignment& point : search.pareto) {
    front.x.push_back(point.cost / unit);
    front.y.push_back(point.loss_increase);
  }
  // A budget that allows far more than the most bits cost would leave the front in a corner: it is then in the text alone.
  constexpr double kFar = 2;
  if (limit <= kFar * front.x.back()) chart.x.max = std::max(limit, front.x.back());
  chart.series.push_back(std::move(front));
  chart.marks.push_back({.x = chosen, .label = "chosen"});
  chart.marks.push_back({.x = limit, .label = "budget"});
  return chart;
}

}  // namespace

std::string search_page(const BitSearch& search, const quant::BitBudget& budget, const std::string& model) {
  const report::LineChart chart = front_chart(search, budget);
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
           report::figure(chart.sheet.title, draw(chart)) + "</div>" + report::numbers(front_table(search, budget)) +
           report::note("The loss is predicted: what each site adds alone is summed up. What a network with these bits "
                        "really loses, and its accuracy, tempera quantize measures with searched.json.")},
      {"sensitivity", "Sensitivity", report::paragraph(method_text(search) + ".") + report::render(table)}};
  return report::render(page);
}

}  // namespace tempera::cli
