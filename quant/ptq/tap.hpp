// Looking at the values of a site while a network runs.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tempera/core/batch.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/quant/batch_part.hpp"

namespace tempera::quant {

/// Shows every value of a site before the transform that was there, if any, acts on it.
class Tap final : public nn::ValueTransform {
 public:
  using Watch = std::function<void(const core::Tensor& value)>;
  Tap(std::shared_ptr<nn::ValueTransform> inner, Watch watch) : inner_(std::move(inner)), watch_(std::move(watch)) {}
  [[nodiscard]] nn::Variable operator()(const nn::Variable& value, nn::ForwardContext& context) override {
    watch_(value.value());
    return inner_ == nullptr ? value : (*inner_)(value, context);
  }

 private:
  std::shared_ptr<nn::ValueTransform> inner_;
  Watch watch_;
};

/// Puts a model's transforms back as they were when this ends.
class KeptTransforms {
 public:
  explicit KeptTransforms(nn::Model& model) {
    for (nn::Site* site : model.sites()) kept_.emplace_back(site, site->transform);
  }
  KeptTransforms(const KeptTransforms&) = delete;
  KeptTransforms& operator=(const KeptTransforms&) = delete;
  ~KeptTransforms() {
    for (auto& [site, transform] : kept_) site->transform = std::move(transform);
  }
  /// Takes all transforms out: the model runs in floats.
  void remove() const {
    for (const auto& [site, transform] : kept_) site->transform = nullptr;
  }

 private:
  std::vector<std::pair<nn::Site*, std::shared_ptr<nn::ValueTransform>>> kept_;
};

/// Throws Error if there is none of that name.
[[nodiscard]] inline nn::Site& site_named(nn::Model& model, const std::string& name) {
  const std::vector<nn::Site*> sites = model.sites();
  const auto found = std::ranges::find(sites, name, &nn::Site::name);
  if (found == sites.end()) throw core::Error("the model has no site \"" + name + "\"");
  return **found;
}

/// Runs the model in evaluation over the first `images` samples of pass 0. Throws DataError if the source is empty.
template <class Before>
void run_images(nn::Model& model, core::BatchSource& source, std::int64_t images, Before before) {
  if (source.samples() == 0) throw core::DataError("calibration", "has no images");
  const core::NoGrad no_history;
  nn::ForwardContext context;
  for_first_images(source, images, [&](const core::Batch& batch) {
    before(batch);
    static_cast<void>(model.forward(core::Variable(batch.inputs), context));
  });
}
inline void run_images(nn::Model& model, core::BatchSource& source, std::int64_t images) {
  run_images(model, source, images, [](const core::Batch&) {});
}

}  // namespace tempera::quant
