#include "tempera/core/profile.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tempera::core {

constinit thread_local Profile* detail::profile = nullptr;

std::string_view phase_name(Phase phase) noexcept {
  switch (phase) {
    case Phase::kForward:
      return "forward";
    case Phase::kBackward:
      return "backward";
    case Phase::kUpdate:
      return "update";
    case Phase::kData:
      return "data";
    case Phase::kOutside:
      break;
  }
  return "outside";
}

std::int64_t Profile::steady_nanoseconds() noexcept {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Profile::start() {
  entries_.clear();
  flop_ = 0;
  start_ = last_ = clock_();
}

void Profile::lap(Phase phase, std::string_view scope, std::string_view op) {
  const std::int64_t now = clock_();
  ProfileEntry& found = entry(phase, scope, op);
  ++found.calls;
  found.nanoseconds += now - std::exchange(last_, now);
  found.flop += std::exchange(flop_, 0);
}

// A model has a few dozen entries: looking through them costs less than hashing their names.
ProfileEntry& Profile::entry(Phase phase, std::string_view scope, std::string_view op) {
  const auto found = std::ranges::find_if(
      entries_, [&](const ProfileEntry& e) { return e.phase == phase && e.op == op && e.scope == scope; });
  if (found != entries_.end()) return *found;
  return entries_.emplace_back(ProfileEntry{.phase = phase, .scope = std::string(scope), .op = std::string(op)});
}

Profiling::Profiling(Profile& profile) : previous_(std::exchange(detail::profile, &profile)) { profile.start(); }
Profiling::~Profiling() { detail::profile = previous_; }

}  // namespace tempera::core
