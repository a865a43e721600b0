#include "tempera/core/variable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/profile.hpp"

namespace tempera::core {
namespace {

std::atomic<std::int64_t> next_id{1};
thread_local bool recording = true;
thread_local CachedString scope_path;

std::string place_of(const Node& node) {
  return node.scope.empty() ? std::string(node.op) : fmt::format("{}: {}", std::string_view(node.scope), node.op);
}

// sum += term, in place where nobody else holds the storage.
void accumulate(Tensor& sum, const Tensor& term) {
  constexpr std::int64_t kGrain = 32768;
  const auto add = kernels().add;
  Scalar* target = sum.mutable_data();
  const Scalar* source = term.data();
  parallel_for(sum.numel(), kGrain, [=](std::int64_t begin, std::int64_t end) {
    add(end - begin, target + begin, source + begin, target + begin);
  });
}

bool older(const std::shared_ptr<Node>& a, const std::shared_ptr<Node>& b) noexcept { return a->id < b->id; }

// The nodes whose gradient is complete but not yet propagated, youngest first. It is all that keeps a visited graph
// alive, so the memory of a node goes as soon as the node has been dealt with.
class Frontier {
 public:
  Frontier() = default;
  Frontier(const Frontier&) = delete;
  Frontier& operator=(const Frontier&) = delete;
  ~Frontier() {  // not empty after an exception: a second attempt must not find half a gradient
    for (const auto& node : heap_) node->grad = {};
  }

  void push(const std::shared_ptr<Node>& node) {
    heap_.push_back(node);
    std::ranges::push_heap(heap_, older);
  }
  std::shared_ptr<Node> pop() {
    std::ranges::pop_heap(heap_, older);
    std::shared_ptr<Node> node = std::move(heap_.back());
    heap_.pop_back();
    return node;
  }
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }

 private:
  std::vector<std::shared_ptr<Node>> heap_;
};

// Ends a lap of the engine's own work.
void lap_graph() { lap(Phase::kOutside, {}, "graph"); }

bool is_leaf(const Node& node) noexcept { return node.op == kLeafOp; }

// Adds to a node's gradient; a node made by an operation is queued when it receives its first one.
void deliver(const std::shared_ptr<Node>& node, Gradient gradient, Frontier& frontier) {
  if (!node->grad.empty()) return accumulate(node->grad.made(), gradient.made());
  node->grad = std::move(gradient);
  if (!is_leaf(*node)) frontier.push(node);
}

void check_gradients(const Node& node, const Gradients& gradients) {
  if (gradients.size() != node.inputs.size()) {
    throw ShapeError(fmt::format("backward of {}: returned {} gradients for {} inputs", place_of(node),
                                 gradients.size(), node.inputs.size()));
  }
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (gradients[i].empty() || !node.inputs[i].requires_grad()) continue;
    if (gradients[i].shape() != node.inputs[i].shape()) {
      throw ShapeError(fmt::format("backward of {}: gradient of input {} has shape {}, the input {}", place_of(node), i,
                                   gradients[i].shape().text(), node.inputs[i].shape().text()));
    }
  }
}

// A deferred gradient stays one where it is the only one and kept or handed on as it is. Others are made here, while the time
// is that of the operation.
void make_what_is_added(Gradients& gradients, const Node& node) {
  for (std::size_t i = 0; i < std::min(gradients.size(), node.inputs.size()); ++i) {
    if (gradients[i].empty() || !node.inputs[i].requires_grad()) continue;
    Node& input = *node.inputs[i].node();
    if (input.grad.empty() && (is_leaf(input) || input.takes_deferred)) continue;
    for (Gradient* gradient : {&gradients[i], &input.grad}) static_cast<void>(gradient->made());
  }
}

Gradients gradients_of(Node& node, Gradient gradient) {
  Gradients gradients = node.backward(gradient, Needs(node));
  make_what_is_added(gradients, node);
  return gradients;
}

void propagate(Node& node, Frontier& frontier) {
  Gradient gradient = std::exchange(node.grad, {});
  if (!node.backward) {
    throw Error(
        fmt::format("backward of {}: its history was released by an earlier backward through it", place_of(node)));
  }
  lap_graph();
  Gradients gradients = gradients_of(node, std::move(gradient));
  lap(Phase::kBackward, node.scope, node.op);
  check_gradients(node, gradients);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (gradients[i].empty() || !node.inputs[i].requires_grad()) continue;
    deliver(node.inputs[i].node(), std::move(gradients[i]), frontier);
  }
  node.backward = nullptr;
  node.inputs.clear();
}

template <class Input>
Variable record_with(const char* op, LazyTensor value, std::span<Input> inputs, const OfferedBackward& backward) {
  lap(Phase::kForward, scope_path, op);
  Variable result{Tensor()};
  Node& node = *result.node();
  node.value = std::move(value);
  node.op = op;
  node.scope = scope_path;
  const auto requires_grad = [](const Variable& input) { return input.requires_grad(); };
  if (recording && std::ranges::any_of(inputs, requires_grad)) {
    node.requires_grad = true;
    node.inputs.assign(inputs.begin(), inputs.end());
    node.backward = backward.kept();
  }
  lap_graph();
  return result;
}

}  // namespace

