// Lines at the bottom of the terminal that are redrawn in place.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tempera::cli {

/// While one lives, say() is silent, for the block tells what goes on; warnings and errors stand above it, each once. What was
/// drawn last stays on the screen.
class LiveBlock {
 public:
  struct Line {
    std::string text;   ///< cut to the terminal's width
    bool bold = false;  ///< where colours are wanted
  };

  /// Whether stderr is a terminal whose cursor moves.
  [[nodiscard]] static bool possible();
  /// The one that lives; null if none does.
  [[nodiscard]] static LiveBlock* current() noexcept;

  LiveBlock();
  LiveBlock(const LiveBlock&) = delete;
  LiveBlock& operator=(const LiveBlock&) = delete;
  ~LiveBlock();

  /// True ten times a second.
  [[nodiscard]] bool due();
  /// Takes the place of what was drawn before; as many lines as the terminal has rows but one.
  void draw(const std::vector<Line>& lines);
  /// A message that stays, above the block.
  void above(const std::string& message);

 private:
  [[nodiscard]] std::string back_to_top() const;
  [[nodiscard]] std::string drawing();

  std::vector<Line> lines_;
  std::vector<std::size_t> widths_;  // of the lines on the screen
  std::vector<std::string> said_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace tempera::cli
