// One file over HTTP(S), resumable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "tempera/datasets/environment.hpp"

namespace tempera::data {

struct DownloadRequest {
  std::string url;
  std::filesystem::path part;                      ///< what is there already is kept, and the rest asked for
  std::int64_t max_bytes = std::int64_t{1} << 28;  ///< more than this is refused
};

/// Appends to `part` until the server's file is complete. Proxies are taken from the environment as libcurl does
/// (https_proxy, no_proxy, …). A server that cannot resume, or whose file is not longer than the part, makes it start
/// anew. Returns what went wrong, or nothing. Throws core::Interrupted if `progress` says so.
[[nodiscard]] std::optional<std::string> download(const DownloadRequest& request, const Environment& environment);

}  // namespace tempera::data
