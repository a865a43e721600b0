#include "tempera/apps/experiment/study_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tempera::cli {
namespace {

constexpr std::size_t kColumns = 5;
constexpr std::size_t kLeastSetting = 18;  // columns that a setting keeps while others can be dropped
constexpr std::size_t kGap = 2;
constexpr std::size_t kAround = 3;  // lines that are no rows: the header, and two on what is at work

using StudyCells = std::array<std::string, kColumns>;

StudyCells cells_of(const StudyRow& row) {
  StudyCells cells{(row.at_work ? "▸ " : "  ") + row.setting, fmt::format("{}/{}", row.done, row.total), "", "",
                   row.arithmetic};
  if (row.failed > 0) cells[1] += fmt::format(", {} failed", row.failed);
  if (row.done == 0) return cells;
  cells[2] = fmt::format("{:.2f}", 100 * row.accuracy.mean);
  if (row.accuracy.interval) {
    cells[3] = fmt::format("{:.2f} … {:.2f}", 100 * row.accuracy.interval->low, 100 * row.accuracy.interval->high);
  }
  return cells;
}

using Widths = std::array<std::size_t, kColumns>;

// Columns that do not fit have no width.
Widths fitting(const std::vector<StudyCells>& table, std::size_t room) {
  Widths widths{};
  for (const StudyCells& cells : table) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], columns_of(cells[i]));
  }
  const auto others = [&widths] {
    std::size_t sum = 0;
    for (std::size_t i = 1; i < kColumns; ++i) sum += widths[i] > 0 ? widths[i] + kGap : 0;
    return sum;
  };
  for (std::size_t last = kColumns; --last > 0 && others() + std::min(widths[0], kLeastSetting) > room;) {
    widths[last] = 0;
  }
  widths[0] = std::min(widths[0], room - std::min(room, others()));
  return widths;
}

std::string line_of(const StudyCells& cells, const Widths& widths) {
  std::string text = cut_to(cells[0], widths[0]);
  text += std::string(widths[0] - columns_of(text), ' ');
  for (std::size_t i = 1; i < kColumns; ++i) {
    if (widths[i] == 0) continue;
    const std::string padding(widths[i] - columns_of(cells[i]), ' ');
    text += std::string(kGap, ' ') + (i < 3 ? padding + cells[i] : cells[i] + padding);
  }
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

std::string summary_of(const std::vector<StudyRow>& rows, const StudyNow& now) {
  std::size_t done = 0, failed = 0, total = 0;
  for (const StudyRow& row : rows) {
    done += row.done;
    failed += row.failed;
    total += row.total;
  }
  std::string text = fmt::format("{} of {} runs done", done, total);
  if (failed > 0) text += fmt::format(", {} failed", failed);
  if (now.run.empty()) return text;
  return text + (now.seconds_left ? fmt::format(", about {} left", duration_text(*now.seconds_left)) : "");
}

}  // namespace

std::vector<LiveBlock::Line> study_lines(const std::vector<StudyRow>& rows, const StudyNow& now, TerminalSize size) {
  std::vector<StudyCells> table;
  table.push_back(StudyCells{"  setting", "runs", "accuracy %", "95 % interval", "arithmetic"});
  for (const StudyRow& row : rows) table.push_back(cells_of(row));
  const Widths widths = fitting(table, std::max<std::size_t>(size.columns, 2) - 1);

  const std::size_t height = std::max<std::size_t>(size.rows, 2) - 1;
  const std::size_t room = height > kAround ? height - kAround : 1;
  const auto working = std::ranges::find(rows, true, &StudyRow::at_work);
  std::size_t first = 0, shown = rows.size();
  if (rows.size() > room) {
    shown = std::max<std::size_t>(room, 2) - 1;  // a line says what is not shown
    const auto at = static_cast<std::size_t>(working == rows.end() ? 0 : working - rows.begin());
    first = std::min(at - std::min(at, shown / 2), rows.size() - shown);
  }
  std::vector<LiveBlock::Line> lines;
  lines.push_back({line_of(table[0], widths)});
  for (std::size_t i = first; i < first + shown; ++i) lines.push_back({line_of(table[i + 1], widths), rows[i].at_work});
  if (shown < rows.size()) lines.push_back({fmt::format("  … {} more settings", rows.size() - shown)});
  if (!now.run.empty()) lines.push_back({fmt::format("{}  {}", now.run, now.doing)});
  lines.push_back({summary_of(rows, now)});
  if (lines.size() > height) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(height));
  return lines;
}

}  // namespace tempera::cli
