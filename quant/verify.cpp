#include "tempera/quant/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/nn/metrics.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/batch_part.hpp"
#include "tempera/quant/engine.hpp"
#include "tempera/quant/exact_forward.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

constexpr std::int64_t kImagesAtATime = 8;  // for the reference, which runs them one after the other

/// Keeps what the float form of fake quantization makes of a site's values.
class Recorder final : public nn::ValueTransform {
 public:
  explicit Recorder(std::shared_ptr<nn::ValueTransform> inner) : inner_(std::move(inner)) {}
  nn::Variable operator()(const nn::Variable& value, nn::ForwardContext& context) override {
    nn::Variable result = (*inner_)(value, context);
    seen = result.value();
    return result;
  }
  Tensor seen;

 private:
  std::shared_ptr<nn::ValueTransform> inner_;
};

/// Recorders in every site of activations that holds a quantizer, while this lives.
class Recording {
 public:
  explicit Recording(nn::Model& model) {
    for (nn::Site* site : model.sites()) {
      const SiteQuantizer* quantizer = quantizer_of(*site);
      if (quantizer == nullptr || site->kind == nn::SiteKind::kWeight || !quantizer->quantizer().ready()) continue;
      const std::optional<QParams> grid = quantizer->quantizer().params();
      if (!grid) continue;
      sites_.push_back({site, site->transform, std::make_shared<Recorder>(site->transform), grid->of_values()});
      site->transform = sites_.back().recorder;
    }
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() {
    for (const Entry& entry : sites_) entry.site->transform = entry.before;
  }

  struct Entry {
    nn::Site* site;
    std::shared_ptr<nn::ValueTransform> before;
    std::shared_ptr<Recorder> recorder;
    QParams grid;
  };
  [[nodiscard]] const std::vector<Entry>& sites() const noexcept { return sites_; }

 private:
  std::vector<Entry> sites_;
};

/// One batch on the road of the model.
struct Exact {
  Tensor logits;
  std::map<std::string, IntTensor> sites;
  IntTensor last;
};

/// How far down the network, which roads, which image, where in it: the smallest is reported.
using Place = std::tuple<std::size_t, int, std::int64_t, std::int64_t>;
struct Found {
  std::optional<Place> place;
  std::int32_t first = 0, second = 0;
  std::int64_t compared = 0;

  void merge(const Found& other) {
    compared += other.compared;
    if (!other.place || (place && *place < *other.place)) return;
    place = other.place;
    first = other.first;
    second = other.second;
  }
};

constexpr const char* kBetween[] = {"fake quantization and reference", "reference and engine"};

// `part` are some images of `whole`, from `image` on; `part_first` says which of both is the first road.
void compare(const IntTensor& part, const IntTensor& whole, std::int64_t image, std::size_t instruction, int roads,
             Found& found) {
  const auto each = static_cast<std::int64_t>(part.values.size()) / part.shape[0];
  const std::int32_t* other = whole.values.data() + image * each;
  found.compared += static_cast<std::int64_t>(part.values.size());
  const auto differs = std::mismatch(part.values.begin(), part.values.end(), other);
  if (differs.first == part.values.end()) return;
  const std::int64_t at = differs.first - part.values.begin();
  Found here{.place = Place{instruction, roads, image + at / each, at % each},
             .first = *differs.second,
             .second = *differs.first};
  if (roads == 1) std::swap(here.first, here.second);
  found.merge(here);
}

// The real number that an integer of the last buffer stands for.
float real_of(const Program& program, std::int32_t q, std::int64_t index) {
  const ProgramBuffer& buffer = program.buffers[static_cast<std::size_t>(program.instructions.back().output)];
  const auto values = static_cast<std::size_t>(buffer.shape.numel());
  const std::size_t slot = static_cast<std::size_t>(index) / (values / buffer.scale.size());
  return static_cast<float>(q - buffer.zero_point) * buffer.scale[slot];
}

class Verifier {
 public:
  explicit Verifier(const Program& program) : program_(program), engine_(program) {}
  Verifier(nn::Model& model, const LowerConfig& config, const Program& program)
      : model_(&model), program_(program), exact_(std::make_unique<ExactForward>(model, config)), engine_(program) {
    for (const nn::Site* site : model.sites()) names_.insert(site->name);
  }

