#include "tempera/nn/layer_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "tempera/core/config/value.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/checkpoint.hpp"
#include "tempera/nn/initializers.hpp"
#include "tempera/nn/layer_list.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

/// The declarations of one layer while its constructor runs, and the names of the layers inside it.
struct LayerBuilder::Frame {
  LayerInfo info;
  std::string pointer;  ///< of its config in the model's
  std::vector<std::unique_ptr<Layer>> children;
  std::map<std::string, int, std::less<>> types;  ///< how many layers of a type are inside
  std::set<std::string, std::less<>> names;
};

namespace {

// Input and output first, where Layer::input_site and output_site look for them.
void add_sites(LayerInfo& info) {
  info.sites.push_back({.name = info.path + ".input", .kind = SiteKind::kInput, .shape = info.input});
  info.sites.push_back({.name = info.path + ".output", .kind = SiteKind::kOutput, .shape = info.output});
  for (const Parameter& parameter : info.parameters) {
    if (parameter.role != Role::kWeight) continue;
    info.sites.push_back(
        {.name = parameter.name, .kind = SiteKind::kWeight, .shape = parameter.shape, .parameter = parameter.variable});
  }
}

}  // namespace

LayerBuilder::LayerBuilder(const LayerRegistry& registry, Mode mode, std::uint64_t seed)
    : registry_(registry), mode_(mode), seed_(seed), root_(std::make_unique<Frame>()), frame_(root_.get()) {}
LayerBuilder::~LayerBuilder() = default;

std::string LayerBuilder::claim_name(const core::Configurable& config, const std::string& pointer) {
  const std::string type(config.type());
  const int position = ++frame_->types[type];
  std::string name = registry_.common(config).name;
  const auto refuse = [at = name.empty() ? pointer : pointer + "/name"](std::string message) {
    throw core::ConfigError({{.pointer = at, .message = std::move(message)}});
  };
  if (name.empty()) name = fmt::format("{}{}", type, position);
  if (name.find_first_of("/.") != std::string::npos) {
    refuse(fmt::format("layer name \"{}\": '/' and '.' separate the parts of a path", name));
  }
  if (std::ranges::any_of(name, [](char c) { return c == '*' || (c >= 0 && c < ' ') || c == '\x7f'; })) {
    refuse(
        fmt::format("layer name \"{}\": '*' stands for any name where rules choose sites, and control characters "
                    "cannot be typed",
                    name));
  }
  // The names that its parameters would have in a checkpoint are those of averages and of an optimizer's state.
  if (frame_->info.path.empty() && (name + "/" == kAveragePrefix || name + "/" == kOptimizerPrefix)) {
    refuse(fmt::format("layer name \"{}\": checkpoints keep other tensors under it; choose another", name));
  }
  std::string path = frame_->info.path.empty() ? name : fmt::format("{}/{}", frame_->info.path, name);
  if (!frame_->names.insert(std::move(name)).second) {
    refuse(fmt::format("two layers are named \"{}\": give each a \"name\" of its own", path));
  }
  return path;
}

std::unique_ptr<Layer> LayerBuilder::build(const core::Configurable& config, const core::Shape& input,
                                           const std::string& pointer) {
  const std::string at = frame_->pointer + pointer;
  Frame frame{
      .info = {.path = claim_name(config, at), .type = std::string(config.type()), .input = input, .output = input},
      .pointer = at};
  struct Enter {
    Frame*& current;
    Frame* outer;
    ~Enter() { current = outer; }
  } const enter{frame_, std::exchange(frame_, &frame)};
  try {
    std::unique_ptr<Layer> layer = registry_.make(config, *this);
    add_sites(frame.info);
    layer->info_ = std::move(frame.info);
    layer->children_ = std::move(frame.children);
    return layer;
  } catch (const LayerShapeError&) {
    throw;
  } catch (const core::ShapeError& error) {
    throw LayerShapeError(frame.info, error.what());
  } catch (const core::ConfigError& error) {
    std::vector<core::ConfigIssue> issues = error.issues();
    for (core::ConfigIssue& issue : issues) {
      if (issue.pointer.empty()) issue.pointer = at;
    }
    throw core::ConfigError(std::move(issues));
  }
}

core::Shape LayerBuilder::children(const LayerList& layers, const core::Shape& input, const std::string& pointer) {
  core::Shape shape = input;
  for (std::size_t i = 0; i < layers.items().size(); ++i) {
    frame_->children.push_back(build(*layers.items()[i], shape, core::child_pointer(pointer, i)));
    shape = frame_->children.back()->info().output;
  }
  return shape;
}

const core::Shape& LayerBuilder::input() const noexcept { return frame_->info.input; }
const std::string& LayerBuilder::path() const noexcept { return frame_->info.path; }

void LayerBuilder::expect_rank(int rank, std::string_view layout, std::string_view hint) const {
  if (input().rank() == rank) return;
  fail(fmt::format("expects a sample of shape {}, received {}{}{}", layout, input().text(), hint.empty() ? "" : " ",
                   hint));
}

void LayerBuilder::fail(const std::string& rule) const { throw LayerShapeError(frame_->info, rule); }

std::string LayerBuilder::declare(std::string_view name) const {
  std::string full = fmt::format("{}.{}", path(), name);
  const auto taken = [&full](const auto& declared) { return declared.name == full; };
  if (std::ranges::any_of(frame_->info.parameters, taken) || std::ranges::any_of(frame_->info.buffers, taken)) {
    throw core::Error(fmt::format("{}: declares \"{}\" twice", frame_->info.label(), name));
  }
  return full;
}

Variable LayerBuilder::parameter(std::string_view name, const core::Shape& shape, const Initializer& init, Role role) {
  Parameter parameter{.name = declare(name), .shape = shape, .role = role, .variable = {}};
  if (mode_ == Mode::kBuild) {
    core::Tensor value(shape);
    init.fill(value, core::Random(seed_, parameter.name));
    parameter.variable = Variable(std::move(value), true);
  }
  frame_->info.parameters.push_back(parameter);
  return parameter.variable;
}

Variable LayerBuilder::parameter(std::string_view name, const core::Shape& shape, Scalar value, Role role) {
  return parameter(name, shape, ConstantInit({.value = static_cast<double>(value)}), role);
}

Variable LayerBuilder::buffer(std::string_view name, const core::Shape& shape, Scalar value, Allowed allowed) {
  Buffer buffer{.name = declare(name), .shape = shape, .variable = {}, .allowed = allowed};
  if (mode_ == Mode::kBuild) buffer.variable = Variable(core::Tensor::full(shape, value));
  frame_->info.buffers.push_back(buffer);
  return buffer.variable;
}

void LayerBuilder::output(const core::Shape& shape) {
  if (shape.rank() == core::Shape::kMaxRank) {
    fail(fmt::format("gives samples of shape {}, which leaves no axis for the batch", shape.text()));
  }
  frame_->info.output = shape;
}

void LayerBuilder::multiply_adds(std::initializer_list<std::int64_t> factors) {
  std::int64_t product = 1;
  for (const std::int64_t factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product)) fail("more multiply-adds than 64 bits can count");
  }
  frame_->info.multiply_adds = product;
}

}  // namespace tempera::nn
