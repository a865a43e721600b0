#include "tempera/datasets/download.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include "tempera/core/errors.hpp"
#include "tempera/datasets/file_handle.hpp"

namespace tempera::data {
namespace {

constexpr long kConnectSeconds = 10;
constexpr long kStalledSeconds = 30;
constexpr long kRangeNotSatisfiable = 416;

struct Transfer {
  const DownloadRequest* request;
  const Environment* environment;
  int descriptor;
  std::int64_t resumed_at;
  std::int64_t received = 0;
  bool interrupted = false;
  std::string problem;  // of our own: a full disk, a file too long
};

std::size_t on_bytes(const char* data, std::size_t size, std::size_t count, void* raw) {
  auto& transfer = *static_cast<Transfer*>(raw);
  const std::size_t bytes = size * count;
  transfer.received += static_cast<std::int64_t>(bytes);
  if (transfer.resumed_at + transfer.received > transfer.request->max_bytes) {
    transfer.problem = fmt::format("the file has more than {} bytes", transfer.request->max_bytes);
    return 0;
  }
  const ssize_t written = ::write(transfer.descriptor, data, bytes);
  if (written != static_cast<ssize_t>(bytes)) {
    transfer.problem = fmt::format("cannot write {}: {}", transfer.request->part.string(),
                                   std::generic_category().message(written < 0 ? errno : ENOSPC));
    return 0;
  }
  return bytes;
}

int on_progress(void* raw, curl_off_t total, curl_off_t done, curl_off_t /*up*/, curl_off_t /*uploaded*/) {
  auto& transfer = *static_cast<Transfer*>(raw);
  if (!transfer.environment->progress) return 0;
  const std::int64_t whole = total > 0 ? total + transfer.resumed_at : 0;
  transfer.interrupted = !transfer.environment->progress(transfer.request->url, done + transfer.resumed_at, whole);
  return transfer.interrupted ? 1 : 0;
}

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

Handle make_handle(Transfer& transfer, std::array<char, CURL_ERROR_SIZE>& error) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  Handle handle(ready == CURLE_OK ? curl_easy_init() : nullptr, &curl_easy_cleanup);
  if (!handle) throw core::UnsupportedError("download", "libcurl could not be started");
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_URL, transfer.request->url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
  curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.resumed_at));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  return handle;
}

struct Outcome {
  std::optional<std::string> problem;
  bool cannot_resume = false;
};

Outcome attempt(const DownloadRequest& request, const Environment& environment, const FileHandle& file) {
  struct stat facts = {};
  if (::fstat(file.get(), &facts) != 0) return {.problem = std::generic_category().message(errno)};
  Transfer transfer{&request, &environment, file.get(), facts.st_size};
  std::array<char, CURL_ERROR_SIZE> error{};
  const Handle handle = make_handle(transfer, error);
  const CURLcode code = curl_easy_perform(handle.get());
  if (transfer.interrupted) throw core::Interrupted(fmt::format("the download of {} was stopped", request.url));
  if (code == CURLE_OK) return {};
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  const bool refused =
      code == CURLE_RANGE_ERROR || (code == CURLE_HTTP_RETURNED_ERROR && status == kRangeNotSatisfiable);
  if (!transfer.problem.empty()) return {.problem = transfer.problem};
  return {.problem = error[0] != '\0' ? std::string(error.data()) : curl_easy_strerror(code),
          .cannot_resume = transfer.resumed_at > 0 && refused};
}

}  // namespace

std::optional<std::string> download(const DownloadRequest& request, const Environment& environment) {
  const FileHandle file(::open(request.part.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!file) return fmt::format("cannot write {}: {}", request.part.string(), std::generic_category().message(errno));
  Outcome outcome = attempt(request, environment, file);
  if (outcome.cannot_resume && ::ftruncate(file.get(), 0) == 0) outcome = attempt(request, environment, file);
  if (!outcome.problem && ::fsync(file.get()) != 0) outcome.problem = std::generic_category().message(errno);
  return outcome.problem;
}

}  // namespace tempera::data
