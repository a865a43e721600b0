// What weights start from. A random number depends on (seed, parameter's name, position) and nothing else.
#pragma once

#include <cstdint>
#include <memory>

#include "tempera/core/fields.hpp"
#include "tempera/core/random.hpp"
#include "tempera/core/registry.hpp"
#include "tempera/core/tensor.hpp"

namespace tempera::nn {

/// How many numbers meet in one output (in) and how many outputs one input reaches (out).
struct Fans {
  std::int64_t in = 0;
  std::int64_t out = 0;
};
/// Of a weight [out, in, kernel…]: in·Πkernel and out·Πkernel. Throws ShapeError for fewer than two axes.
[[nodiscard]] Fans fans(const core::Shape& weight);

class Initializer {
 public:
  Initializer() = default;
  Initializer(const Initializer&) = delete;
  Initializer& operator=(const Initializer&) = delete;
  virtual ~Initializer() = default;
  /// Writes every value. Throws ShapeError if the scheme needs fans that the shape does not have.
  virtual void fill(core::Tensor& tensor, const core::Random& random) const = 0;
};

/// He et al. 2015 (arXiv 1502.01852) eq. 15 for a leaky ReLU: deviation √(2 / ((1 + slope²)·fan)).
struct KaimingConfig {
  enum class Fan { kIn, kOut };
  double negative_slope = 0;
  Fan fan = Fan::kIn;
  void fields(core::FieldVisitor& v);
};

class KaimingNormal final : public Initializer {
 public:
  using Config = KaimingConfig;
  explicit KaimingNormal(const Config& config) : config_(config) {}
  void fill(core::Tensor& tensor, const core::Random& random) const override;

 private:
  Config config_;
};

/// The same deviation from a uniform distribution: bound √3·deviation.
class KaimingUniform final : public Initializer {
 public:
  using Config = KaimingConfig;
  explicit KaimingUniform(const Config& config) : config_(config) {}
  void fill(core::Tensor& tensor, const core::Random& random) const override;

 private:
  Config config_;
};

struct GainConfig {
  double gain = 1;
  void fields(core::FieldVisitor& v);
};

/// Glorot & Bengio 2010 §4.2.1: deviation gain·√(2 / (fan_in + fan_out)).
class XavierNormal final : public Initializer {
 public:
  using Config = GainConfig;
  explicit XavierNormal(const Config& config) : config_(config) {}
  void fill(core::Tensor& tensor, const core::Random& random) const override;

 private:
  Config config_;
};

/// Glorot & Bengio 2010 eq. 16: bound gain·√(6 / (fan_in + fan_out)).
class XavierUniform final : public Initializer {
 public:
  using Config = GainConfig;
  explicit XavierUniform(const Config& config) : config_(config) {}
  void fill(core::Tensor& tensor, const core::Random& random) const override;

 private:
  Config config_;
};

/// Saxe et al. 2014 (arXiv 1312.6120): rows (or columns, if there are fewer of them) of [out, rest] are orthogonal and of
/// length `gain`, uniformly distributed among all such matrices.
class OrthogonalInit final : public Initializer {
 public:
  using Config = GainConfig;
  explicit OrthogonalInit(const Config& config) : config_(config) {}
  void fill(core::Tensor& tensor, const core::Random& random) const override;

 private:
  Config config_;
};

class NormalInit final : public Initializer {
 public:
  struct Config {
    double mean = 0;
    double deviation = 0.01;
    void fields(core::FieldVisitor& v);
  };
  explicit NormalInit(const Config& config) : config_(config) {}
  void fill(core::Tensor& tensor, const core::Random& random) const override;

 private:
  Config config_;
};

class UniformInit final : public Initializer {
 public:
  struct Config {
    double low = -0.1;
    double high = 0.1;
    void fields(core::FieldVisitor& v);
  };
  explicit UniformInit(const Config& config) : config_(config) {}
  void fill(core::Tensor& tensor, const core::Random& random) const override;

 private:
  Config config_;
};

class ConstantInit final : public Initializer {
 public:
  struct Config {
    double value = 0;
    void fields(core::FieldVisitor& v);
  };
  explicit ConstantInit(const Config& config) : config_(config) {}
  void fill(core::Tensor& tensor, const core::Random& random) const override;

 private:
  Config config_;
};

class InitializerRegistry final : public core::Registry<Initializer> {
 public:
  /// Knows kaiming_normal, kaiming_uniform, xavier_normal, xavier_uniform, orthogonal, normal, uniform and constant.
  InitializerRegistry();
  [[nodiscard]] static const InitializerRegistry& builtin();
};

/// A copyable choice of initialiser in a layer's Config.
using InitializerChoice = core::Clonable<core::Configurable>;
/// PyTorch's default for weights of linear and convolution: kaiming_uniform of slope √5, which is ±1/√fan_in.
[[nodiscard]] InitializerChoice default_weight_init();
/// The initialiser that `choice` describes; if it is not set, ±1/√fan_in of `weight`, PyTorch's default for biases.
[[nodiscard]] std::unique_ptr<Initializer> weight_initializer(const InitializerChoice& choice,
                                                              const core::Shape& weight);

}  // namespace tempera::nn
