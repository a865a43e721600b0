// Runs of neighbouring elements that share a scale.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tempera/core/parallel.hpp"
#include "tempera/core/shape.hpp"
#include "tempera/quant/qparams.hpp"

namespace tempera::quant {

inline constexpr std::int64_t kRunGrain = 8192;  ///< elements that one thread takes at a time

/// Elements of each run but the last of a row, and how many runs a row (an output channel) has.
struct RunLengths {
  std::int64_t row, length, per_row;
};
[[nodiscard]] inline RunLengths run_lengths(const core::Shape& shape, const QParams& params) noexcept {
  const std::int64_t row = shape.numel() / std::max<std::int64_t>(1, shape[0]);
  const std::int64_t length = params.granularity == Granularity::kGroup ? params.group : row;
  return {row, length, (row + length - 1) / length};
}

/// The elements of the run of a slot: [begin, end).
struct RunBounds {
  std::int64_t begin, end;
};
[[nodiscard]] inline RunBounds run_of(const RunLengths& runs, std::int64_t slot) noexcept {
  const std::int64_t row = slot / runs.per_row * runs.row, begin = row + slot % runs.per_row * runs.length;
  return {begin, std::min(begin + runs.length, row + runs.row)};
}

/// Calls share(runs, first, last) on several threads, for runs of more than one scale.
template <class Share>
void each_share_of_runs(const core::Shape& shape, const QParams& params, Share share) {
  if (shape.numel() == 0) return;
  const RunLengths runs = run_lengths(shape, params);
  const std::int64_t grain = std::max<std::int64_t>(1, kRunGrain / runs.length);
  core::parallel_for(shape[0] * runs.per_row, grain,
                     [&](std::int64_t first, std::int64_t last) { share(runs, first, last); });
}

/// Calls piece(begin, end, slot) on several threads. A run of one scale for all elements is cut by kRunGrain.
template <class Piece>
void each_run(const core::Shape& shape, const QParams& params, Piece piece) {
  const std::int64_t n = shape.numel();
  if (n == 0) return;
  if (params.scale.size() == 1) {
    core::parallel_for(n, kRunGrain, [&](std::int64_t begin, std::int64_t end) { piece(begin, end, std::size_t{0}); });
    return;
  }
  each_share_of_runs(shape, params, [&](const RunLengths& runs, std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      const RunBounds run = run_of(runs, r);
      piece(run.begin, run.end, static_cast<std::size_t>(r));
    }
  });
}

}  // namespace tempera::quant
