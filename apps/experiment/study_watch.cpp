#include "tempera/apps/experiment/study_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tempera::cli {
namespace {

using Overrides = std::vector<std::pair<std::string, std::string>>;

std::string last_part(const std::string& path) { return path.substr(path.rfind('.') + 1); }

// The last part of a path says enough, unless another one ends alike.
std::string short_name(const std::string& path, const Overrides& all) {
  const auto alike = [&](const auto& other) { return last_part(other.first) == last_part(path); };
  return std::ranges::count_if(all, alike) > 1 ? path : last_part(path);
}

std::string word(const std::string& json) {
  const auto value = nlohmann::json::parse(json);
  return value.is_string() ? value.get<std::string>() : json;
}

std::string setting_text(const Overrides& overrides, const std::optional<std::string>& without) {
  std::string text;
  for (const auto& [path, value] : overrides) {
    if (path == without) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", short_name(path, overrides), word(value));
  }
  return text;
}

Mean accuracy_of(const StudyResult& result, const std::vector<std::size_t>& row_of, std::size_t row,
                 std::string& arithmetic) {
  std::vector<double> values;
  for (std::size_t i = 0; i < result.runs.size(); ++i) {
    const report::Summary& summary = result.runs[i].summary;
    if (row_of[i] != row || summary.status != "completed") continue;
    arithmetic = report::shipped_mode(summary);
    values.push_back(summary.results.at(arithmetic).at("test").accuracy);
  }
  return mean_of(values);
}

}  // namespace

StudyWatch::StudyWatch(const StudyResult& result, const std::optional<std::string>& pair_by) : result_(result) {
  for (const StudyRun& run : result.runs) {
    const std::string setting = setting_text(run.overrides, pair_by);
    auto row = std::ranges::find(rows_, setting, &StudyRow::setting);
    if (row == rows_.end()) {
      row = rows_.insert(rows_.end(), StudyRow());
      row->setting = setting;
    }
    ++row->total;
    row_of_.push_back(static_cast<std::size_t>(row - rows_.begin()));
  }
  for (StudyRow& row : rows_) {
    if (row.setting.empty()) row.setting = "all runs";
  }
}

void StudyWatch::begin(std::size_t run) {
  at_work_ = run;
  rows_[row_of_[run]].at_work = true;
  doing_.clear();
  trained_ = 0;
  began_ = std::chrono::steady_clock::now();
  draw();
}

void StudyWatch::end(bool computed) {
  if (!at_work_) return;
  const std::size_t index = row_of_[*at_work_];
  StudyRow& row = rows_[index];
  row.at_work = false;
  const bool done = result_.runs[*at_work_].summary.status == "completed";
  row.done += done ? 1 : 0;
  row.failed += done ? 0 : 1;
  row.accuracy = accuracy_of(result_, row_of_, index, row.arithmetic);
  if (computed) {
    computed_seconds_ += elapsed();
    ++computed_;
  }
  const bool last = *at_work_ + 1 == result_.runs.size();
  at_work_.reset();
  if (last) draw();
}

void StudyWatch::on_step(const nn::StepReport& step, std::int64_t epochs) {
  if (!block_.due()) return;
  const double share = static_cast<double>(step.batch) / static_cast<double>(std::max<std::int64_t>(step.batches, 1));
  trained_ = (static_cast<double>(step.epoch - 1) + share) / static_cast<double>(std::max<std::int64_t>(epochs, 1));
  doing_ = fmt::format("epoch {}/{}  loss {:.4f}", step.epoch, epochs,
                       step.sums.loss / static_cast<double>(std::max<std::int64_t>(step.sums.samples, 1)));
  draw();
}

void StudyWatch::on_stage(std::string_view stage) {
  doing_ = stage;
  draw();
}

double StudyWatch::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
}

// Runs take as long as those before them did, the first one as its training so far lets expect.
std::optional<double> StudyWatch::seconds_left() const {
  constexpr double kEnough = 0.02;  // of a training to foretell the rest from
  if (!at_work_ || (computed_ == 0 && trained_ < kEnough)) return std::nullopt;
  const double each = computed_ > 0 ? computed_seconds_ / static_cast<double>(computed_) : elapsed() / trained_;
  const auto waiting = static_cast<double>(result_.runs.size() - *at_work_ - 1);
  return std::max(0.0, each - elapsed()) + each * waiting;
}

void StudyWatch::draw() {
  StudyNow now{.run = {}, .doing = doing_, .seconds_left = seconds_left()};
  if (at_work_) {
    now.run = fmt::format("run {} of {}: {}", *at_work_ + 1, result_.runs.size(),
                          setting_text(result_.runs[*at_work_].overrides, {}));
  }
  block_.draw(study_lines(rows_, now, terminal_size()));
}

}  // namespace tempera::cli
