// tempera explain: what a field of a config means.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/apps/experiment/explain.hpp"
#include "tempera/apps/experiment/reference.hpp"

namespace tempera::cli {
namespace {

struct ExplainArguments {
  std::string path;
  bool markdown = false;
  bool schema = false;
};

int explain_path(const Session& session, const ExplainArguments& arguments) {
  ExperimentConfig config(*session.registry);
  const core::FieldsFn fields = [&config](core::FieldVisitor& v) { config.fields(v); };
  if (arguments.markdown) {
    fmt::print("{}", reference_markdown(fields));
    return kDone;
  }
  if (arguments.schema) {
    fmt::print("{}", core::pretty_json(json_schema(fields)));
    return kDone;
  }
  std::string text;
  nlohmann::ordered_json document = nlohmann::ordered_json::array();
  for (const Explanation& explanation : explain(fields, arguments.path)) {
    if (!text.empty()) text += "\n";
    text += explain_text(explanation);
    document.push_back(nlohmann::ordered_json::parse(core::pretty_json(explain_json(explanation))));
  }
  print_result(session, document, text);
  return kDone;
}

}  // namespace

void add_explain(Verb& program, Session& session) {
  const auto arguments = std::make_shared<ExplainArguments>();
  Verb verb = add_verb(program, session, "explain", "what a field of a config means: type, range, unit, default",
                       [&session, arguments] { return explain_path(session, *arguments); });
  verb.option("PATH", arguments->path,
              "such as train.batch, optimizer or model.layers.conv2d.kernel; without one: the top level");
  const Option markdown = verb.flag("--markdown", arguments->markdown, "the reference of all fields as Markdown");
  verb.flag("--json-schema", arguments->schema, "a JSON Schema of configs, for editors").excludes(markdown);
}

}  // namespace tempera::cli
