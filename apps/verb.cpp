#include "tempera/apps/verb.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <utility>

namespace tempera::cli {
namespace {

// An empty word is a shell's variable that was not set, not a wish for the default.
Option filled(CLI::Option* option) {
  option->check([](const std::string& text) { return text.empty() ? "must not be empty" : std::string(); });
  return Option(option);
}

}  // namespace

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::value_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

Option& Option::one_of(const std::vector<std::string>& words) {
  option_->check(CLI::IsMember(words));
  return *this;
}

Option& Option::whole_between(std::int64_t least, std::int64_t most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option& Option::number_between(double least, double most) {
  option_->check([least, most](const std::string& text) {
    double value = 0;
    const bool number = CLI::detail::lexical_cast(text, value);
    if (number && value >= least && value <= most) return std::string();
    return fmt::format("must be a number from {} to {}, got {}", least, most, text);
  });
  return *this;
}

Option& Option::one_at_a_time() {
  option_->allow_extra_args(false);
  return *this;
}

Option& Option::needs(const Option& other) {
  option_->needs(other.option_);
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

Verb Verb::verb(const std::string& name, const std::string& help) { return Verb(*app_->add_subcommand(name, help)); }

void Verb::require_verb() { app_->require_subcommand(1); }

void Verb::when_called(std::function<void()> action) { app_->callback(std::move(action)); }

Option Verb::option(const std::string& name, std::string& value, const std::string& help) {
  return filled(app_->add_option(name, value, help));
}

Option Verb::option(const std::string& name, std::optional<std::string>& value, const std::string& help) {
  return filled(app_->add_option(name, value, help));
}

Option Verb::option(const std::string& name, std::vector<std::string>& values, const std::string& help) {
  return filled(app_->add_option(name, values, help));
}

Option Verb::option(const std::string& name, std::int64_t& value, const std::string& help) {
  return Option(app_->add_option(name, value, help));
}

Option Verb::option(const std::string& name, double& value, const std::string& help) {
  return Option(app_->add_option(name, value, help));
}

Option Verb::flag(const std::string& name, bool& value, const std::string& help) {
  return Option(app_->add_flag(name, value, help));
}

}  // namespace tempera::cli
