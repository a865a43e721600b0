// A verb of the command line and its options. CLI11, which does the work, is slow to compile: the files of verbs see this.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tempera::cli {

/// An option that a verb has.
class Option {
 public:
  explicit Option(CLI::Option* option) noexcept : option_(option) {}

  Option& required();
  /// What --help calls the value: "--threads N".
  Option& value_name(const std::string& name);
  Option& one_of(const std::vector<std::string>& words);
  Option& whole_between(std::int64_t least, std::int64_t most);
  /// Unlike CLI11's own check it refuses "nan".
  Option& number_between(double least, double most);
  /// For a list: one value each time it is given, so that what follows is no part of it.
  Option& one_at_a_time();
  Option& needs(const Option& other);
  Option& excludes(const Option& other);

 private:
  CLI::Option* option_;
};

/// A verb, or the program as the parent of its verbs. What options are read into must live until the action has run.
class Verb {
 public:
  explicit Verb(CLI::App& app) noexcept : app_(&app) {}

  /// Adds a verb to this one.
  [[nodiscard]] Verb verb(const std::string& name, const std::string& help);
  /// This is nothing without one of its verbs.
  void require_verb();
  void when_called(std::function<void()> action);

  /// Adds "--name", or without the dashes an argument that is known by its place. Texts that are empty are refused.
  Option option(const std::string& name, std::string& value, const std::string& help);
  Option option(const std::string& name, std::optional<std::string>& value, const std::string& help);
  Option option(const std::string& name, std::vector<std::string>& values, const std::string& help);
  Option option(const std::string& name, std::int64_t& value, const std::string& help);
  Option option(const std::string& name, double& value, const std::string& help);
  Option flag(const std::string& name, bool& value, const std::string& help);

 private:
  CLI::App* app_;
};

}  // namespace tempera::cli
