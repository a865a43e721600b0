// What a person sees on the terminal: messages and progress on stderr, tables on stdout.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tempera::cli {

/// Whether stderr is a terminal that redraws lines.
[[nodiscard]] bool stderr_is_terminal();
struct TerminalSize {
  std::size_t columns = 80, rows = 24;
};
/// Of stderr's terminal as it is now; 80 × 24 where none says.
[[nodiscard]] TerminalSize terminal_size();
/// Whether colours are wanted there: a terminal, TERM is not "dumb", and NO_COLOR is not set (no-color.org).
[[nodiscard]] bool colours_wanted();

void put(std::string_view text);          ///< on stderr, as it is
void say(std::string_view message);       ///< a line on stderr, unless a LiveBlock tells what goes on
void warn(std::string_view message);      ///< "warning: …" on stderr
void complain(std::string_view message);  ///< "error: …" on stderr

/// Columns aligned under a header: texts to the left, numbers to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> header);
  void row(std::vector<std::string> cells);
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// Width of a UTF-8 text in columns, for texts without wide or combining characters.
[[nodiscard]] std::size_t columns_of(std::string_view text) noexcept;
/// The front of such a text that fits `columns`, with an ellipsis where something was cut.
[[nodiscard]] std::string cut_to(std::string_view text, std::size_t columns);
/// "1 h 02 min", "3 min 20 s", "4.1 s"
[[nodiscard]] std::string duration_text(double seconds);
/// "1.6 MB"
[[nodiscard]] std::string bytes_text(double bytes);
/// "101 770"
[[nodiscard]] std::string count_text(std::int64_t count);

/// A line that is redrawn at most ten times a second on a terminal, and not drawn at all elsewhere.
class ProgressLine {
 public:
  ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();
  /// True if it is time to draw; the caller then formats and calls draw().
  [[nodiscard]] bool due();
  void draw(double fraction, std::string_view left, std::string_view right);
  void clear();

 private:
  bool enabled_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace tempera::cli
