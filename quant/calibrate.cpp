#include "tempera/quant/calibrate.hpp"

#include "tempera/core/errors.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/batch_part.hpp"

namespace tempera::quant {
namespace {

// Every quantizer of a model observes while this lives.
class Observing {
 public:
  explicit Observing(nn::Model& model) : model_(model) { set(true); }
  Observing(const Observing&) = delete;
  Observing& operator=(const Observing&) = delete;
  ~Observing() { set(false); }

 private:
  void set(bool on) {
    for (const nn::Site* site : model_.sites()) {
      if (SiteQuantizer* quantizer = quantizer_of(*site)) quantizer->observing(on);
    }
  }
  nn::Model& model_;
};

}  // namespace

void calibrate(nn::Model& model, core::BatchSource& source, std::int64_t images, const std::atomic<bool>* interrupt) {
  if (source.samples() == 0) throw core::DataError("calibration", "has no images: ranges cannot be chosen");
  const core::NoGrad no_history;
  const Observing observing(model);
  nn::ForwardContext context;
  for_first_images(source, images, [&](const core::Batch& batch) {
    if (interrupt != nullptr && interrupt->load(std::memory_order_relaxed)) {
      throw core::Interrupted("interrupted while calibrating");
    }
    static_cast<void>(model.forward(core::Variable(batch.inputs), context));
  });
}

}  // namespace tempera::quant
