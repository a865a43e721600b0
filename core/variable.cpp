#include "tempera/core/variable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <queue>
#include <unordered_set>
#include <utility>

#include "tempera/core/errors.hpp"

namespace tempera::core {
namespace {

std::atomic<std::int64_t> next_id{1};
thread_local bool recording = true;
thread_local std::string scope_path;

std::string place_of(const Node& node) {
  return node.scope.empty() ? std::string(node.op) : fmt::format("{}: {}", node.scope, node.op);
}

// sum += term, in place where nobody else holds the storage.
void accumulate(Tensor& sum, Tensor term) {
  if (sum.empty()) {
    sum = std::move(term);
    return;
  }
  const std::span<Scalar> target = sum.mutable_values();
  const std::span<const Scalar> source = term.values();
  for (std::size_t i = 0; i < target.size(); ++i) target[i] += source[i];
}

struct YoungestFirst {
  bool operator()(const Node* a, const Node* b) const noexcept { return a->id < b->id; }
};

// Keeps every node of a traversal alive through the shared pointer that reached it.
class Frontier {
 public:
  void push(const std::shared_ptr<Node>& node) {
    if (!seen_.insert(node.get()).second) return;
    alive_.push_back(node);
    queue_.push(node.get());
  }
  Node* pop() {
    if (queue_.empty()) return nullptr;
    Node* node = queue_.top();
    queue_.pop();
    return node;
  }

 private:
  std::priority_queue<Node*, std::vector<Node*>, YoungestFirst> queue_;
  std::unordered_set<const Node*> seen_;
  std::vector<std::shared_ptr<Node>> alive_;
};

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

void propagate(Node& node, Frontier& frontier) {
  Gradients gradients = node.backward(node.grad, Needs(node));
  check_gradients(node, gradients);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const std::shared_ptr<Node>& input = node.inputs[i].node();
    if (gradients[i].empty() || !input->requires_grad) continue;
    accumulate(input->grad, std::move(gradients[i]));
    frontier.push(input);
  }
  node.grad = Tensor();
  node.backward = nullptr;
  node.inputs.clear();
}

}  // namespace

bool Needs::operator[](std::size_t input) const noexcept { return node_->inputs[input].requires_grad(); }

Node::~Node() {
  std::vector<std::shared_ptr<Node>> pending;
  const auto detach_inputs = [&pending](Node& node) {
    for (Variable& input : node.inputs) {
      if (input.node().use_count() == 1) pending.push_back(input.node());
    }
    node.inputs.clear();
    node.backward = nullptr;
  };
  detach_inputs(*this);
  while (!pending.empty()) {
    const std::shared_ptr<Node> last = std::move(pending.back());
    pending.pop_back();
    if (last.use_count() == 1) detach_inputs(*last);
  }
}

Variable::Variable(Tensor value, bool requires_grad) : node_(std::make_shared<Node>()) {
  node_->value = std::move(value);
  node_->requires_grad = requires_grad;
  node_->id = next_id.fetch_add(1, std::memory_order_relaxed);
}

const Tensor& Variable::value() const noexcept { return node_->value; }
bool Variable::requires_grad() const noexcept { return node_ != nullptr && node_->requires_grad; }
const Tensor& Variable::grad() const noexcept { return node_->grad; }

void Variable::set_value(Tensor value) const {
  if (value.shape() != node_->value.shape()) {
    throw ShapeError(fmt::format("set_value: the variable has shape {}, received {}", node_->value.shape().text(),
                                 value.shape().text()));
  }
  node_->value = std::move(value);
}

Tensor& Variable::mutable_value() const { return node_->value; }
Tensor& Variable::mutable_grad() const { return node_->grad; }
void Variable::zero_grad() const { node_->grad = Tensor(); }
Variable Variable::detach() const { return Variable(value()); }

Variable record(const char* op, Tensor value, std::vector<Variable> inputs, BackwardFn backward) {
  Variable result{std::move(value)};
  result.node_->op = op;
  result.node_->scope = scope_path;
  if (recording && std::ranges::any_of(inputs, &Variable::requires_grad)) {
    result.node_->requires_grad = true;
    result.node_->inputs = std::move(inputs);
    result.node_->backward = std::move(backward);
  }
  return result;
}

void backward(const Variable& root) {
  if (root.value().numel() != 1) {
    throw ShapeError(fmt::format("backward: starts from a single number, received shape {}", root.shape().text()));
  }
  backward(root, Tensor::full(root.shape(), Scalar{1}));
}

void backward(const Variable& root, const Tensor& grad) {
  if (grad.shape() != root.shape()) {
    throw ShapeError(fmt::format("backward: gradient has shape {}, the variable {}", grad.shape().text(),
                                 root.shape().text()));
  }
  if (!root.requires_grad()) return;
  Frontier frontier;
  accumulate(root.mutable_grad(), grad);
  frontier.push(root.node());
  while (Node* node = frontier.pop()) {
    if (node->backward) propagate(*node, frontier);
  }
}

bool grad_enabled() noexcept { return recording; }
NoGrad::NoGrad() noexcept : previous_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() { recording = previous_; }

ScopeName::ScopeName(std::string_view name) : previous_length_(scope_path.size()) {
  if (!scope_path.empty()) scope_path += '/';
  scope_path += name;
}
ScopeName::~ScopeName() { scope_path.resize(previous_length_); }

std::string first_nonfinite(const Variable& root) {
  Frontier frontier;
  frontier.push(root.node());
  const Node* first = nullptr;
  while (Node* node = frontier.pop()) {
    for (const Variable& input : node->inputs) frontier.push(input.node());
    const bool finite = std::ranges::all_of(node->value.values(), [](Scalar v) { return std::isfinite(v); });
    if (!finite && (first == nullptr || node->id < first->id)) first = node;
  }
  return first == nullptr ? std::string() : place_of(*first);
}

}  // namespace tempera::core
