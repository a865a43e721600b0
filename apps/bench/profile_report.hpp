// What a profile says, as a table and as a document.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tempera/core/profile.hpp"

namespace tempera::cli::bench {

/// Facts a profile needs to be read.
struct ProfileContext {
  std::int64_t steps = 1;  ///< that the profile covers
  std::int64_t batch = 1;
  double peak = 0;  ///< float operations a second
};

/// {"steps", "us_per_step", "samples_per_s", "gflop_per_s", "peak_gflop_per_s", "share_of_peak", "phases": {"forward": share…},
///  "operations": [{"phase", "scope", "op", "calls_per_step", "us_per_step", "share", and where the operation declares its
///  work "mflop_per_step", "gflop_per_s", "share_of_peak"}…]}, the longest first. Shares are of 1.
[[nodiscard]] nlohmann::ordered_json profile_json(const core::Profile& profile, const ProfileContext& context);

/// The same for people.
[[nodiscard]] std::string profile_text(const core::Profile& profile, const ProfileContext& context);

}  // namespace tempera::cli::bench
