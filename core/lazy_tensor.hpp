// Tensors that are made when they are asked for: values and gradients that whoever uses them next may have a better use for
// than writing them to memory.
#pragma once

#include <memory>
#include <utility>

#include "tempera/core/tensor.hpp"

namespace tempera::core {

class DeferredTensor {
 public:
  DeferredTensor() = default;
  DeferredTensor(const DeferredTensor&) = delete;
  DeferredTensor& operator=(const DeferredTensor&) = delete;
  virtual ~DeferredTensor() = default;

  [[nodiscard]] virtual const Shape& shape() const noexcept = 0;
  /// All of it.
  [[nodiscard]] virtual Tensor make() const = 0;
};

/// A tensor, one that is made when it is asked for, or nothing. Not to be asked from several threads at once.
class LazyTensor {
 public:
  LazyTensor() = default;
  LazyTensor(Tensor made) : made_(std::move(made)) {}  // NOLINT(google-explicit-constructor): most are there
  explicit LazyTensor(std::shared_ptr<DeferredTensor> deferred) : deferred_(std::move(deferred)) {}

  [[nodiscard]] bool empty() const noexcept { return made_.empty() && deferred_ == nullptr; }
  [[nodiscard]] const Shape& shape() const noexcept {
    return deferred_ == nullptr ? made_.shape() : deferred_->shape();
  }
  /// A deferred one is made here, once.
  [[nodiscard]] Tensor& made() {
    if (deferred_ != nullptr) {
      made_ = deferred_->make();
      deferred_ = nullptr;
    }
    return made_;
  }
  operator const Tensor&() { return made(); }  // NOLINT(google-explicit-constructor): most operations want a tensor
  /// Null where there is nothing left to make.
  [[nodiscard]] DeferredTensor* deferred() const noexcept { return deferred_.get(); }

 private:
  Tensor made_;
  std::shared_ptr<DeferredTensor> deferred_;
};

}  // namespace tempera::core