  // False where the roads part.
  bool compare_batch(const core::Batch& batch) {
    const Exact exact = model_ != nullptr ? exact_of(batch.inputs) : Exact{};
    const std::vector<IntTensor> engine = engine_of(batch.inputs);
    const auto part = [&](std::int64_t begin, std::int64_t end) {
      Found found;
      const auto watch = [&](std::size_t i, const IntTensor& value) {
        const IntTensor* expected = model_ != nullptr ? site_value(exact, i) : nullptr;
        if (expected != nullptr) compare(value, *expected, begin, i, 0, found);
        compare(value, engine[i], begin, i, 1, found);
      };
      static_cast<void>(run_reference(program_, slice(batch.inputs, begin, end), watch));
      return found;
    };
    const Found found =
        core::parallel_reduce(batch.size(), kImagesAtATime, Found{}, part, [](Found all, const Found& more) {
          all.merge(more);
          return all;
        });
    result_.values += found.compared;
    if (found.place) {
      report(*found.place, found, batch);
    } else {
      compare_shipped(batch, engine.back());
    }
    if (model_ != nullptr) {
      compare_floats(batch, exact);
      if (!result_.difference) compare_reals(batch, exact);
    }
    result_.images += batch.size();
    return !result_.difference;
  }

  Verification take() {
    const auto share = [](std::int64_t part, std::int64_t of) {
      return of == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(of);
    };
    std::int64_t values = 0, differ = 0;
    for (const FloatForm& form : result_.float_sites) {
      values += form.values;
      differ += form.differ;
    }
    result_.float_activations_differ = share(differ, values);
    result_.float_predictions_differ = share(predictions_differ_, result_.images);
    return std::move(result_);
  }

 private:
  Exact exact_of(const Tensor& x) {
    Exact exact;
    exact.logits = exact_->logits(x, [&](const std::string& site, const IntTensor& value) {
      if (names_.contains(site)) exact.sites[site] = value;
      exact.last = value;
    });
    if (result_.sites.empty()) {
      std::set<std::string> seen;
      for (const ProgramBuffer& buffer : program_.buffers) {
        if (exact.sites.contains(buffer.site) && seen.insert(buffer.site).second) result_.sites.push_back(buffer.site);
      }
    }
    return exact;
  }

  // What the exact forward says of an instruction's output; null if that is no site.
  const IntTensor* site_value(const Exact& exact, std::size_t instruction) const {
    const ProgramBuffer& buffer = program_.buffers[static_cast<std::size_t>(program_.instructions[instruction].output)];
    const auto found = exact.sites.find(buffer.site);
    const bool last = instruction + 1 == program_.instructions.size();
    if (!last && found == exact.sites.end()) return nullptr;
    const IntTensor& value = last ? exact.last : found->second;
    if (value.shape.without_batch() == buffer.shape) return &value;
    throw core::Error(
        fmt::format("site \"{}\": the program's values have shape {}, the model's {}: it is not the program of "
                    "this model",
                    buffer.site, buffer.shape.text(), value.shape.without_batch().text()));
  }

  // By instruction.
  std::vector<IntTensor> engine_of(const Tensor& x) {
    std::vector<IntTensor> values(program_.instructions.size());
    values.back() = engine_.run(x, [&](std::size_t i, const IntTensor& value) { values[i] = value; });
    return values;
  }

  // Nobody watches what is shipped: the engine then fuses steps, and gives buffers to others that are done.
  void compare_shipped(const core::Batch& batch, const IntTensor& watched) {
    const std::span<const std::int32_t> shipped = engine_.run(batch.inputs);
    const auto differs = std::mismatch(watched.values.begin(), watched.values.end(), shipped.begin(), shipped.end());
    if (differs.first == watched.values.end()) return;
    const std::int64_t at = differs.first - watched.values.begin();
    const auto each = static_cast<std::int64_t>(watched.values.size()) / batch.size();
    result_.difference = Difference{.site = site_of(program_.instructions.size() - 1),
                                    .image = image_of(batch, at / each),
                                    .index = at % each,
                                    .first = *differs.first,
                                    .second = *differs.second,
                                    .between = "the engine step by step and the engine as it is shipped",
                                    .reals = {}};
  }

  // Training's form of fake quantization is allowed to differ; how often is what is asked.
  void compare_floats(const core::Batch& batch, const Exact& exact) {
    const core::NoGrad no_grad;
    const Recording recording(*model_);  // no longer than needed: it hides the quantizers from the exact forward
    nn::ForwardContext context;
    const Tensor logits = model_->forward(nn::Variable(batch.inputs), context).value();
    for (const Recording::Entry& entry : recording.sites()) {
      const auto found = exact.sites.find(entry.site->name);
      if (found == exact.sites.end()) continue;
      const std::span<const Scalar> reals = entry.recorder->seen.values();
      FloatForm& form = float_form(entry.site->name);
      for (std::size_t i = 0; i < reals.size(); ++i) {
        const std::int64_t steps =
            std::abs(std::int64_t{entry.grid.quantize(static_cast<float>(reals[i]))} - found->second.values[i]);
        form.differ += steps != 0 ? 1 : 0;
        form.largest = std::max(form.largest, steps);
      }
      form.values += static_cast<std::int64_t>(reals.size());
    }
    predictions_differ_ += differing_predictions(logits, exact.logits);
  }

