#include "tempera/apps/cli.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/help.hpp"
#include "tempera/apps/standard_streams.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/apps/version.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::cli {
namespace {

// TEMPERA_ISA is looked at before any work, so that a wrong one leaves nothing behind.
void check_environment() {
  try {
    static_cast<void>(core::kernels());
  } catch (const core::UnsupportedError& error) {
    throw core::ConfigError(error.what());
  }
}

// Its exit status; errors are told and become one.
int status_of(const std::function<int()>& action) {
  try {
    const int status = action();
    finish_stdout();
    return status;
  } catch (const core::Interrupted& stop) {
    say(stop.what());
    return kInterrupted;
  } catch (const core::ConfigError& error) {
    for (const core::ConfigIssue& issue : error.issues()) complain(issue.text());
    return kUsage;
  } catch (const std::bad_alloc&) {
    complain("out of memory; a smaller train.batch or model needs less");
    return kFailed;
  } catch (const std::filesystem::filesystem_error& error) {
    const std::string path = error.path1().string(), other = error.path2().string();
    complain(path.empty()
                 ? std::string(error.what())
                 : fmt::format("{}{}: {}", path, other.empty() ? "" : " and " + other, error.code().message()));
    return kFailed;
  } catch (const std::system_error& error) {
    // Who reads the output has seen enough of it: `tempera explain --markdown | head`.
    if (error.code() != std::errc::broken_pipe) complain(error.what());
    return kFailed;
  } catch (const std::exception& error) {
    complain(error.what());
    return kFailed;
  }
}

}  // namespace

Verb add_verb(Verb& parent, Session& session, const std::string& name, const std::string& help,
              std::function<int()> action) {
  Verb verb = parent.verb(name, help);
  verb.flag("--json", session.json, "print one JSON document on stdout");
  verb.option("--threads", session.threads, "threads to compute with (default: all processors)")
      .whole_between(1, 1024)
      .value_name("N");
  verb.when_called([&session, action = std::move(action)] { session.action = action; });
  return verb;
}

void print_result(const Session& session, const nlohmann::ordered_json& document, std::string_view text) {
  if (session.json) {
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } else {
    fmt::print("{}", text);
  }
}

int main(int argc, char** argv, const Registry& registry) {
  prepare_standard_streams();
  CLI::App app{"tempera trains networks that JSON configs describe, on this processor, and writes down what came out"};
  app.name("tempera");
  style_help(app);
  app.set_version_flag("--version", std::string("tempera ") + version(), "print the version");
  Verb program(app);
  program.require_verb();
  Session session{.registry = &registry};
#define TEMPERA_COMMAND(verb) add_##verb(program, session);
#include "tempera/apps/commands/commands.def"
#undef TEMPERA_COMMAND
  app.footer(  // last: verbs take over the footer there is when they are added
      "To begin with: tempera run configs/smoke.json\n"
      "Exit status: 0 done, 1 failed at run time, 2 wrong usage or config, 130 interrupted (a run that trains left a "
      "checkpoint)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {  // of a verb that is none there is none
    if (names_unknown_verb(app)) return status_of([&] { return app.exit(CLI::RequiredError("a verb")), kUsage; });
    return status_of([&] { return app.exit(help); });
  } catch (const CLI::ParseError& error) {
    return status_of([&] { return app.exit(error) == 0 ? kDone : kUsage; });
  }
  return status_of([&session] {
    check_environment();
    if (session.threads > 0) core::set_thread_count(static_cast<int>(session.threads));
    return session.action();
  });
}

}  // namespace tempera::cli
