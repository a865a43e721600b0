// The errors tempera throws. Every one carries facts as members, so that a program can react to them, and a what()
// that states the rule, what was received, and where. The library never prints, exits or aborts on input.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tempera::core {

/// Base of all errors of the project.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes that do not fit an operation or a layer, or an index outside of a shape.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// One thing wrong in a configuration.
struct ConfigIssue {
  std::string file;     ///< the file it came from; "--set" for command-line overrides; empty if made in memory
  int line = 0;         ///< 1-based line in that file; 0 if unknown
  std::string pointer;  ///< JSON pointer (RFC 6901) of the offending value, e.g. "/train/epochs"
  std::string message;  ///< rule and what was received
  /// "file:line: /pointer: message", with the parts that are unknown left out.
  [[nodiscard]] std::string text() const;
};

/// A configuration that breaks rules. All issues found are listed, not only the first. The program exits with 2.
class ConfigError : public Error {
 public:
  explicit ConfigError(std::vector<ConfigIssue> issues);
  explicit ConfigError(const std::string& message);  ///< a single issue without place
  [[nodiscard]] const std::vector<ConfigIssue>& issues() const noexcept { return issues_; }

 private:
  std::vector<ConfigIssue> issues_;
};

/// Data files that are missing, damaged, or not what they claim to be.
class DataError : public Error {
 public:
  DataError(std::string file, std::int64_t offset, const std::string& message);
  DataError(std::string file, const std::string& message);
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] std::int64_t offset() const noexcept { return offset_; }  ///< byte offset; -1 if it has none

 private:
  std::string file_;
  std::int64_t offset_ = -1;
};

/// A model or checkpoint file that is damaged, of another version, or of another model.
class CheckpointError : public Error {
 public:
  CheckpointError(std::string file, const std::string& message);
  [[nodiscard]] const std::string& file() const noexcept { return file_; }

 private:
  std::string file_;
};

/// A value that is not a number, or infinite, where the computation cannot go on.
class NumericError : public Error {
 public:
  NumericError(std::string where, std::int64_t step, const std::string& message);
  [[nodiscard]] const std::string& where() const noexcept { return where_; }  ///< the first node that went wrong
  [[nodiscard]] std::int64_t step() const noexcept { return step_; }          ///< training step, -1 outside training
  [[nodiscard]] const std::string& rule() const noexcept { return rule_; }    ///< what() without the two

 private:
  std::string where_;
  std::int64_t step_;
  std::string rule_;
};

/// Something the program, the format or this processor does not support.
class UnsupportedError : public Error {
 public:
  UnsupportedError(std::string what, const std::string& reason);
  [[nodiscard]] const std::string& subject() const noexcept { return subject_; }

 private:
  std::string subject_;
};

/// A file or folder that could not be read or written (permissions, disk full, missing).
class FileError : public Error {
 public:
  FileError(std::string file, const std::string& message);
  [[nodiscard]] const std::string& file() const noexcept { return file_; }

 private:
  std::string file_;
};

/// Work stopped at the user's wish (Ctrl-C). State was saved. The program exits with 130.
class Interrupted : public Error {
 public:
  using Error::Error;
};

}  // namespace tempera::core
