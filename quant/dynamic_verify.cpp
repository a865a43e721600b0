#include "tempera/quant/dynamic_verify.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <span>

#include "tempera/core/errors.hpp"
#include "tempera/quant/dynamic/plain_product.hpp"
#include "tempera/quant/dynamic_forward.hpp"
#include "tempera/quant/verify.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

class Verifier {
 public:
  explicit Verifier(nn::Model& model) : model_(model), forward_(model) {}

  // The first `images` of a batch; false where a product is not what it should be.
  bool compare(const core::Batch& batch, std::int64_t images) {
    const core::NoGrad no_history;
    const auto values = static_cast<std::size_t>(images * model_.input().numel());
    const Tensor x(model_.input().with_batch(images), batch.inputs.values().first(values));
    const Tensor logits = forward_.logits(x, [&](const DynamicProduct& product) { check(product, batch); });
    nn::ForwardContext context;
    const Tensor floats = model_.forward(core::Variable(x), context).value();
    differ_ += differing_predictions(logits, floats);
    result_.images += images;
    return !result_.difference;
  }

  DynamicVerification take() {
    if (result_.images > 0) {
      result_.float_predictions_differ = static_cast<double>(differ_) / static_cast<double>(result_.images);
    }
    return result_;
  }

 private:
  void check(const DynamicProduct& product, const core::Batch& batch) {
    const auto [known, fresh] = plain_.try_emplace(product.node.layer, product.node);
    const Tensor expected = known->second(product.x, product.rows, product.relu);
    const std::span<const Scalar> a = expected.values(), b = product.y.values();
    result_.values += static_cast<std::int64_t>(a.size());
    if (result_.difference || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0) return;
    std::size_t at = 0;
    while (std::memcmp(&a[at], &b[at], sizeof(Scalar)) == 0) ++at;
    const std::size_t each = a.size() / static_cast<std::size_t>(product.x.dim(0)), image = at / each;
    result_.difference = {.layer = product.node.layer,
                          .image = image < batch.indices.size() ? batch.indices[image]
                                                                : result_.images + static_cast<std::int64_t>(image),
                          .index = static_cast<std::int64_t>(at % each),
                          .definition = static_cast<double>(a[at]),
                          .product = static_cast<double>(b[at])};
  }

  nn::Model& model_;
  DynamicForward forward_;
  std::map<std::string, dynamic::PlainProduct> plain_;  // by layer
  DynamicVerification result_;
  std::int64_t differ_ = 0;
};

}  // namespace

DynamicVerification verify_dynamic(nn::Model& model, core::BatchSource& images, std::int64_t limit,
                                   const std::atomic<bool>* interrupt) {
  Verifier verifier(model);
  core::Batch batch;
  images.start(0, 0);
  while (limit > 0 && images.next(batch)) {
    if (interrupt != nullptr && interrupt->load(std::memory_order_relaxed)) {
      throw core::Interrupted("interrupted while verifying");
    }
    const std::int64_t count = std::min(limit, batch.size());
    limit -= count;
    if (!verifier.compare(batch, count)) break;
  }
  return verifier.take();
}

}  // namespace tempera::quant
