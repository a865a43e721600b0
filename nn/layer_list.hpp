// The configurations of layers that follow one another: the body of a model or of a container layer.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "tempera/core/fields.hpp"

namespace tempera::nn {

/// Layer configurations made by a LayerRegistry, in order. Copies are deep.
class LayerList {
 public:
  using Items = std::vector<std::unique_ptr<core::Configurable>>;

  LayerList() = default;
  LayerList(const LayerList& other) {
    items_.reserve(other.items_.size());
    for (const auto& item : other.items_) items_.push_back(item->clone());
  }
  LayerList(LayerList&&) noexcept = default;
  LayerList& operator=(LayerList other) noexcept {
    items_ = std::move(other.items_);
    return *this;
  }
  ~LayerList() = default;

  [[nodiscard]] const Items& items() const noexcept { return items_; }
  [[nodiscard]] Items& items() noexcept { return items_; }
  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  void add(std::unique_ptr<core::Configurable> layer) { items_.push_back(std::move(layer)); }

 private:
  Items items_;
};

}  // namespace tempera::nn
