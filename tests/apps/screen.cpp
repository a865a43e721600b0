#include "screen.hpp"

#include <algorithm>

namespace program {

void Screen::show(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i++];
    if (c == '\r') {
      column_ = 0;
    } else if (c == '\n') {
      line_feed();
    } else if (c != '\033') {
      const std::size_t begin = i - 1;
      while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) ++i;
      put(text.substr(begin, i - begin));
    } else {
      if (i < text.size() && text[i] == '[') ++i;
      std::size_t number = 0;
      while (i < text.size() && text[i] >= '0' && text[i] <= ';') {
        number = text[i] == ';' ? 0 : 10 * number + static_cast<std::size_t>(text[i] - '0');
        ++i;
      }
      if (i < text.size()) sequence(text[i++], number);
    }
  }
}

void Screen::put(std::string_view character) {
  if (column_ >= columns_) {
    line_feed();
    column_ = 0;
  }
  Line& line = lines_[row_];
  if (line.size() <= column_) line.resize(column_ + 1, " ");
  line[column_++] = character;
}

void Screen::line_feed() {
  if (++row_ == lines_.size()) lines_.emplace_back();
}

void Screen::sequence(char kind, std::size_t number) {
  Line& line = lines_[row_];
  if (kind == 'A') {
    row_ -= std::min(std::max<std::size_t>(number, 1), row_ - std::min(row_, top()));  // not beyond the top
  } else if (kind == 'K' || kind == 'J') {
    if (number != 0) ++strange_;
    line.resize(std::min(line.size(), column_));
    if (kind == 'J') lines_.resize(row_ + 1);
  } else if (kind != 'm') {
    ++strange_;
  }
}

std::vector<std::string> Screen::lines() const {
  std::vector<std::string> all;
  for (const Line& line : lines_) {
    std::string text;
    for (const std::string& character : line) text += character;
    all.push_back(text.substr(0, text.find_last_not_of(' ') + 1));
  }
  return all;
}

}  // namespace program
