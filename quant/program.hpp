// Program: a quantized network as a flat list of typed instructions over integer buffers. It is what is shipped: the engine
// and the reference run it, exporters and files hold it, and nothing re-derives a scale from floats a second time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tempera/core/shape.hpp"
#include "tempera/quant/qparams.hpp"
#include "tempera/quant/requantize.hpp"
#include "tempera/quant/thresholds.hpp"

namespace tempera::quant {

/// What a buffer holds per value. Activations of up to 8 bits are kU8 or kS8, of 9–16 bits kU16 or kS16.
enum class Cell : std::uint8_t { kU8, kS8, kU16, kS16, kS32 };

/// A value that instructions pass on: integers q with real value (q − zero_point)·scale. Accumulators are kS32 with zero
/// point 0 and, where the weight has them, a scale for each channel; low and high say nothing of them.
struct ProgramBuffer {
  std::string site;   ///< "act1.output", or the layer whose accumulator this is
  core::Shape shape;  ///< of a sample
  Cell cell = Cell::kS8;
  int bits = 8;
  std::int32_t low = -128, high = 127;  ///< no value lies outside
  std::int32_t zero_point = 0;
  std::vector<float> scale{1.0F};  ///< [1], or one for each channel (axis 0 of the sample)
};

/// acc → clamp(requantize(acc) + zero_point, low, high), with one multiplier or one for each channel. Or, with thresholds and
/// no multipliers, acc → low + how many of its high − low thresholds it reaches.
struct Requant {
  std::vector<Multiplier> multipliers;
  RequantMode mode = RequantMode::kSingle;
  std::int32_t zero_point = 0, low = -128, high = 127;
  std::optional<Thresholds> thresholds{};

  [[nodiscard]] std::int64_t steps() const noexcept { return std::int64_t{high} - low; }
};

/// Integers of a weight. An unsigned grid is shifted by 2^(bits−1), values and zero points alike, so that all are signed.
struct ProgramWeight {
  core::Shape shape;                      ///< [out, in] or [out, in/groups, kh, kw]
  int bits = 8;                           ///< 2–8; as many are stored
  std::vector<std::int8_t> values;        ///< row-major, in [−2^(bits−1), 2^(bits−1)−1]
  std::vector<std::int32_t> zero_points;  ///< of these values: [out], in the same range, or empty if all are 0
};

namespace program {

/// float32 samples → integers: clamp(round(x/scale) + zero_point). The only instruction that sees a float.
struct Quantize {
  QParams params;
};
/// acc[o] = bias[o] + Σ (x − zero_x)·(w − zero_w). With `requant` the result is that of the accumulator.
struct Linear {
  ProgramWeight weight;
  std::vector<std::int32_t> bias;  ///< [out]
  std::optional<Requant> requant;
};
/// The same over windows; cells outside of the image count as zero_x.
struct Conv2d {
  ProgramWeight weight;
  std::vector<std::int32_t> bias;
  std::array<std::int64_t, 2> stride, padding, dilation;
  std::int64_t groups;
  std::optional<Requant> requant;
};
struct Requantize {
  Requant requant;
};
/// clamp(q, low, high): ReLU, ReLU6 and clamp.
struct Clamp {
  std::int32_t low, high;
};
struct MaxPool2d {
  std::array<std::int64_t, 2> size, stride, padding;
};
/// round(Σ (q − z) / cells inside the image) + z, rounded as `rounding` says.
struct AvgPool2d {
  std::array<std::int64_t, 2> size, stride, padding;
  Rounding rounding;
};
struct GlobalAvgPool2d {
  Rounding rounding;
};
/// clamp(round_half_away(((a − zero_a)·m_a + (b − zero_b)·m_b)·2^−shift) + zero_point, low, high); the multipliers hold one
/// number or one for each channel; the sum lies below 2^62 and 0 ≤ shift ≤ 62.
struct Add {
  std::vector<std::int64_t> multiplier_a, multiplier_b;
  std::int32_t shift;
  std::int32_t zero_point, low, high;
};
/// Inputs one after the other along the channels, each requantized to the output's scale (none: they have it already).
struct Concat {
  std::vector<std::optional<Requant>> requants;
};
struct Reshape {};
/// y = table[q − low of the input].
struct Lookup {
  std::vector<std::int32_t> table;
};

using Operation = std::variant<Quantize, Linear, Conv2d, Requantize, Clamp, MaxPool2d, AvgPool2d, GlobalAvgPool2d, Add,
                               Concat, Reshape, Lookup>;
/// In the order of Operation: the words of program files and profiles.
inline constexpr std::array<std::string_view, 12> kOperationNames{
    "quantize",          "linear", "conv2d", "requantize", "clamp", "max_pool2d", "avg_pool2d",
    "global_avg_pool2d", "add",    "concat", "reshape",    "lookup"};
static_assert(kOperationNames.size() == std::variant_size_v<Operation>);

}  // namespace program

struct Instruction {
  program::Operation operation;
  std::string layer;        ///< label, for error texts
  std::vector<int> inputs;  ///< buffers; none for Quantize
  int output = 0;           ///< buffer
};

/// Instructions in order, each buffer written once and read after that; the last one's output is the logits, whose real values are (q − zero_point)·scale.
struct Program {
  std::vector<ProgramBuffer> buffers;
  std::vector<Instruction> instructions;
  core::Shape input;                            ///< shape of a sample
  std::map<std::string, std::string> metadata;  ///< input pipeline, labels, config: as in model files
};

/// Throws UnsupportedError or Error naming the instruction if anything in it breaks a rule: buffers out of order or of the
/// wrong shape or range, multipliers out of range, accumulators that could overflow. What passes can be run on any input.
void check(const Program& program);

}  // namespace tempera::quant
