#include "tempera/quant/packed_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "tempera/core/errors.hpp"
#include "tempera/nn/checkpoint.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/packing.hpp"
#include "tempera/quant/quantizers/uniform.hpp"

namespace tempera::quant {
namespace {

using core::CheckpointError;
using core::Tensor;

constexpr const char* kPackedKey = "tempera.packed";
constexpr const char* kPackedVersion = "1";

// A weight that is stored as integers.
struct PackedSite {
  const nn::Site* site;
  const SiteQuantizer* quantizer;
  nn::Buffer scale, zero_point;

  [[nodiscard]] int bits() const { return quantizer->quantizer().bits(); }
  [[nodiscard]] std::int32_t offset() const {
    return quantizer->quantizer().known_params().is_signed ? 0 : 1 << (bits() - 1);
  }
  [[nodiscard]] std::size_t bytes() const {
    return packed_bytes(static_cast<std::size_t>(site->shape.numel()), bits());
  }
  /// A parameter or buffer of the model that the file has in another form, or not at all.
  [[nodiscard]] bool owns(const std::string& name) const {
    return name == site->name || name.starts_with(site->name + ".");
  }
};

std::optional<PackedSite> packed_site(const nn::Site& site) {
  const SiteQuantizer* quantizer = quantizer_of(site);
  if (quantizer == nullptr || site.kind != nn::SiteKind::kWeight || quantizer->quantizer().bits() > 8) return {};
  if (dynamic_cast<const Uniform*>(&quantizer->quantizer()) == nullptr) return {};
  PackedSite packed{.site = &site, .quantizer = quantizer, .scale = {}, .zero_point = {}};
  for (const nn::Buffer& buffer : quantizer->buffers()) {
    if (buffer.name == site.name + ".scale") packed.scale = buffer;
    if (buffer.name == site.name + ".zero_point") packed.zero_point = buffer;
  }
  return packed;
}

std::vector<PackedSite> packed_sites(const nn::Model& model) {
  std::vector<PackedSite> all;
  for (const nn::LayerInfo* layer : model.infos()) {
    for (const nn::Site& site : layer->sites) {
      if (const auto packed = packed_site(site)) all.push_back(*packed);
    }
  }
  return all;
}

// Half floats that a weight is stored in.
std::optional<nn::DType> half_of(const nn::Site& site) {
  const SiteQuantizer* quantizer = quantizer_of(site);
  if (quantizer == nullptr || site.kind != nn::SiteKind::kWeight) return {};
  return quantizer->quantizer().stored_as();
}

// Weights in half floats, by name.
std::map<std::string, const nn::Site*> half_sites(const nn::Model& model) {
  std::map<std::string, const nn::Site*> all;
  for (const nn::LayerInfo* layer : model.infos()) {
    for (const nn::Site& site : layer->sites) {
      if (half_of(site)) all.emplace(site.name, &site);
    }
  }
  return all;
}

// What became infinite would be refused when it is read; as it was before rounding it becomes that again.
void add_half(nn::SafetensorsWriter& writer, const nn::Site& site) {
  const core::NoGrad no_grad;
  nn::ForwardContext context;
  const Tensor& weight = site.parameter.value();
  const Variable rounded = quantizer_of(site)->quantizer().forward(Variable(weight), context);
  const std::span<const Scalar> values = rounded.value().values();
  if (!std::ranges::all_of(values, [](Scalar v) { return std::isfinite(v); })) return writer.add(site.name, weight);
  const std::span<const std::int64_t> extents = weight.shape().extents();
  writer.add(site.name, *half_of(site), {extents.begin(), extents.end()}, nn::half_bytes(*half_of(site), values));
}

bool owned(const std::vector<PackedSite>& sites, const std::string& name) {
  return std::ranges::any_of(sites, [&](const PackedSite& site) { return site.owns(name); });
}

// What the weight is multiplied by before it is quantized.
std::optional<Tensor> factor_of(const PackedSite& packed) {
  const auto& norm = packed.quantizer->folded();
  return norm ? std::optional(invertible_factor(*norm)) : std::nullopt;
}

void add(nn::SafetensorsWriter& writer, const PackedSite& packed) {
  if (!packed.quantizer->quantizer().ready()) {
    throw core::UnsupportedError(packed.site->name,
                                 "its quantizer has no range yet; train or calibrate the model first");
  }
  const Tensor& weight = packed.site->parameter.value();
  const Integers integers = packed.quantizer->integers(weight);
  std::vector<std::int8_t> values;
  values.reserve(integers.values.size());
  for (const std::int32_t q : integers.values) values.push_back(static_cast<std::int8_t>(q - packed.offset()));
  writer.add(packed.site->name, nn::DType::kU8, {static_cast<std::int64_t>(packed.bytes())},
             pack(values, packed.bits()));
  writer.add(packed.scale.name, packed.scale.variable.value());
  if (!integers.params.symmetric()) writer.add(packed.zero_point.name, packed.zero_point.variable.value());
}

// The integers' part of a file, read and checked, and not yet in the model.
struct Loaded {
  std::vector<std::int8_t> values;
  Tensor scale, zero_point;
};

[[noreturn]] void damaged(const nn::SafetensorsReader& file, const std::string& name, const std::string& what) {
  throw CheckpointError(file.file(), fmt::format("tensor \"{}\" {}", name, what));
}

Tensor list_of(const nn::SafetensorsReader& file, const nn::Buffer& buffer) {
  const nn::StoredTensor* stored = file.find(buffer.name);
  if (stored == nullptr) throw CheckpointError(file.file(), fmt::format("has no tensor \"{}\"", buffer.name));
  if (!std::ranges::equal(stored->shape, buffer.shape.extents())) {
    damaged(file, buffer.name, fmt::format("is {}, the model needs {}", stored->text(), buffer.shape.text()));
  }
  return file.tensor(buffer.name);
}

Loaded read(const nn::SafetensorsReader& file, const PackedSite& packed) {
  const nn::StoredTensor* stored = file.find(packed.site->name);
  if (stored == nullptr) throw CheckpointError(file.file(), fmt::format("has no tensor \"{}\"", packed.site->name));
  if (stored->dtype != nn::DType::kU8 || stored->shape != std::vector{static_cast<std::int64_t>(packed.bytes())}) {
    damaged(file, packed.site->name,
            fmt::format("is {}, which are not {} integers of {} bits", stored->text(), packed.site->shape.numel(),
                        packed.bits()));
  }
  const QParams grid = packed.quantizer->quantizer().known_params();
  Loaded loaded{
      .values = unpack(file.bytes(*stored), static_cast<std::size_t>(packed.site->shape.numel()), packed.bits()),
      .scale = list_of(file, packed.scale),
      .zero_point = file.find(packed.zero_point.name) == nullptr ? Tensor::zeros(packed.zero_point.shape)
                                                                 : list_of(file, packed.zero_point)};
  for (const Scalar s : loaded.scale.values()) {
    if (!(s >= static_cast<Scalar>(kSmallestScale)) || !std::isfinite(s)) {
      damaged(file, packed.scale.name, fmt::format("has {}, where a positive normal number belongs", s));
    }
  }
  for (const Scalar z : loaded.zero_point.values()) {
    if (z != std::nearbyint(z) || z < static_cast<Scalar>(grid.qmin) || z > static_cast<Scalar>(grid.qmax)) {
      damaged(file, packed.zero_point.name,
              fmt::format("has {}, which is no integer from {} to {}", z, grid.qmin, grid.qmax));
    }
  }
  return loaded;
}

// A number that becomes that integer again. What rounds down is given half a step more: q·s/s may be less than q.
Scalar representative(std::int32_t q, const QParams& grid, std::size_t slot) {
  const auto exact = static_cast<Scalar>(grid.dequantize(q, slot));
  return grid.rounding == Rounding::kFloor ? exact + static_cast<Scalar>(grid.scale[slot]) / 2 : exact;
}

void put(const PackedSite& packed, const Loaded& loaded) {
  packed.scale.variable.mutable_value() = loaded.scale;
  packed.zero_point.variable.mutable_value() = loaded.zero_point;
  const QParams grid = packed.quantizer->quantizer().known_params();
  const std::optional<Tensor> factor = factor_of(packed);
  Tensor weight(packed.site->shape);
  const std::span<Scalar> to = weight.mutable_values();
  const std::size_t row = to.size() / static_cast<std::size_t>(packed.site->shape[0]);
  for (std::size_t i = 0; i < to.size(); ++i) {
    const std::size_t slot = grid.slot(static_cast<std::int64_t>(i), packed.site->shape);
    to[i] = representative(loaded.values[i] + packed.offset(), grid, slot);
    if (factor) to[i] /= factor->values()[i / row];
  }
  packed.site->parameter.mutable_value() = weight;
}

// Throws if the file has what neither the model nor its packed weights ask for.
void check_nothing_left(const nn::SafetensorsReader& file, const std::vector<PackedSite>& sites,
                        const std::vector<nn::TensorSlot>& slots) {
  std::set<std::string_view> wanted;
  for (const nn::TensorSlot& slot : slots) wanted.insert(slot.name);
  for (const PackedSite& packed : sites) {
    wanted.insert({packed.site->name, packed.scale.name, packed.zero_point.name});
  }
  for (const nn::StoredTensor& stored : file.tensors()) {
    if (!wanted.contains(stored.name)) damaged(file, stored.name, "is none that the model has");
  }
}

}  // namespace

void save_packed(const std::filesystem::path& file, const nn::Model& model,
                 const std::map<std::string, std::string>& metadata) {
  nn::SafetensorsWriter writer;
  const std::vector<PackedSite> sites = packed_sites(model);
  for (const PackedSite& packed : sites) add(writer, packed);
  const std::map<std::string, const nn::Site*> halves = half_sites(model);
  for (const nn::Parameter& p : model.parameters()) {
    if (owned(sites, p.name)) continue;
    const auto half = halves.find(p.name);
    half == halves.end() ? writer.add(p.name, p.variable.value()) : add_half(writer, *half->second);
  }
  for (const nn::Buffer& b : model.buffers()) {
    if (!owned(sites, b.name)) writer.add(b.name, b.variable.value());
  }
  for (const auto& [key, value] : metadata) writer.metadata(key, value);
  writer.metadata(kPackedKey, kPackedVersion);
  writer.write(file);
}

bool packs_weights(const nn::Model& model) { return !packed_sites(model).empty() || !half_sites(model).empty(); }

bool is_packed(const nn::SafetensorsReader& file) { return file.metadata().contains(kPackedKey); }

void load_packed(const nn::SafetensorsReader& file, nn::Model& model) {
  const auto version = file.metadata().find(kPackedKey);
  if (version == file.metadata().end() || version->second != kPackedVersion) {
    throw CheckpointError(file.file(),
                          fmt::format("has packed format {}, this program reads {}",
                                      version == file.metadata().end() ? "none" : version->second, kPackedVersion));
  }
  const std::vector<PackedSite> sites = packed_sites(model);
  std::vector<nn::TensorSlot> slots;
  for (const nn::Parameter& p : model.parameters()) {
    if (!owned(sites, p.name)) slots.push_back({p.name, p.shape, &p.variable.mutable_value()});
  }
  for (const nn::Buffer& b : model.buffers()) {
    if (!owned(sites, b.name)) slots.push_back({b.name, b.shape, &b.variable.mutable_value(), b.allowed});
  }
  check_nothing_left(file, sites, slots);
  std::vector<Loaded> loaded;
  loaded.reserve(sites.size());
  for (const PackedSite& packed : sites) loaded.push_back(read(file, packed));
  nn::load_tensors(file, slots);  // batch norm, too, which weights may be folded with
  for (std::size_t i = 0; i < sites.size(); ++i) put(sites[i], loaded[i]);
}

}  // namespace tempera::quant
