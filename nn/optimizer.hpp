// Optimizers: how parameters move along their gradients. One file and one registration each:
//
//   class Sgd final : public Optimizer {
//    public:
//     struct Config { double learning_rate = 0.01; …; void fields(core::FieldVisitor& v); };
//     Sgd(const Config& config, const std::vector<Parameter>& parameters);
//   };
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/registry.hpp"
#include "tempera/core/row_gradient.hpp"
#include "tempera/nn/parameter.hpp"

namespace tempera::nn {

/// Options of every optimizer.
struct OptimizerCommon {
  std::optional<double> clip_norm;           ///< longest allowed gradient over all parameters together (L2)
  std::optional<double> clip_value;          ///< largest allowed magnitude of a gradient's element
  std::optional<double> max_squared_length;  ///< of each unit's incoming weights (Hinton et al. 2012, §2)
  bool decay_all = false;                    ///< weight decay acts on biases and gains, too, not on weights alone

  void fields(core::FieldVisitor& v);
};

/// State that belongs to a parameter, for checkpoints.
struct OptimizerState {
  std::string name;      ///< "fc1.weight/momentum"
  core::Tensor* tensor;  ///< inside of the optimizer; may be assigned a tensor of the same shape
};

/// Base of all optimizers. Results do not depend on the number of threads; a step in steady state takes no memory from
/// the system.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update: clips the gradients, moves every parameter that has one, applies the length limit. Gradients stay (see
  /// zero_grad); deferred ones are made rows by rows on the way unless something has asked for them before. The parameters'
  /// values are written in place unless another handle shares them.
  void step();
  /// Drops the gradients; their memory goes to the next step's.
  void zero_grad() const;

  /// Names the numbers in use, so that a schedule can change them while training: "learning_rate", "momentum".
  void fields(core::FieldVisitor& v);
  [[nodiscard]] std::vector<OptimizerState> state();
  [[nodiscard]] std::int64_t steps() const noexcept { return steps_; }
  void set_steps(std::int64_t steps) noexcept { steps_ = steps; }
  [[nodiscard]] const std::vector<Parameter>& parameters() const noexcept { return parameters_; }
  void set_common(const OptimizerCommon& common) { common_ = common; }
  /// The name under which a registry knows it; empty for one that was made without a registry.
  [[nodiscard]] const std::string& type() const noexcept { return type_; }
  void set_type(std::string_view type) { type_ = type; }

 protected:
  static constexpr std::size_t kMaxStates = 3;

  /// A piece of one parameter with what belongs to it.
  struct Piece {
    std::int64_t n = 0;
    Scalar* w = nullptr;
    const Scalar* g = nullptr;
    std::array<Scalar*, kMaxStates> state{};
    bool decayed = false;  ///< whether weight decay applies
    double rate = 1;       ///< Parameter::learning_rate_scale: multiplies the learning rate
  };

  /// Each state is a tensor per parameter, zero at first. At most kMaxStates.
  Optimizer(const std::vector<Parameter>& parameters, std::vector<std::string> states);
  virtual void config_fields(core::FieldVisitor& v) = 0;
  /// Once per step, after steps() was counted up and before any update.
  virtual void prepare() {}
  /// Called for pieces on several threads at a time.
  virtual void update(const Piece& piece) const noexcept = 0;

 private:
  struct Chunk {
    std::size_t parameter;
    std::int64_t begin, end;
    std::int64_t share;
    bool by_rows;  ///< of a matrix, cut between rows
  };
  /// A piece, and what its gradient is made of if that was not yet.
  struct Job {
    Piece piece;
    const core::RowGradient* deferred = nullptr;
    std::int64_t first_row = 0, end_row = 0;
  };

  void cut_into_chunks();
  void gather_jobs();
  void run_jobs() const;
  void make_and_update(const Job& job) const;

  std::vector<Parameter> parameters_;
  std::vector<std::string> state_names_;
  std::vector<std::vector<core::Tensor>> states_;  // [state][parameter]
  std::vector<Chunk> chunks_;                      // of all parameters, depending on their sizes alone
  std::vector<Job> jobs_;                          // of those with a gradient in this step
  std::vector<std::size_t> share_ends_;            // jobs before the end of each share
  std::int64_t elements_ = 0;
  OptimizerCommon common_;
  std::string type_;
  std::int64_t steps_ = 0;
};

/// The optimizers a program knows.
class OptimizerRegistry final : public core::Registry<Optimizer, OptimizerCommon, const std::vector<Parameter>&> {
 public:
  using Base = core::Registry<Optimizer, OptimizerCommon, const std::vector<Parameter>&>;
  /// Knows every optimizer of builtin_optimizers.def.
  OptimizerRegistry();
  /// One for all who add nothing.
  [[nodiscard]] static const OptimizerRegistry& builtin();
  /// Builds the optimizer that `config` describes, with the options all of them share.
  [[nodiscard]] std::unique_ptr<Optimizer> make(const core::Configurable& config,
                                                const std::vector<Parameter>& parameters) const;
};

}  // namespace tempera::nn
