// Small grey pictures (digits) as PNG in a data URI.
#pragma once

#include <string>

#include "tempera/apps/report/run_data.hpp"

namespace tempera::cli::report {

/// "data:image/png;base64,…" of an 8-bit grey PNG (ISO 15948). Empty for a picture without pixels.
/// @throws core::DataError if the number of pixels is not height × width.
[[nodiscard]] std::string png_data_uri(const Picture& picture);

/// An <img> with that picture; `alt` says what it shows. Empty for a picture without pixels.
[[nodiscard]] std::string image(const Picture& picture, const std::string& alt);

}  // namespace tempera::cli::report
