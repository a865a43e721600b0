// What --help and a wrong command line say.
#pragma once

namespace CLI {
class App;
}

namespace tempera::cli {

/// Gives `app`, and the verbs added to it from now on, tempera's form of help and of messages about wrong use.
void style_help(CLI::App& app);

/// Whether the command line that `app` has parsed names a verb that is none where one belongs.
[[nodiscard]] bool names_unknown_verb(const CLI::App& app);

}  // namespace tempera::cli
