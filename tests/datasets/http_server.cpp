#include "datasets/http_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tempera::test {
namespace {

std::string receive_head(int connection) {
  std::string head;
  char buffer[1024];
  while (head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    head.append(buffer, static_cast<std::size_t>(got));
  }
  return head;
}

void send_all(int connection, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

HttpServer::HttpServer(std::map<std::string, std::string> files, Faults faults)
    : files_(std::move(files)), faults_(faults), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 8) != 0 ||
      ::getsockname(listener_, generic, &length) != 0) {
    throw std::runtime_error("cannot listen on 127.0.0.1");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  stop_ = true;
  ::shutdown(listener_, SHUT_RDWR);  // ends accept()
  thread_.join();
  ::close(listener_);
}

std::string HttpServer::url() const { return fmt::format("http://127.0.0.1:{}/", port_); }

std::vector<std::string> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::serve() {
  while (!stop_) {
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) continue;
    answer(connection);
    ::close(connection);
  }
}

void HttpServer::answer(int connection) {
  const std::string head = receive_head(connection);
  const std::string name = head.substr(5, head.find(' ', 5) - 5);  // "GET /NAME HTTP/1.1"
  const std::size_t range = head.find("Range: bytes=");
  const std::size_t from = range == std::string::npos ? 0 : std::stoul(head.substr(range + 13));
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(from == 0 ? name : fmt::format("{} from {}", name, from));
  }
  const auto file = files_.find(name);
  const std::string closing = "Connection: close\r\n";
  if (file == files_.end())
    return send_all(connection, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n" + closing + "\r\n");
  const std::string& body = file->second;
  if (from == 0 || faults_.ignores_ranges) {
    send_all(connection, fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{}\r\n", body.size(), closing));
    const std::int64_t stop = std::exchange(faults_.breaks_after, -1);
    return send_all(connection, stop < 0 ? body : body.substr(0, static_cast<std::size_t>(stop)));
  }
  if (from >= body.size()) {
    return send_all(connection, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n" + closing + "\r\n");
  }
  send_all(connection,
           fmt::format("HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\nContent-Range: bytes {}-{}/{}\r\n{}\r\n",
                       body.size() - from, from, body.size() - 1, body.size(), closing));
  send_all(connection, body.substr(from));
}

}  // namespace tempera::test
