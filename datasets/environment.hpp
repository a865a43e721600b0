// What the process's surroundings say about where data are.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace tempera::data {

struct Environment {
  std::optional<std::filesystem::path> data;   ///< TEMPERA_DATA
  std::optional<std::filesystem::path> cache;  ///< XDG_CACHE_HOME/tempera, else HOME/.cache/tempera
  std::optional<std::string> mirror;    ///< TEMPERA_MNIST_MIRROR: a URL of a folder, tried before the public ones
  std::filesystem::path working = ".";  ///< where ./data is looked for
  std::filesystem::path system = "/usr/share/datasets";
  bool download = true;  ///< whether the network may be used at all
  bool public_mirrors = true;
  /// Called now and then during a download: file, bytes so far, bytes in all (0: not known). Returning false stops it
  /// (core::Interrupted); what has come stays for the next attempt.
  std::function<bool(const std::string& file, std::int64_t done, std::int64_t total)> progress;

  /// Of this process. Empty variables count as unset; so does a relative XDG_CACHE_HOME, as its specification demands.
  [[nodiscard]] static Environment of_process();
};

}  // namespace tempera::data
