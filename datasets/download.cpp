#include "tempera/datasets/download.hpp"

#include <curl/curl.h>
#include <dlfcn.h>
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

// libcurl, loaded when something is downloaded: with the thirty libraries that it needs itself, a program that is linked to it
// takes three times as long to start.
class Curl {
 public:
  /// Throws UnsupportedError if it is not installed.
  static const Curl& instance() {
    static const Curl loaded;
    return loaded;
  }

  decltype(&curl_global_init) global_init = find<decltype(&curl_global_init)>("curl_global_init");
  decltype(&curl_easy_init) easy_init = find<decltype(&curl_easy_init)>("curl_easy_init");
  decltype(&curl_easy_setopt) set = find<decltype(&curl_easy_setopt)>("curl_easy_setopt");
  decltype(&curl_easy_perform) perform = find<decltype(&curl_easy_perform)>("curl_easy_perform");
  decltype(&curl_easy_getinfo) get = find<decltype(&curl_easy_getinfo)>("curl_easy_getinfo");
  decltype(&curl_easy_cleanup) cleanup = find<decltype(&curl_easy_cleanup)>("curl_easy_cleanup");
  decltype(&curl_easy_strerror) text = find<decltype(&curl_easy_strerror)>("curl_easy_strerror");

 private:
  Curl() = default;

  template <class Function>
  static Function find(const char* name) {
    static void* const library = ::dlopen(TEMPERA_LIBCURL, RTLD_NOW | RTLD_LOCAL);
    void* found = library == nullptr ? nullptr : ::dlsym(library, name);
    if (found == nullptr) throw core::UnsupportedError("download", ::dlerror());
    return reinterpret_cast<Function>(found);
  }
};

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

Handle make_handle(Transfer& transfer, std::array<char, CURL_ERROR_SIZE>& error) {
  const Curl& library = Curl::instance();
  static const CURLcode ready = library.global_init(CURL_GLOBAL_DEFAULT);
  Handle handle(ready == CURLE_OK ? library.easy_init() : nullptr, library.cleanup);
  if (!handle) throw core::UnsupportedError("download", "libcurl could not be started");
  CURL* curl = handle.get();
  library.set(curl, CURLOPT_URL, transfer.request->url.c_str());
  library.set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  library.set(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  library.set(curl, CURLOPT_FOLLOWLOCATION, 1L);
  library.set(curl, CURLOPT_MAXREDIRS, 5L);
  library.set(curl, CURLOPT_FAILONERROR, 1L);
  library.set(curl, CURLOPT_NOSIGNAL, 1L);
  library.set(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  library.set(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  library.set(curl, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
  library.set(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.resumed_at));
  library.set(curl, CURLOPT_ERRORBUFFER, error.data());
  library.set(curl, CURLOPT_WRITEFUNCTION, &on_bytes);
  library.set(curl, CURLOPT_WRITEDATA, &transfer);
  library.set(curl, CURLOPT_NOPROGRESS, 0L);
  library.set(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
  library.set(curl, CURLOPT_XFERINFODATA, &transfer);
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
  const CURLcode code = Curl::instance().perform(handle.get());
  if (transfer.interrupted) throw core::Interrupted(fmt::format("the download of {} was stopped", request.url));
  if (code == CURLE_OK) return {};
  long status = 0;
  Curl::instance().get(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  const bool refused =
      code == CURLE_RANGE_ERROR || (code == CURLE_HTTP_RETURNED_ERROR && status == kRangeNotSatisfiable);
  if (!transfer.problem.empty()) return {.problem = transfer.problem};
  return {.problem = error[0] != '\0' ? std::string(error.data()) : Curl::instance().text(code),
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
