// A small HTTP server on 127.0.0.1 for the tests of downloads: files by name, with byte ranges, and the faults that real
// servers have.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tempera::test {

class HttpServer {
 public:
  struct Faults {
    bool ignores_ranges = false;     ///< answers 200 with the whole file
    std::int64_t breaks_after = -1;  ///< closes the connection after that many bytes of the first answer; −1 never
  };
  HttpServer(std::map<std::string, std::string> files, Faults faults);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  /// "http://127.0.0.1:PORT/"
  [[nodiscard]] std::string url() const;
  /// "NAME" or "NAME from BYTE", in the order they came.
  [[nodiscard]] std::vector<std::string> requests() const;

 private:
  void serve();
  void answer(int connection);

  std::map<std::string, std::string> files_;
  Faults faults_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace tempera::test
