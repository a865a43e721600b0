#include "tempera/apps/report/standalone.hpp"

#include <fmt/format.h>

#include "tempera/apps/report/style.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {

std::string words(double x, double y, std::string_view css_class, std::string_view text) {
  return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>", css_class, coordinate(x), coordinate(y),
                     escape(text));
}

std::string open_standalone(const Sheet& sheet, std::string_view lead) {
  std::string out = open_svg(sheet);
  out += fmt::format(
      "<style>{}.frame{{fill:none;stroke:var(--rule)}}.sheet{{fill:var(--page)}}svg .heading{{font-size:20px}}"
      "svg .lead{{font-size:14px;fill:var(--muted)}}</style>",
      chart_style());
  out += fmt::format("<rect class=\"sheet\" width=\"{}\" height=\"{}\"/>", coordinate(sheet.width),
                     coordinate(sheet.height));
  out += words(kSheetPadding, 42, "heading", sheet.title);
  return out + words(kSheetPadding, 66, "lead", lead);
}

}  // namespace tempera::cli::report