bool Needs::operator[](std::size_t input) const noexcept { return node_->inputs[input].requires_grad(); }

Node::~Node() {
  std::vector<std::shared_ptr<Node>> pending;
  const auto take_inputs = [&pending](Node& node) {
    for (Variable& input : node.inputs) pending.push_back(std::move(input.node_));
    node.inputs.clear();
  };
  take_inputs(*this);
  while (!pending.empty()) {
    const std::shared_ptr<Node> last = std::move(pending.back());
    pending.pop_back();
    if (last.use_count() == 1) take_inputs(*last);
  }
}

Variable::Variable(Tensor value, bool requires_grad) : node_(std::allocate_shared<Node>(CachedAllocator<Node>())) {
  node_->value = std::move(value);
  node_->requires_grad = requires_grad;
  node_->id = next_id.fetch_add(1, std::memory_order_relaxed);
}

const Tensor& Variable::value() const { return node_->value.made(); }
const Shape& Variable::shape() const noexcept { return node_->value.shape(); }
LazyTensor& Variable::lazy_value() const noexcept { return node_->value; }
bool Variable::requires_grad() const noexcept { return node_ != nullptr && node_->requires_grad; }
const Tensor& Variable::grad() const { return node_->grad.made(); }
bool Variable::has_grad() const noexcept { return !node_->grad.empty(); }
DeferredTensor* Variable::deferred_grad() const noexcept { return node_->grad.deferred(); }

void Variable::set_value(Tensor value) const {
  if (value.shape() != node_->value.shape()) {
    throw ShapeError(fmt::format("set_value: the variable has shape {}, received {}", node_->value.shape().text(),
                                 value.shape().text()));
  }
  node_->value = std::move(value);
}

Tensor& Variable::mutable_value() const { return node_->value.made(); }
Tensor& Variable::mutable_grad() const { return node_->grad.made(); }
void Variable::zero_grad() const { node_->grad = {}; }
Variable Variable::detach() const { return Variable(value()); }

Variable record(const char* op, LazyTensor value, Inputs inputs, OfferedBackward backward) {
  return record_with(op, std::move(value), std::span(inputs.begin(), inputs.size()), backward);
}

Variable record(const char* op, LazyTensor value, std::span<const Variable> inputs, OfferedBackward backward) {
  return record_with(op, std::move(value), inputs, backward);
}

Variable record_deferring(const char* op, LazyTensor value, Inputs inputs, OfferedBackward backward) {
  Variable result = record(op, std::move(value), inputs, backward);
  result.node()->takes_deferred = result.requires_grad();
  return result;
}

Variable record_straight_through(const char* op, LazyTensor value, const Variable& input) {
  return record_deferring(op, std::move(value), {input}, [](Gradient& dy, const Needs&) {
    Gradients gradients(1);
    gradients[0] = std::move(dy);
    return gradients;
  });
}

void backward(const Variable& root) {
  if (root.value().numel() != 1) {
    throw ShapeError(fmt::format("backward: starts from a single number, received shape {}", root.shape().text()));
  }
  backward(root, Tensor::full(root.shape(), Scalar{1}));
}

void backward(const Variable& root, const Tensor& grad) {
  if (grad.shape() != root.shape()) {
    throw ShapeError(
        fmt::format("backward: gradient has shape {}, the variable {}", grad.shape().text(), root.shape().text()));
  }
  if (!root.requires_grad()) return;
  Frontier frontier;
  deliver(root.node(), grad, frontier);
  while (!frontier.empty()) propagate(*frontier.pop(), frontier);
  lap_graph();
}

bool grad_enabled() noexcept { return recording; }
NoGrad::NoGrad() noexcept : previous_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() { recording = previous_; }

ScopeName::ScopeName(std::string_view name) : previous_length_(scope_path.size()) {
  lap_between();
  if (!scope_path.empty()) scope_path += '/';
  scope_path += name;
}
ScopeName::~ScopeName() { scope_path.resize(previous_length_); }

std::string first_nonfinite(const Variable& root) {
  struct Use {
    const Node* user = nullptr;  // null for the root
    std::size_t input = 0;
  };
  std::unordered_set<Node*> seen{root.node().get()};
  std::vector<std::pair<Node*, Use>> pending{{root.node().get(), Use{}}};
  const Node* first = nullptr;
  Use use;
  while (!pending.empty()) {
    const auto [node, from] = pending.back();
    pending.pop_back();
    for (std::size_t i = 0; i < node->inputs.size(); ++i) {
      Node* input = node->inputs[i].node().get();
      if (input != nullptr && seen.insert(input).second) pending.push_back({input, Use{node, i}});
    }
    if (first != nullptr && first->id < node->id) continue;
    if (std::ranges::all_of(node->value.made().values(), [](Scalar v) { return std::isfinite(v); })) continue;
    first = node;
    use = from;
  }
  if (first == nullptr) return {};
  if (!is_leaf(*first) || use.user == nullptr) return place_of(*first);
  return fmt::format("{}, input {}", place_of(*use.user), use.input);
}

}  // namespace tempera::core
