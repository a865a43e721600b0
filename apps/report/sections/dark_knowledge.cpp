// The mean softened answer for each class: what the network finds alike.
#include <fmt/format.h>

#include <algorithm>

#include "tempera/apps/report/chart/heat_map.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/sections/classes.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

struct Pair {
  double likeness;  // mean of both directions
  std::size_t a, b;
};

std::vector<Pair> alike(const DarkKnowledge& knowledge, std::size_t limit) {
  const auto& m = knowledge.matrix;
  std::vector<Pair> out;
  for (std::size_t i = 0; i < m.size(); ++i) {
    for (std::size_t j = i + 1; j < m.size() && j < m[i].size(); ++j) {
      if (i < m[j].size() && m[i][j] + m[j][i] > 0) out.push_back({(m[i][j] + m[j][i]) / 2, i, j});
    }
  }
  std::ranges::stable_sort(out, std::ranges::greater{}, &Pair::likeness);
  if (out.size() > limit) out.resize(limit);
  return out;
}

/// ".07" instead of "0.07": the zero would cost a third of the cell.
std::string short_share(double value) {
  const std::string text = fixed(value, 2);
  if (text == "0.00") return {};
  return text.starts_with("0") ? text.substr(1) : text;
}

std::string map(const RunData& run, const DarkKnowledge& knowledge, std::size_t index) {
  HeatMap chart;
  const std::string title = fmt::format("T = {}", significant(knowledge.temperature));
  chart.sheet.id = fmt::format("dark-{}", index);
  chart.sheet.title = "Mean softened probabilities at " + title;
  chart.sheet.description = "Most alike: ";
  for (const Pair& pair : alike(knowledge, 3)) {
    chart.sheet.description +=
        fmt::format("{} and {} ({}). ", class_name(run, pair.a), class_name(run, pair.b), significant(pair.likeness));
  }
  chart.rows = class_titles(run, knowledge.matrix.size());
  chart.columns = class_numbers(knowledge.matrix.empty() ? 0 : knowledge.matrix.front().size());
  chart.row_label = "images of";
  chart.column_label = "probability of";
  chart.values = knowledge.matrix;
  chart.print = short_share;
  chart.explain = probability;
  chart.diagonal_apart = true;
  chart.from_smallest = true;  // at T = 20 all classes are likely; what differs is seen above the least of them
  return figure(title, draw(chart));
}

Table pairs(const RunData& run, const DarkKnowledge& knowledge) {
  Table table{fmt::format("Pairs the network finds most alike, at T = {}", significant(knowledge.temperature)),
              {"pair", "second seen in first", "first seen in second", "mean"},
              {}};
  for (const Pair& pair : alike(knowledge, 6)) {
    table.rows.push_back({fmt::format("{} and {}", class_name(run, pair.a), class_name(run, pair.b)),
                          probability(knowledge.matrix[pair.a][pair.b]), probability(knowledge.matrix[pair.b][pair.a]),
                          probability(pair.likeness)});
  }
  return table;
}

}  // namespace

std::string dark_knowledge(const RunData& run) {
  if (!run.temperature || run.temperature->dark_knowledge.empty()) return {};
  const std::vector<DarkKnowledge>& all = run.temperature->dark_knowledge;
  std::vector<std::string> maps;
  for (std::size_t i = 0; i < all.size(); ++i) maps.push_back(map(run, all[i], i));
  const DarkKnowledge& middle = all[all.size() / 2];
  return paragraph(
             "Each row is the average softened answer to the test images of one class. What lies off the diagonal is "
             "what a student can learn from this network beyond the labels: which classes it finds alike.") +
         multiples(maps) + (middle.matrix.empty() ? "" : render(pairs(run, middle)));
}

}  // namespace tempera::cli::report::sections
