// Reverse-mode automatic differentiation.
//
// A Variable is a handle to a node: a value, optionally a gradient, and the function that made it. Nodes have rising
// ids, so descending id order is a topological order, and `backward` needs nothing but a priority queue.
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tempera/core/cached_allocator.hpp"
#include "tempera/core/lazy_tensor.hpp"
#include "tempera/core/tensor.hpp"

namespace tempera::core {

struct Node;

/// Which inputs of an operation want a gradient; a backward function leaves the others' slots empty.
class Needs {
 public:
  explicit Needs(const Node& node) : node_(&node) {}
  [[nodiscard]] bool operator[](std::size_t input) const noexcept;

 private:
  const Node* node_;
};

/// The gradient by one input, or of the result.
using Gradient = LazyTensor;
/// One gradient per input, of that input's shape; an empty one for an input that needs none.
using Gradients = std::vector<Gradient>;
/// Pure: receives the gradient of the loss by the output, its own to keep, and returns those by the inputs. A function of a
/// `const Tensor&` is one as well. It captures tensors, never Variables: those would tie the graph into a chain that is
/// released recursively.
using BackwardFn = std::function<Gradients(Gradient& grad_output, const Needs& needs)>;

/// Refers to a function object that a BackwardFn can be made of, or to a function's address, and does not own it: for a parameter
/// only, valid until the call returns. It is made one only if history is kept, as that takes memory.
class OfferedBackward {
 public:
  template <class Fn>
    requires(!std::same_as<std::remove_cvref_t<Fn>, OfferedBackward> && std::is_object_v<std::remove_reference_t<Fn>> &&
             std::constructible_from<BackwardFn, Fn>)
  OfferedBackward(Fn&& fn) noexcept  // NOLINT(google-explicit-constructor): operations pass a lambda
      : fn_(const_cast<void*>(static_cast<const void*>(std::addressof(fn)))),  // NOLINT: it is used as it was given
        kept_(
            [](void* at) -> BackwardFn { return static_cast<Fn&&>(*static_cast<std::remove_reference_t<Fn>*>(at)); }) {}
  /// Copies what has a name and moves from what has none: to be called once.
  [[nodiscard]] BackwardFn kept() const { return kept_(fn_); }

 private:
  void* fn_;
  BackwardFn (*kept_)(void* at);
};

/// Handle to a node of the graph. Copies refer to the same node.
class Variable {
 public:
  Variable() = default;
  /// A leaf: data (`requires_grad` false) or a parameter.
  explicit Variable(Tensor value, bool requires_grad = false);

  [[nodiscard]] bool empty() const noexcept { return node_ == nullptr; }
  /// Makes a deferred one: not from several threads.
  [[nodiscard]] const Tensor& value() const;
  [[nodiscard]] const Shape& shape() const noexcept;
  /// The same, for who has a use for a value that is not made yet.
  [[nodiscard]] LazyTensor& lazy_value() const noexcept;
  [[nodiscard]] bool requires_grad() const noexcept;
  /// Gradient accumulated by `backward`; an empty Tensor before that, and for anything but a leaf. Makes a deferred one: not from several threads.
  [[nodiscard]] const Tensor& grad() const;
  [[nodiscard]] bool has_grad() const noexcept;
  /// The gradient, if it was not asked for yet; else null.
  [[nodiscard]] DeferredTensor* deferred_grad() const noexcept;

  /// Replaces a leaf's value (an optimizer's update). Throws ShapeError if the shape changes.
  void set_value(Tensor value) const;
  /// A leaf's value to write into. The caller must not keep the reference across operations.
  [[nodiscard]] Tensor& mutable_value() const;
  [[nodiscard]] Tensor& mutable_grad() const;
  void zero_grad() const;
  /// The same value as a leaf without history.
  [[nodiscard]] Variable detach() const;

  [[nodiscard]] const std::shared_ptr<Node>& node() const noexcept { return node_; }

 private:
  friend struct Node;
  std::shared_ptr<Node> node_;
};

/// What a node that no operation made carries in place of an operation's name.
inline constexpr char kLeafOp[] = "leaf";

/// The node behind a Variable.
struct Node {
  LazyTensor value;
  Gradient grad;
  bool requires_grad = false;
  std::int64_t id = 0;
  const char* op = kLeafOp;      ///< operation that made it, as in error texts
  CachedString scope;            ///< path of the layer it was made in, e.g. "fc1"
  std::vector<Variable> inputs;  ///< released by `backward`
  BackwardFn backward;           ///< empty for leaves
  bool takes_deferred = false;   ///< a gradient that is not made yet

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();  // iterative: a chain of a million operations must not overflow the stack
};

/// References to the inputs of an operation, {x, weight}: for a parameter only.
using Inputs = std::initializer_list<std::reference_wrapper<const Variable>>;

/// Makes the result of an operation; `op` is a string literal other than "leaf". An empty Variable among the inputs
/// stands for an operand that was left out. Without an input that requires a gradient, or under NoGrad, the history is dropped.
[[nodiscard]] Variable record(const char* op, LazyTensor value, Inputs inputs, OfferedBackward backward);
[[nodiscard]] Variable record(const char* op, LazyTensor value, std::span<const Variable> inputs,
                              OfferedBackward backward);

/// The same for an operation whose `backward` has a use for a gradient that is not made yet.
[[nodiscard]] Variable record_deferring(const char* op, LazyTensor value, Inputs inputs, OfferedBackward backward);

/// The same for an operation whose gradient by its input is, or passes for, that by its result (straight-through estimators).
[[nodiscard]] Variable record_straight_through(const char* op, LazyTensor value, const Variable& input);

/// Adds d root/d leaf to every leaf's gradient and releases the graph. `root` must have one element (ShapeError).
/// Throws ShapeError when an operation returns a gradient of another shape than its input's, and Error when part of the
/// graph was already released by an earlier call.
void backward(const Variable& root);
/// The same for any shape, starting from the given gradient of the loss by `root`.
void backward(const Variable& root, const Tensor& grad);

/// Whether operations record history on this thread.
[[nodiscard]] bool grad_enabled() noexcept;

/// While alive, operations on this thread record no history.
class NoGrad {
 public:
  NoGrad() noexcept;
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;
  ~NoGrad();

 private:
  bool previous_;
};

/// While alive, nodes made on this thread carry this path ("block1/conv2" inside "block1"), for error texts.
class ScopeName {
 public:
  explicit ScopeName(std::string_view name);
  ScopeName(const ScopeName&) = delete;
  ScopeName& operator=(const ScopeName&) = delete;
  ~ScopeName();

 private:
  std::size_t previous_length_;
};

/// Where the first non-finite value arose among the nodes that `root` was computed from: "fc1: matmul"; for a parameter
/// or datum that is itself not finite, who uses it: "fc1: linear, input 1"; or "" if all are finite. To be called before `backward` releases the graph.
[[nodiscard]] std::string first_nonfinite(const Variable& root);

}  // namespace tempera::core
