#include "tempera/apps/report/chart/bitmap.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <cstdint>
#include <string_view>

#include "tempera/apps/report/base64.hpp"
#include "tempera/apps/report/text.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli::report {
namespace {

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFFU);
}

void append_chunk(std::string& out, std::string_view type, std::string_view content) {
  append_u32(out, static_cast<std::uint32_t>(content.size()));
  std::string body(type);
  body += content;
  out += body;
  append_u32(out, static_cast<std::uint32_t>(
                      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()))));
}

std::string deflated(const std::string& raw) {
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  std::string out(size, '\0');
  // compress2 fails only on a buffer smaller than compressBound, or without memory.
  if (compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(raw.data()),
                static_cast<uLong>(raw.size()), Z_BEST_COMPRESSION) != Z_OK) {
    throw core::Error("report: a picture could not be compressed (out of memory)");
  }
  out.resize(size);
  return out;
}

std::string png(const Picture& picture) {
  std::string out = "\x89PNG\r\n\x1A\n";
  std::string header;
  append_u32(header, static_cast<std::uint32_t>(picture.width));
  append_u32(header, static_cast<std::uint32_t>(picture.height));
  header += std::string_view("\x08\0\0\0\0", 5);  // 8 bits, grey, deflate, no interlace
  append_chunk(out, "IHDR", header);
  std::string rows;
  for (std::int64_t row = 0; row < picture.height; ++row) {
    rows += '\0';  // filter type: none
    for (std::int64_t column = 0; column < picture.width; ++column) {
      rows += static_cast<char>(picture.pixels[static_cast<std::size_t>(row * picture.width + column)]);
    }
  }
  append_chunk(out, "IDAT", deflated(rows));
  append_chunk(out, "IEND", {});
  return out;
}

}  // namespace

std::string png_data_uri(const Picture& picture) {
  if (picture.pixels.empty()) return {};
  if (picture.height < 1 || picture.width < 1 ||
      static_cast<std::int64_t>(picture.pixels.size()) != picture.height * picture.width) {
    throw core::DataError("report picture", fmt::format("a picture needs height × width pixels, got {} for {} × {}",
                                                        picture.pixels.size(), picture.height, picture.width));
  }
  return "data:image/png;base64," + base64(png(picture));
}

std::string image(const Picture& picture, const std::string& alt) {
  const std::string uri = png_data_uri(picture);
  if (uri.empty()) return {};
  return fmt::format("<img class=\"digit\" width=\"{}\" height=\"{}\" src=\"{}\" alt=\"{}\">", picture.width * 3,
                     picture.height * 3, uri, escape(alt));
}

}  // namespace tempera::cli::report
