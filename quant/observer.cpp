#include "tempera/quant/observer.hpp"

namespace tempera::quant {

#define TEMPERA_OBSERVER(name) void add_##name##_observer(ObserverRegistry& registry);
#include "tempera/quant/builtin_observers.def"
#undef TEMPERA_OBSERVER

ObserverRegistry::ObserverRegistry() : Registry("observer") {
#define TEMPERA_OBSERVER(name) add_##name##_observer(*this);
#include "tempera/quant/builtin_observers.def"
#undef TEMPERA_OBSERVER
}

const ObserverRegistry& ObserverRegistry::builtin() {
  static const ObserverRegistry registry;
  return registry;
}

}  // namespace tempera::quant
