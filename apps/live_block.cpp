#include "tempera/apps/live_block.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "tempera/apps/terminal.hpp"

namespace tempera::cli {
namespace {

LiveBlock* living = nullptr;

}  // namespace

bool LiveBlock::possible() {
  const char* term = std::getenv("TERM");
  return stderr_is_terminal() && term != nullptr && std::string_view(term) != "dumb";
}

LiveBlock* LiveBlock::current() noexcept { return living; }

LiveBlock::LiveBlock() { living = this; }
LiveBlock::~LiveBlock() { living = nullptr; }

bool LiveBlock::due() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return false;
  next_ = now + std::chrono::milliseconds(100);
  return true;
}

// A terminal that was made narrower has wrapped what stands on it.
std::string LiveBlock::back_to_top() const {
  const std::size_t columns = terminal_size().columns;
  std::size_t rows = 0;
  for (const std::size_t width : widths_) rows += std::max<std::size_t>(1, (width + columns - 1) / columns);
  return rows == 0 ? "" : fmt::format("\r\033[{}A", rows);
}

std::string LiveBlock::drawing() {
  const TerminalSize size = terminal_size();
  // The last column stays free: some terminals go to the next row when it is written to, some do not.
  const std::size_t room = std::max<std::size_t>(size.columns, 2) - 1;
  widths_.clear();
  std::string text;
  for (const Line& line : lines_) {
    if (widths_.size() + 1 >= size.rows) break;
    const std::string cut = cut_to(line.text, room);
    widths_.push_back(columns_of(cut));
    text += line.bold && colours_wanted() ? fmt::format("\033[1m{}\033[0m\033[K\n", cut) : cut + "\033[K\n";
  }
  return text + "\033[J";
}

void LiveBlock::draw(const std::vector<Line>& lines) {
  const std::string top = back_to_top();
  lines_ = lines;
  put(top + drawing());
}

void LiveBlock::above(const std::string& message) {
  if (std::ranges::find(said_, message) != said_.end()) return;
  said_.push_back(message);
  const std::string top = back_to_top();
  put(fmt::format("{}\033[J{}{}", top, message, drawing()));
}

}  // namespace tempera::cli
