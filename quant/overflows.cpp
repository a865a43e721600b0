#include "tempera/quant/overflows.hpp"

#include "tempera/quant/attach.hpp"

namespace tempera::quant {
namespace {

CountsOverflows* counter_in(const nn::Site& site) {
  SiteQuantizer* quantizer = quantizer_of(site);
  return quantizer == nullptr ? nullptr : dynamic_cast<CountsOverflows*>(&quantizer->quantizer());
}

}  // namespace

std::vector<SiteOverflows> overflows(nn::Model& model) {
  std::vector<SiteOverflows> all;
  for (const nn::Site* site : model.sites()) {
    const CountsOverflows* counter = counter_in(*site);
    if (counter != nullptr && counter->overflows().count > 0) all.push_back({site->name, counter->overflows()});
  }
  return all;
}

void forget_overflows(nn::Model& model) {
  for (const nn::Site* site : model.sites()) {
    if (CountsOverflows* counter = counter_in(*site)) counter->forget_overflows();
  }
}

}  // namespace tempera::quant
