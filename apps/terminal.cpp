#include "tempera/apps/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tempera/apps/live_block.hpp"

namespace tempera::cli {
namespace {

constexpr std::size_t kBarColumns = 24;

// Names come from files: what would move the cursor or colour the screen is spelled out.
std::string visible(std::string_view text, std::string_view allowed = {}) {
  std::string shown;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = byte < ' ' || byte == 0x7f;
    shown += control && allowed.find(c) == std::string_view::npos ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return shown;
}
constexpr std::string_view kLines = "\n\t";

void line(std::string_view label, const char* colour, std::string_view message) {
  const std::string words = visible(message, kLines);
  const std::string text =
      colours_wanted() ? fmt::format("{}{}\033[0m{}\n", colour, label, words) : fmt::format("{}{}\n", label, words);
  if (LiveBlock* block = LiveBlock::current()) return block->above(text);
  put(text);
}

std::string bar(double fraction) {
  const auto filled = static_cast<std::size_t>(std::clamp(fraction, 0.0, 1.0) * kBarColumns);
  std::string text;
  for (std::size_t i = 0; i < kBarColumns; ++i) text += i < filled ? "█" : "·";
  return text;
}

}  // namespace

bool stderr_is_terminal() { return isatty(STDERR_FILENO) == 1; }

TerminalSize terminal_size() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    return {size.ws_col, size.ws_row};
  }
  return {};
}

bool colours_wanted() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool refused = no_color != nullptr && *no_color != '\0';
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  return stderr_is_terminal() && !refused && !dumb;
}

// Messages that cannot be written are lost: there is nowhere to say so, and no reason to end the work.
void put(std::string_view text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
  static_cast<void>(std::fflush(stderr));
}

void say(std::string_view message) {
  if (LiveBlock::current() == nullptr) put(fmt::format("{}\n", visible(message, kLines)));
}
void warn(std::string_view message) { line("warning: ", "\033[33m", message); }
void complain(std::string_view message) { line("error: ", "\033[31m", message); }

std::size_t columns_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string cut_to(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  std::string front;
  std::size_t taken = 0;
  for (const char c : text) {
    const bool begins = columns_of({&c, 1}) == 1;
    if (begins && taken + 1 >= columns) break;
    taken += begins ? 1 : 0;
    front.push_back(c);
  }
  return columns == 0 ? "" : front + "…";
}

namespace {

// Numbers, ranges of them, and what stands for a missing one.
bool looks_numeric(std::string_view cell) {
  return cell.empty() || cell.find_first_not_of("0123456789 .,+-eE%·") == std::string_view::npos;
}

}  // namespace

Table::Table(std::vector<std::string> header) { row(std::move(header)); }

void Table::row(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = visible(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> numeric(columns, rows_.size() > 1);
  for (const auto& cells : rows_) {
    for (std::size_t i = 0; i < columns; ++i) {
      widths[i] = std::max(widths[i], columns_of(cells[i]));
      if (&cells != &rows_.front() && !looks_numeric(cells[i])) numeric[i] = false;
    }
  }
  std::string text;
  for (const auto& cells : rows_) {
    std::string row;
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string padding(widths[i] - columns_of(cells[i]), ' ');
      const std::string_view gap = i == 0 ? "" : "  ";
      row += numeric[i] ? fmt::format("{}{}{}", gap, padding, cells[i]) : fmt::format("{}{}{}", gap, cells[i], padding);
    }
    text += fmt::format("{}\n", std::string_view(row).substr(0, row.find_last_not_of(' ') + 1));
  }
  return text;
}

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::lround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02d} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02d} min", whole / 3600, whole % 3600 / 60);
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string count_text(std::int64_t count) {
  const std::string digits = std::to_string(count);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const bool group_begins = i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-';
    if (group_begins) text.push_back(' ');
    text.push_back(digits[i]);
  }
  return text;
}

ProgressLine::ProgressLine() : enabled_(stderr_is_terminal() && LiveBlock::current() == nullptr) {}
ProgressLine::~ProgressLine() { clear(); }

bool ProgressLine::due() {
  if (!enabled_) return false;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return false;
  next_ = now + std::chrono::milliseconds(100);
  return true;
}

void ProgressLine::draw(double fraction, std::string_view left, std::string_view right) {
  std::string text = fmt::format("{} {} {}", left, bar(fraction), right);
  const std::size_t room = terminal_size().columns - 1;
  if (columns_of(text) > room) text = fmt::format("{} {}", left, right);
  put(fmt::format("\r\033[K{}", cut_to(text, room)));
  drawn_ = true;
}

void ProgressLine::clear() {
  if (std::exchange(drawn_, false)) put("\r\033[K");
}

}  // namespace tempera::cli
