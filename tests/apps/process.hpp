// The program as its users have it: a process with arguments, environment, files for its output, and an exit status.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/temporary_folder.hpp"

namespace program {

/// What a process left behind.
struct Finished {
  int status = 0;  ///< exit status; a signal that ended the process is negative (-9 after kill -9)
  std::string out, err;
};

/// How to start it. Variables that steer tempera (NO_COLOR, TEMPERA_…) reach the process only from `environment`.
struct Start {
  std::vector<std::string> arguments;              ///< after the program's name
  std::map<std::string, std::string> environment;  ///< added to the test's own
  std::filesystem::path folder = ".";              ///< working folder
  std::string shell;                       ///< run by sh before the program takes its place, such as "ulimit -f 8"
  std::string out;                         ///< file for stdout instead of one that is read back, such as /dev/full
  bool terminal = false;                   ///< stderr is a terminal
  unsigned short columns = 80, rows = 24;  ///< of that terminal
};

/// A process that is running. Killed with the object.
class Process {
 public:
  explicit Process(const Start& start);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  /// Returns once stderr has `text`; false if the process ended without it.
  [[nodiscard]] bool says(std::string_view text);
  void send(int signal) const;
  /// Waits for the end. Throws after two minutes: no test lets the program work for that long.
  Finished finish();

 private:
  bool ended();
  void read_terminal();

  TemporaryFolder output_;
  std::filesystem::path out_, err_;
  pid_t id_ = -1;
  int terminal_ = -1;  // our end of it
  std::string shown_;  // what came out of there
  int status_ = 0;
  bool ended_ = false;
};

/// Starts tempera and waits for its end.
Finished run(const Start& start);
Finished run_tempera(std::vector<std::string> arguments);

/// The whole content of a file. Throws if it cannot be read.
[[nodiscard]] std::string content(const std::filesystem::path& file);
/// Files below `folder`, as paths relative to it, in order.
[[nodiscard]] std::vector<std::string> files_below(const std::filesystem::path& folder);
/// Names of half-written files below `folder`.
[[nodiscard]] std::vector<std::string> leftovers(const std::filesystem::path& folder);

}  // namespace program
