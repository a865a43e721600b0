#include "tempera/apps/experiment/reference.hpp"

#include <fmt/format.h>

#include <vector>

#include "tempera/core/config/describe.hpp"

namespace tempera::cli {
namespace {

using core::FieldInfo;

// A cell of a table: a bar in it would end it.
std::string cell(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c;
  }
  return result;
}

std::string code(const std::string& text) { return text.empty() ? std::string{} : fmt::format("`{}`", cell(text)); }

void append_table(std::string& out, const std::vector<FieldInfo>& fields) {
  if (fields.empty()) {
    out += "No fields.\n\n";
    return;
  }
  out += "| field | type | range | unit | default | meaning |\n|---|---|---|---|---|---|\n";
  for (const FieldInfo& field : fields) {
    out += fmt::format("| {} | {} | {} | {} | {} | {} |\n", code(field.name), cell(field.type_text()), field.range,
                       cell(field.unit), field.required ? "required" : code(field.default_json), cell(field.help));
  }
  out += "\n";
}

// The table of a section and, after it, those of the objects in it.
void append_section(std::string& out, const std::string& path, const std::vector<FieldInfo>& fields) {
  append_table(out, fields);
  for (const FieldInfo& field : fields) {
    if (field.kind != FieldInfo::Kind::kObject) continue;
    const std::string inner = path.empty() ? field.name : path + "." + field.name;
    out += fmt::format("### `{}`\n\n{}.\n\n", inner, field.help);
    append_section(out, inner, field.fields);
  }
}

}  // namespace

std::string reference_markdown(const core::FieldsFn& fields) {
  const std::vector<FieldInfo> top = core::describe_fields(fields);
  std::string out =
      "# Config reference\n\n"
      "Made by `tempera explain --markdown`; `tempera explain PATH` says the same of one field.\n\n"
      "Besides these fields a file may have `extends`, the path of a config or a list of them, relative to the file:\n"
      "objects merge, everything else replaces, later files win, and an object of another `type` replaces.\n\n"
      "## Top level\n\n";
  append_section(out, "", top);
  for (const core::TypeCatalog* catalog : core::catalogs_of(top)) {
    out += fmt::format("## Types of {}\n\n", catalog->kind());
    for (const std::string& type : catalog->names()) {
      out += fmt::format("### {} `{}`\n\n{}.\n\n", catalog->kind(), type, catalog->help(type));
      append_section(out, type, describe_type(*catalog, type));
    }
  }
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace tempera::cli
