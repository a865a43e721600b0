#include "process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <utility>

namespace program {
namespace fs = std::filesystem;
namespace {

constexpr auto kLongest = std::chrono::minutes(2);
constexpr auto kPause = std::chrono::milliseconds(1);

std::vector<std::string> environment_of(const Start& start) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (!text.starts_with("TEMPERA_") && !text.starts_with("NO_COLOR=")) all.emplace_back(text);
  }
  for (const auto& [name, value] : start.environment) {
    std::erase_if(all, [&](const std::string& text) { return text.starts_with(name + "="); });
    all.push_back(name + "=" + value);
  }
  return all;
}

std::vector<std::string> command_of(const Start& start) {
  std::vector<std::string> all;
  if (!start.shell.empty()) all = {"/bin/sh", "-c", start.shell + "; exec \"$0\" \"$@\""};
  all.emplace_back(TEMPERA_PROGRAM);
  all.insert(all.end(), start.arguments.begin(), start.arguments.end());
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// Our end of a terminal, and the name of the other end.
std::pair<int, std::string> open_terminal(const Start& start) {
  const int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (ours < 0 || grantpt(ours) != 0 || unlockpt(ours) != 0) throw std::runtime_error("no terminal to be had");
  const winsize size{.ws_row = start.rows, .ws_col = start.columns, .ws_xpixel = 0, .ws_ypixel = 0};
  if (ioctl(ours, TIOCSWINSZ, &size) != 0) throw std::runtime_error("the terminal takes no size");
  return {ours, ptsname(ours)};
}

}  // namespace

Process::Process(const Start& start)
    : out_(start.out.empty() ? output_ / "out" : fs::path(start.out)), err_(output_ / "err") {
  std::string errors = err_.string();
  if (start.terminal) std::tie(terminal_, errors) = open_terminal(start);
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(), O_WRONLY | O_CREAT | O_NOCTTY, 0600);
  posix_spawn_file_actions_addchdir_np(&actions, start.folder.c_str());
  std::vector<std::string> command = command_of(start);
  std::vector<std::string> environment = environment_of(start);
  const int error = posix_spawn(&id_, command.front().c_str(), &actions, nullptr, pointers(command).data(),
                                pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + command.front());
}

Process::~Process() {
  if (!ended_) {
    send(SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  if (terminal_ >= 0) ::close(terminal_);
}

// A terminal holds about 4000 characters; then whoever writes to it waits.
void Process::read_terminal() {
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(terminal_, buffer, sizeof buffer)) > 0;)
    shown_.append(buffer, static_cast<std::size_t>(n));
}

bool Process::ended() {
  if (terminal_ >= 0) read_terminal();
  if (!ended_) ended_ = ::waitpid(id_, &status_, WNOHANG) == id_;
  return ended_;
}

bool Process::says(std::string_view text) {
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  while (std::chrono::steady_clock::now() < deadline) {
    const bool last_look = ended();
    if ((terminal_ >= 0 ? shown_ : content(err_)).find(text) != std::string::npos) return true;
    if (last_look) return false;
    std::this_thread::sleep_for(kPause);
  }
  throw std::runtime_error("the program says nothing of \"" + std::string(text) + "\"");
}

void Process::send(int signal) const { ::kill(id_, signal); }

Finished Process::finish() {
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  while (!ended()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the program does not come to an end");
    std::this_thread::sleep_for(kPause);
  }
  const int status = WIFSIGNALED(status_) ? -WTERMSIG(status_) : WEXITSTATUS(status_);
  const std::string out = fs::is_regular_file(out_) ? content(out_) : "";
  if (terminal_ >= 0) read_terminal();
  return {.status = status, .out = out, .err = terminal_ >= 0 ? shown_ : content(err_)};
}

Finished run(const Start& start) { return Process(start).finish(); }

Finished run_tempera(std::vector<std::string> arguments) { return run({.arguments = std::move(arguments)}); }

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) all.push_back(fs::relative(entry.path(), folder).string());
  }
  std::ranges::sort(all);
  return all;
}

std::vector<std::string> leftovers(const fs::path& folder) {
  std::vector<std::string> all = files_below(folder);
  std::erase_if(all, [](const std::string& name) { return !name.ends_with(".tmp"); });
  return all;
}

}  // namespace program
