// What can be said of every field of a configurable struct: what `explain`, the reference and the JSON schema show.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/fields.hpp"

namespace tempera::core {

/// One field, as data.
struct FieldInfo {
  enum class Kind { kBool, kInteger, kNumber, kText, kChoice, kJson, kObject, kTyped };

  std::string name;
  Kind kind = Kind::kObject;
  bool many = false;      ///< a list of these
  bool optional = false;  ///< may be null
  bool required = false;  ///< has no default
  bool single = false;    ///< a list for which a bare value may stand
  std::string help;
  std::string unit;
  std::string range;         ///< "> 0 and ≤ 1"; empty if all values are allowed
  std::string default_json;  ///< the type's name for kTyped; empty for structs
  double min = 0, max = 0;   ///< infinite where there is no limit
  bool above_min = false, below_max = false;
  std::size_t min_items = 0, max_items = 0;
  std::vector<std::string> words;        ///< of kChoice
  std::vector<FieldInfo> fields;         ///< of kObject (of an element, if many)
  const TypeCatalog* catalog = nullptr;  ///< of kTyped; its types are described on demand, as they can nest

  /// "integer", "list of numbers", "one of float32, bfloat16", "optimizer {"type": …}".
  [[nodiscard]] std::string type_text() const;
};

/// Describes the fields, with the values that the struct has now as defaults.
[[nodiscard]] std::vector<FieldInfo> describe_fields(const FieldsFn& fields);

/// Describes the fields of one type of a catalog; its name must be known.
[[nodiscard]] std::vector<FieldInfo> describe_type(const TypeCatalog& catalog, std::string_view type);

/// The catalogs that `fields` and, below them, the types of catalogs refer to; each once, in order of appearance.
[[nodiscard]] std::vector<const TypeCatalog*> catalogs_of(const std::vector<FieldInfo>& fields);

}  // namespace tempera::core
