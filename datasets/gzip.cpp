#include "tempera/datasets/gzip.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <new>
#include <utility>

#include "tempera/core/errors.hpp"

namespace tempera::data {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 30;  // zlib counts in 32 bits
constexpr int kGzipOnly = 16 + MAX_WBITS;

}  // namespace

bool is_gzip(std::span<const std::uint8_t> bytes) noexcept {
  return bytes.size() >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
}

GzipReader::GzipReader(std::span<const std::uint8_t> compressed, std::string file)
    : compressed_(compressed), file_(std::move(file)), stream_(std::make_unique<z_stream>()) {
  if (inflateInit2(stream_.get(), kGzipOnly) != Z_OK) throw std::bad_alloc();
}

GzipReader::~GzipReader() { inflateEnd(stream_.get()); }

std::size_t GzipReader::read(std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size() && !ended_) {
    feed();
    const std::size_t wanted = std::min(out.size() - done, kChunk);
    stream_->next_out = out.data() + done;
    stream_->avail_out = static_cast<uInt>(wanted);
    const int status = inflate(stream_.get(), Z_NO_FLUSH);
    done += wanted - stream_->avail_out;
    if (status == Z_STREAM_END) {
      finish_member();
    } else if (status == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (status == Z_DATA_ERROR || status == Z_NEED_DICT) {
      fail(fmt::format("the gzip stream is damaged ({})",
                       stream_->msg != nullptr ? stream_->msg : "needs a dictionary"));
    } else if (stream_->avail_in == 0 && fed_ == compressed_.size() && stream_->avail_out > 0) {
      fail("the gzip stream ends early: the file is truncated");
    }
  }
  return done;
}

void GzipReader::feed() {
  if (stream_->avail_in > 0) return;
  const std::size_t count = std::min(compressed_.size() - fed_, kChunk);
  // zlib's interface is not const-correct; it does not write to its input.
  stream_->next_in = const_cast<Bytef*>(compressed_.data() + fed_);
  stream_->avail_in = static_cast<uInt>(count);
  fed_ += count;
}

void GzipReader::finish_member() {
  const auto rest = compressed_.subspan(static_cast<std::size_t>(position()));
  if (rest.empty()) {
    ended_ = true;
  } else if (is_gzip(rest)) {
    inflateReset(stream_.get());
  } else {
    fail(fmt::format("{} bytes follow the end of the gzip stream", rest.size()));
  }
}

std::int64_t GzipReader::position() const noexcept { return static_cast<std::int64_t>(fed_) - stream_->avail_in; }

void GzipReader::fail(const std::string& message) const { throw core::DataError(file_, position(), message); }

}  // namespace tempera::data
