// A visitor that ignores all fields: the base of those that look for one thing.
#pragma once

#include "tempera/core/fields.hpp"

namespace tempera::core {

class IgnoringVisitor : public FieldVisitor {
 public:
  void field(std::string_view /*name*/, bool& /*value*/, const FieldDoc& /*doc*/) override {}
  void field(std::string_view /*name*/, std::int64_t& /*value*/, const FieldDoc& /*doc*/) override {}
  void field(std::string_view /*name*/, double& /*value*/, const FieldDoc& /*doc*/) override {}
  void field(std::string_view /*name*/, std::string& /*value*/, const FieldDoc& /*doc*/) override {}
  void field(std::string_view /*name*/, std::vector<std::int64_t>& /*value*/, const FieldDoc& /*doc*/) override {}
  void field(std::string_view /*name*/, std::vector<double>& /*value*/, const FieldDoc& /*doc*/) override {}
  void field(std::string_view /*name*/, std::vector<std::string>& /*value*/, const FieldDoc& /*doc*/) override {}
  void field(std::string_view /*name*/, std::optional<bool>& /*value*/, const FieldDoc& /*doc*/) override {}
  void field(std::string_view /*name*/, std::optional<std::int64_t>& /*value*/, const FieldDoc& /*doc*/) override {}
  void field(std::string_view /*name*/, std::optional<double>& /*value*/, const FieldDoc& /*doc*/) override {}
  void field(std::string_view /*name*/, std::optional<std::string>& /*value*/, const FieldDoc& /*doc*/) override {}
  void choice(std::string_view /*name*/, std::size_t& /*index*/, std::span<const std::string_view> /*words*/,
              const FieldDoc& /*doc*/) override {}
  void object(std::string_view /*name*/, const FieldsFn& /*fields*/, bool* /*present*/,
              const FieldDoc& /*doc*/) override {}
  void list(std::string_view /*name*/, std::size_t /*size*/, const std::function<void(std::size_t)>& /*resize*/,
            const std::function<FieldsFn(std::size_t)>& /*element*/, const FieldDoc& /*doc*/) override {}
  void typed(std::string_view /*name*/, const TypeCatalog& /*catalog*/, std::unique_ptr<Configurable>& /*value*/,
             const FieldDoc& /*doc*/) override {}
  void typed_list(std::string_view /*name*/, const TypeCatalog& /*catalog*/,
                  std::vector<std::unique_ptr<Configurable>>& /*value*/, const FieldDoc& /*doc*/) override {}
  void raw(std::string_view /*name*/, std::string& /*json*/, const FieldDoc& /*doc*/) override {}
  void rule(bool /*holds*/, std::string_view /*field*/, const std::string& /*message*/) override {}
};

}  // namespace tempera::core
