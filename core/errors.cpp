#include "tempera/core/errors.hpp"

#include <fmt/format.h>

#include <utility>

namespace tempera::core {
namespace {

std::string joined(const std::vector<ConfigIssue>& issues) {
  std::string text;
  for (const ConfigIssue& issue : issues) {
    if (!text.empty()) text += '\n';
    text += issue.text();
  }
  return text;
}

}  // namespace

std::string ConfigIssue::text() const {
  std::string place = file;
  if (line > 0) place += fmt::format(":{}", line);
  if (!place.empty()) place += ": ";
  if (!pointer.empty()) place += pointer + ": ";
  return place + message;
}

ConfigError::ConfigError(std::vector<ConfigIssue> issues) : Error(joined(issues)), issues_(std::move(issues)) {}

ConfigError::ConfigError(const std::string& message) : ConfigError(std::vector<ConfigIssue>{{.message = message}}) {}

DataError::DataError(std::string file, std::int64_t offset, const std::string& message)
    : Error(fmt::format("{}: at byte {}: {}", file, offset, message)), file_(std::move(file)), offset_(offset) {}

DataError::DataError(std::string file, const std::string& message)
    : Error(file.empty() ? message : fmt::format("{}: {}", file, message)), file_(std::move(file)) {}

CheckpointError::CheckpointError(std::string file, const std::string& message)
    : Error(fmt::format("{}: {}", file, message)), file_(std::move(file)) {}

NumericError::NumericError(std::string where, std::int64_t step, const std::string& message)
    : Error(step >= 0 ? fmt::format("step {}: {}: {}", step, where, message) : fmt::format("{}: {}", where, message)),
      where_(std::move(where)),
      step_(step),
      rule_(message) {}

UnsupportedError::UnsupportedError(std::string what, const std::string& reason)
    : Error(fmt::format("{}: {}", what, reason)), subject_(std::move(what)) {}

FileError::FileError(std::string file, const std::string& message)
    : Error(fmt::format("{}: {}", file, message)), file_(std::move(file)) {}

}  // namespace tempera::core
