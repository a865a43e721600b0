// What a verb's file needs. A verb is one file, `void add_<verb>(Verb&, Session&)`, and one line in commands.def.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "tempera/apps/registry.hpp"
#include "tempera/apps/verb.hpp"

namespace tempera::cli {

/// Facts of one invocation, shared by all verbs.
struct Session {
  const Registry* registry = nullptr;
  bool json = false;            ///< --json: one document on stdout, nothing else there
  std::int64_t threads = 0;     ///< --threads; 0: all processors
  std::function<int()> action;  ///< set by the verb that was called; returns the exit status
};

/// Adds the verb `name` with `--json` and `--threads`, and runs `action` when it is called.
Verb add_verb(Verb& parent, Session& session, const std::string& name, const std::string& help,
              std::function<int()> action);

/// Prints a result: the document if --json was given, the text otherwise.
void print_result(const Session& session, const nlohmann::ordered_json& document, std::string_view text);

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

#define TEMPERA_COMMAND(verb) void add_##verb(Verb& program, Session& session);
#include "tempera/apps/commands/commands.def"
#undef TEMPERA_COMMAND

}  // namespace tempera::cli
