// Softmax and the loss that goes with it.
#pragma once

#include <cstdint>
#include <span>

#include "tempera/core/variable.hpp"

namespace tempera::core {

/// exp(x − max) / Σ over the last axis. Throws ShapeError for a scalar or an empty last axis.
[[nodiscard]] Variable softmax(const Variable& x);
/// x − max − log Σ exp(x − max) over the last axis, computed directly and not as log(softmax(x)).
[[nodiscard]] Variable log_softmax(const Variable& x);
/// softmax(x / T) and log_softmax(x / T) (Hinton et al. 2015, eq. 1), computed as (x − max)/T, so that no quotient overflows
/// upwards: a logarithm that lies below all of float32 is −∞. Throws ConfigError unless T > 0 and finite.
[[nodiscard]] Variable softmax(const Variable& x, double temperature);
[[nodiscard]] Variable log_softmax(const Variable& x, double temperature);

/// Mean over the batch of −Σ_c t_c·log softmax(logits)_c with t = (1−s)·onehot(label) + s/classes, s the label smoothing
/// (Szegedy et al. 2016, §7): logits [batch, classes], labels [batch] → scalar. Fused: defined by
/// −mean over rows of sum(t · log_softmax(logits)). Throws ShapeError for shapes that do not fit, an empty batch, or a
/// label outside of the classes, ConfigError unless 0 ≤ s < 1.
[[nodiscard]] Variable cross_entropy(const Variable& logits, std::span<const std::int32_t> labels,
                                     double label_smoothing = 0.0);

}  // namespace tempera::core
