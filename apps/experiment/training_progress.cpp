#include "tempera/apps/experiment/training_progress.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tempera::cli {

void TrainingProgress::on_step(const nn::StepReport& step) {
  if (!line_.due()) return;
  const double samples = static_cast<double>(std::max<std::int64_t>(step.sums.samples, 1));
  const double done =
      static_cast<double>(step.epoch - 1) + static_cast<double>(step.batch) / static_cast<double>(step.batches);
  const double left = static_cast<double>(epochs_) - done;
  const double batch_seconds = step.sums.seconds / static_cast<double>(std::max<std::int64_t>(step.batch, 1));
  // An epoch that was resumed has samples from before, and no time of its own yet.
  const std::string pace = step.sums.seconds > 0
                               ? fmt::format("  {:.0f} images/s  {} left", samples / step.sums.seconds,
                                             duration_text(left * static_cast<double>(step.batches) * batch_seconds))
                               : "";
  line_.draw(done / static_cast<double>(epochs_), fmt::format("epoch {}/{}", step.epoch, epochs_),
             fmt::format("loss {:.4f}  accuracy {:.2f} %{}", step.sums.loss / samples,
                         100 * static_cast<double>(step.sums.correct) / samples, pace));
}

void TrainingProgress::on_epoch(const nn::EpochRecord& record) {
  line_.clear();
  std::string text = fmt::format("epoch {}/{}  train loss {:.4f}, accuracy {:.2f} %", record.epoch, epochs_,
                                 record.train.loss, 100 * record.train.accuracy);
  if (record.validation) {
    text += fmt::format("  validation loss {:.4f}, accuracy {:.2f} %", record.validation->loss,
                        100 * record.validation->accuracy);
  }
  say(fmt::format("{}  {:.0f} images/s, {}", text, record.samples_per_second, duration_text(record.seconds)));
}

}  // namespace tempera::cli
