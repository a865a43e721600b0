#include "tempera/apps/report/html.hpp"

#include <fmt/format.h>

#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {

std::string render(const Table& table) {
  const auto word = [&](std::size_t column) { return column > 0 && column < table.words ? " class=\"word\"" : ""; };
  std::string out = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
      "aria-label=\"{0}\"><table{1}><caption>{0}</caption><thead><tr>",
      escape(table.caption), table.words > 1 && table.words >= table.header.size() ? " class=\"words\"" : "");
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    out += fmt::format("<th scope=\"col\"{}>{}</th>", word(i), escape(table.header[i]));
  }
  out += "</tr></thead><tbody>";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += i == 0 ? fmt::format("<th scope=\"row\">{}</th>", escape(row[i]))
                    : fmt::format("<td{}>{}</td>", word(i), escape(row[i]));
    }
    out += "</tr>";
  }
  return out + "</tbody></table></div>\n";
}

std::string paragraph(std::string_view text) { return fmt::format("<p>{}</p>\n", escape(text)); }

std::string note(std::string_view text) { return fmt::format("<p class=\"note\">{}</p>\n", escape(text)); }

std::string figure(std::string_view heading, std::string_view chart_markup) {
  return fmt::format("<figure><figcaption>{}</figcaption>{}</figure>\n", escape(heading), chart_markup);
}

std::string multiples(const std::vector<std::string>& figures, bool narrow) {
  std::string out = narrow ? "<div class=\"multiples narrow\">" : "<div class=\"multiples\">";
  for (const std::string& figure : figures) out += figure;
  return out + "</div>\n";
}

std::string numbers(const Table& table) { return folded("The numbers: " + table.caption, render(table), false, false); }

std::string folded(std::string_view summary, std::string_view markup, bool open, bool printed) {
  return fmt::format("<details{}{}><summary>{}</summary>{}</details>\n", printed ? " class=\"printed\"" : "",
                     open ? " open" : "", escape(summary), markup);
}

}  // namespace tempera::cli::report
