// The building blocks sections are made of. All text given here is plain text and is escaped here; what already is
// markup is called so.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tempera::cli::report {

struct Table {
  std::string caption;  ///< read by screen readers, and shown
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  ///< the first column heads its row
  std::size_t words = 1;                       ///< that many first columns are words (left), the others numbers (right)
};

/// The table in a box that scrolls by itself where the screen is narrow.
[[nodiscard]] std::string render(const Table& table);

[[nodiscard]] std::string paragraph(std::string_view text);
[[nodiscard]] std::string note(std::string_view text);  ///< smaller and quieter

/// A chart (markup) with its heading above.
[[nodiscard]] std::string figure(std::string_view heading, std::string_view chart_markup);

/// Figures (markup) side by side, as many as fit; `narrow` ones are at least 130 pixels wide, the others 300.
[[nodiscard]] std::string multiples(const std::vector<std::string>& figures, bool narrow = false);

/// The numbers behind a chart, folded away.
[[nodiscard]] std::string numbers(const Table& table);

/// Anything (markup) that opens on demand; `printed`: shown on paper even if closed.
[[nodiscard]] std::string folded(std::string_view summary, std::string_view markup, bool open, bool printed);

}  // namespace tempera::cli::report
