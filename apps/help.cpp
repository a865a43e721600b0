#include "tempera/apps/help.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tempera/core/config/nearest.hpp"

namespace tempera::cli {
namespace {

// An option with the name of its value alone: "--threads N" where CLI11 would add type, limits and exclusions, which the
// line of help says in words.
class HelpFormat final : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    if (!option->get_option_text().empty()) return " " + option->get_option_text();
    if (option->get_type_size() == 0) return "";
    const std::string type = option->get_type_name();
    const std::string name = type.substr(0, type.find(':'));
    const bool named = name != "TEXT" && !option->get_positional();
    return fmt::format("{}{}", named ? " " + name : "", option->get_expected_max() > 1 ? " ..." : "");
  }

  std::string make_subcommands(const CLI::App* app, CLI::AppFormatMode mode) const override {
    std::string text = CLI::Formatter::make_subcommands(app, mode);
    const std::string heading = "Subcommands:";
    const auto at = text.find(heading);
    return at == std::string::npos ? text : text.replace(at, heading.size(), "Verbs:");
  }
};

// The innermost verb that the command line reached.
const CLI::App& reached(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : reached(*parsed.front());
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> verbs_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(verb->get_name());
  return names;
}

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string about_verb(const CLI::App& app) {
  const std::vector<std::string> rest = app.remaining();
  if (rest.empty()) return fmt::format("{} needs a verb{}", full_name(app), core::suggestion("", verbs_of(app)));
  return fmt::format("{} has no verb \"{}\"{}", full_name(app), rest.front(),
                     core::suggestion(rest.front(), verbs_of(app)));
}

std::string about_extras(const CLI::App& app) {
  const std::vector<std::string> rest = app.remaining();
  const auto option = std::ranges::find_if(rest, [](const std::string& word) { return word.starts_with("--"); });
  if (option == rest.end()) return fmt::format("{} does not take \"{}\"", full_name(app), rest.front());
  return fmt::format("{} has no option {}{}", full_name(app), *option, core::suggestion(*option, options_of(app)));
}

std::string misuse(const CLI::App* app, const CLI::Error& error) {
  const CLI::App& verb = reached(*app);
  const auto is = [&error](CLI::ExitCodes code) { return error.get_exit_code() == static_cast<int>(code); };
  std::string text = error.what();
  if (is(CLI::ExitCodes::RequiredError) && !verbs_of(verb).empty()) text = about_verb(verb);
  if (is(CLI::ExitCodes::ExtrasError) && !verb.remaining().empty()) text = about_extras(verb);
  return fmt::format("error: {}\n`{} --help` says more\n", text, full_name(verb));
}

}  // namespace

bool names_unknown_verb(const CLI::App& app) {
  const CLI::App& verb = reached(app);
  const std::vector<std::string> rest = verb.remaining();
  return !verbs_of(verb).empty() && !rest.empty() && !rest.front().starts_with("-");
}

void style_help(CLI::App& app) {
  constexpr std::size_t kColumn = 36;
  const auto format = std::make_shared<HelpFormat>();
  format->column_width(kColumn);
  format->label("SUBCOMMAND", "VERB");
  format->label("Positionals", "Arguments");
  app.formatter(format);
  app.set_help_flag("-h,--help", "print this");
  app.failure_message(misuse);
}

}  // namespace tempera::cli
