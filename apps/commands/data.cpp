// tempera data list|get|check: the sets a config can name, and whether their files are what they should be.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/experiment/data_source.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/datasets/fetch.hpp"
#include "tempera/datasets/load.hpp"

namespace tempera::cli {
namespace {

const data::KnownSet* known_set(std::string_view name) {
  for (const data::KnownSet* set : {&data::mnist(), &data::fashion_mnist()}) {
    if (set->name == name) return set;
  }
  return nullptr;
}

// Looking only, without the network.
std::string whereabouts(const data::KnownSet& set) {
  data::Environment offline = data::Environment::of_process();
  offline.download = false;
  try {
    return data::locate(set, std::nullopt, offline).origin;
  } catch (const data::SetNotFound&) {
    return {};
  }
}

int list_sets(const Session& session) {
  nlohmann::ordered_json document = nlohmann::ordered_json::array();
  Table table({"set", "what it is", "where"});
  for (const data::SetInfo& info : data::kSets) {
    const data::KnownSet* known = known_set(info.name);
    const std::string place = known == nullptr ? std::string() : whereabouts(*known);
    table.row({std::string(info.name), std::string(info.help),
               known == nullptr ? "-"
               : place.empty()  ? "not on this machine"
                                : place});
    document.push_back(
        {{"name", info.name}, {"help", info.help}, {"known_content", known != nullptr}, {"found", place}});
  }
  print_result(session, document, table.text());
  return kDone;
}

const data::KnownSet& required_set(const std::string& name) {
  if (const data::KnownSet* set = known_set(name)) return *set;
  throw core::ConfigError(
      fmt::format("\"{}\" is no set of known content; those are mnist and fashion_mnist (idx and npy sets are checked "
                  "by running a config)",
                  name));
}

int check_set(const Session& session, const std::string& name, const std::optional<std::string>& dir, bool download) {
  data::Environment environment = data_environment();
  environment.download = download;
  const auto begin = std::chrono::steady_clock::now();
  const data::Dataset set = data::load_known(required_set(name), dir, environment);
  if (!set.passed_over.empty()) warn(passed_over_text(set));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  print_result(session,
               {{"name", name},
                {"origin", set.origin},
                {"train", set.train.size()},
                {"test", set.test.size()},
                {"sha256", set.sha256},
                {"seconds", seconds},
                {"valid", true}},
               fmt::format("{}: {} training and {} test images, every checksum right, loaded in {:.3f} s\n  in {}\n",
                           name, count_text(set.train.size()), count_text(set.test.size()), seconds, set.origin));
  return kDone;
}

}  // namespace

void add_data(Verb& program, Session& session) {
  Verb verb = program.verb("data", "the data sets: where they are, fetch one, check one");
  verb.require_verb();
  struct Arguments {
    std::string name;
    std::optional<std::string> dir;
  };
  const auto arguments = std::make_shared<Arguments>();
  add_verb(verb, session, "list", "every set a config can name, and where it was found",
           [&session] { return list_sets(session); });
  const auto add = [&](const char* name, const char* help, bool download) {
    Verb sub = add_verb(verb, session, name, help, [&session, arguments, download] {
      return check_set(session, arguments->name, arguments->dir, download);
    });
    sub.option("NAME", arguments->name, "mnist or fashion_mnist").required();
    sub.option("--dir", arguments->dir, "look in this folder first").value_name("DIR");
  };
  add("get", "find a set, download it if it is nowhere, and verify its checksums", true);
  add("check", "verify the checksums of a set that is here, without the network", false);
}

}  // namespace tempera::cli
