// What stands on a terminal's screen after a program wrote to it: the part of ECMA-48 that programs of lines use.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace program {

class Screen {
 public:
  Screen(std::size_t columns, std::size_t rows) : columns_(columns), rows_(rows), lines_(1) {}

  /// Takes what came out of the terminal: text in UTF-8, \r, \n, and the sequences A (up), J (erase below), K (erase to the
  /// right) and m (colours, which are dropped). `strange` counts what else begins with an escape.
  void show(std::string_view text);
  /// All lines from the first on, also those that have left the screen upwards, without blanks at their ends.
  [[nodiscard]] std::vector<std::string> lines() const;
  /// The line on which the top of the screen stands.
  [[nodiscard]] std::size_t top() const noexcept { return lines_.size() > rows_ ? lines_.size() - rows_ : 0; }
  [[nodiscard]] std::size_t strange() const noexcept { return strange_; }

 private:
  using Line = std::vector<std::string>;  // a character each
  void put(std::string_view character);
  void line_feed();
  void sequence(char kind, std::size_t number);

  std::size_t columns_, rows_;
  std::vector<Line> lines_;
  std::size_t row_ = 0, column_ = 0, strange_ = 0;
};

}  // namespace program