  FloatForm& float_form(const std::string& site) {
    for (FloatForm& form : result_.float_sites) {
      if (form.site == site) return form;
    }
    return result_.float_sites.emplace_back(FloatForm{.site = site});
  }

  // Equal integers stand for equal numbers only where their scale is the same: a program of weights twice as large has the
  // same integers.
  void compare_reals(const core::Batch& batch, const Exact& exact) {
    const std::span<const Scalar> reals = exact.logits.values();
    const auto each = static_cast<std::int64_t>(reals.size()) / batch.size();
    for (std::size_t i = 0; i < reals.size(); ++i) {
      const std::int64_t index = static_cast<std::int64_t>(i) % each;
      const std::int32_t q = exact.last.values[i];
      const float real = real_of(program_, q, index);
      if (static_cast<float>(reals[i]) == real) continue;
      result_.difference = Difference{.site = site_of(program_.instructions.size() - 1),
                                      .image = image_of(batch, static_cast<std::int64_t>(i) / each),
                                      .index = index,
                                      .first = q,
                                      .second = q,
                                      .between = "the real outputs of fake quantization and program",
                                      .reals = std::pair(static_cast<double>(reals[i]), static_cast<double>(real))};
      return;
    }
  }

  [[nodiscard]] const std::string& site_of(std::size_t instruction) const {
    return program_.buffers[static_cast<std::size_t>(program_.instructions[instruction].output)].site;
  }
  [[nodiscard]] std::int64_t image_of(const core::Batch& batch, std::int64_t in_batch) const {
    const auto i = static_cast<std::size_t>(in_batch);
    return i < batch.indices.size() ? batch.indices[i] : result_.images + in_batch;
  }

  void report(const Place& place, const Found& found, const core::Batch& batch) {
    const auto [instruction, roads, image, index] = place;
    result_.difference = Difference{.site = site_of(instruction),
                                    .image = image_of(batch, image),
                                    .index = index,
                                    .first = found.first,
                                    .second = found.second,
                                    .between = kBetween[roads],
                                    .reals = {}};
  }

  nn::Model* model_ = nullptr;
  const Program& program_;
  std::unique_ptr<ExactForward> exact_;
  Engine engine_;
  std::set<std::string> names_;  ///< of the model's sites; other buffers are named after their layers
  Verification result_;
  std::int64_t predictions_differ_ = 0;
};

Verification verified(Verifier& verifier, core::BatchSource& images, std::int64_t limit,
                      const std::atomic<bool>* interrupt) {
  core::Batch batch;
  images.start(0, 0);
  while (limit > 0 && images.next(batch)) {
    if (interrupt != nullptr && interrupt->load(std::memory_order_relaxed)) {
      throw core::Interrupted("interrupted while verifying");
    }
    const core::Batch part = first_of(batch, limit);
    limit -= part.size();
    if (!verifier.compare_batch(part)) break;
  }
  return verifier.take();
}

}  // namespace

std::int64_t differing_predictions(const Tensor& a, const Tensor& b) {
  const std::int64_t batch = a.dim(0);
  if (a.numel() == 0) return 0;
  const core::Shape rows{batch, a.numel() / batch};
  const std::vector<std::int32_t> first = nn::predictions(a.reshaped(rows)), second = nn::predictions(b.reshaped(rows));
  std::int64_t differ = 0;
  for (std::size_t i = 0; i < first.size(); ++i) differ += first[i] != second[i] ? 1 : 0;
  return differ;
}

Verification verify(nn::Model& model, const LowerConfig& config, const Program& program, core::BatchSource& images,
                    std::int64_t limit, const std::atomic<bool>* interrupt) {
  Verifier verifier(model, config, program);
  return verified(verifier, images, limit, interrupt);
}

Verification verify(const Program& program, core::BatchSource& images, std::int64_t limit,
                    const std::atomic<bool>* interrupt) {
  Verifier verifier(program);
  return verified(verifier, images, limit, interrupt);
}

}  // namespace tempera::quant
