// Reads numbers back out of SVG text, so that a test sees the chart as a browser does and not as the code meant it.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tempera::test {

/// The opening tags that contain `marker`, e.g. `class="plot"`.
inline std::vector<std::string> tags_with(const std::string& svg, std::string_view marker) {
  std::vector<std::string> out;
  for (std::size_t at = svg.find(marker); at != std::string::npos; at = svg.find(marker, at + 1)) {
    const std::size_t begin = svg.rfind('<', at);
    out.push_back(svg.substr(begin, svg.find('>', at) - begin));
  }
  return out;
}

inline std::string text_attribute(const std::string& tag, const std::string& name) {
  const std::string opening = " " + name + "=\"";
  const std::size_t at = tag.find(opening);
  if (at == std::string::npos) throw std::runtime_error("no attribute " + name + " in " + tag);
  const std::size_t begin = at + opening.size();
  return tag.substr(begin, tag.find('"', begin) - begin);
}

inline double attribute(const std::string& tag, const std::string& name) {
  return std::strtod(text_attribute(tag, name).c_str(), nullptr);
}

struct Frame {
  double x, y, width, height;
};

inline Frame frame_of(const std::string& tag) {
  return {attribute(tag, "x"), attribute(tag, "y"), attribute(tag, "width"), attribute(tag, "height")};
}

/// The rectangle the data are drawn in.
inline Frame plot_frame(const std::string& svg) { return frame_of(tags_with(svg, "class=\"plot\"").at(0)); }

/// "1,2 3,4" → {{1, 2}, {3, 4}}.
inline std::vector<std::pair<double, double>> points_of(const std::string& tag) {
  const std::string text = text_attribute(tag, "points");
  std::vector<std::pair<double, double>> out;
  const char* at = text.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    const double x = std::strtod(at, &end);
    const double y = std::strtod(end + 1, &end);
    out.emplace_back(x, y);
    at = *end == ' ' ? end + 1 : end;
  }
  return out;
}

inline std::size_t count(std::string_view text, std::string_view part) {
  std::size_t out = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++out;
  return out;
}

}  // namespace tempera::test
