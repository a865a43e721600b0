// Oracle: three roads that share nothing but requantize() and a page of rules; and mutations of a program, of which each must
// be found at its place.
#include "tempera/quant/verify.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "quant/zoo.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/quant/lower.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using core::Tensor;

// Some images in batches; image i of the set is called 100 + i.
class Images final : public core::BatchSource {
 public:
  Images(Tensor x, std::int64_t batch) : x_(std::move(x)), batch_(batch) {}
  [[nodiscard]] std::int64_t samples() const override { return x_.shape()[0]; }
  [[nodiscard]] std::int64_t batches_per_epoch() const override { return (samples() + batch_ - 1) / batch_; }
  void start(std::int64_t /*epoch*/, std::int64_t first) override { at_ = first * batch_; }
  [[nodiscard]] bool next(core::Batch& batch) override {
    const std::int64_t n = std::min(batch_, samples() - at_);
    if (n <= 0) return false;
    const core::Shape sample = x_.shape().without_batch();
    batch = {.inputs = Tensor(sample.with_batch(n), x_.values().subspan(static_cast<std::size_t>(at_ * sample.numel()),
                                                                        static_cast<std::size_t>(n * sample.numel()))),
             .labels = std::vector<std::int32_t>(static_cast<std::size_t>(n), 0),
             .indices = {}};
    for (std::int64_t i = 0; i < n; ++i) batch.indices.push_back(100 + at_ + i);
    at_ += n;
    return true;
  }

 private:
  Tensor x_;
  std::int64_t batch_, at_ = 0;
};

const quant_test::Animal& animal(const std::string& name) {
  static const std::vector<quant_test::Animal> all = quant_test::zoo();
  for (const quant_test::Animal& one : all) {
    if (one.name == name) return one;
  }
  throw core::Error("no animal " + name);
}

TEST_CASE("exact fake quantization, reference and engine agree in every bit of every network") {
  for (const quant_test::Animal& one : quant_test::zoo()) {
    for (const RequantMode mode : {RequantMode::kSingle, RequantMode::kGemmlowpDouble, RequantMode::kFloat32}) {
      CAPTURE(one.name);
      CAPTURE(std::string(kRequantModes[static_cast<std::size_t>(mode)]));
      quant_test::Quantized it(one.layers, one.input, one.rules);
      const LowerConfig config{.requant = mode};
      Images images(it.images, 24);
      const Verification found = verify(it.model, config, lower(it.model, config), images, 50);
      CHECK(found.images == 50);
      CHECK(found.sites.size() >= 1);
      CHECK(found.values > 50 * it.model.output().numel());
      if (found.difference) {
        FAIL_CHECK(found.difference->site << " image " << found.difference->image << " index "
                                          << found.difference->index << ": " << found.difference->first << ", "
                                          << found.difference->second << " (" << found.difference->between << ")");
      }
      // gemmlowp's first rounding is to whole units before the shift: of small accumulators it leaves little.
      if (mode != RequantMode::kGemmlowpDouble) CHECK(found.float_activations_differ < 0.05);
      std::int64_t values = 0, differ = 0;
      for (const FloatForm& form : found.float_sites) {
        CHECK((form.differ > 0) == (form.largest > 0));
        values += form.values;
        differ += form.differ;
      }
      REQUIRE(values > 0);
      CHECK(found.float_activations_differ ==
            doctest::Approx(static_cast<double>(differ) / static_cast<double>(values)));
    }
  }
}

Difference mutated(const std::string& name, const std::function<void(Program&)>& change) {
  const quant_test::Animal& one = animal(name);
  quant_test::Quantized it(one.layers, one.input, one.rules);
  Program program = lower(it.model, {});
  change(program);
  Images images(it.images, 24);
  const Verification found = verify(it.model, {}, program, images, 64);
  REQUIRE_MESSAGE(found.difference, "the change was not noticed");
  CHECK(found.difference->first != found.difference->second);
  CHECK(found.difference->between == "fake quantization and reference");
  CHECK(found.difference->image >= 100);
  return *found.difference;
}

template <class Operation>
Operation& operation(Program& program, std::size_t i) {
  return std::get<Operation>(program.instructions[i].operation);
}

TEST_CASE("a weight, a bias, a multiplier, a zero point and a padding that are changed are found where they are") {
  const auto conv = [](const std::function<void(program::Conv2d&)>& change) {
    return mutated("padding, stride, dilation, groups",
                   [&](Program& program) { change(operation<program::Conv2d>(program, 2)); });
  };
  CHECK(conv([](auto& c) { c.weight.values[40] = static_cast<std::int8_t>(c.weight.values[40] / 2 + 3); }).site ==
        "a2.output");
  CHECK(conv([](auto& c) { c.bias[2] += 400; }).site == "a2.output");
  CHECK(conv([](auto& c) { c.requant->multipliers[1].shift += 1; }).site == "a2.output");
  CHECK(conv([](auto& c) { c.requant->low += 1; }).site == "a2.output");
  CHECK(conv([](auto& c) { std::swap(c.weight.values[0], c.weight.values[8]); }).site == "a2.output");
}

TEST_CASE("the first difference and the number of integers compared do not depend on the number of threads") {
  const quant_test::Animal& one = animal("padding, stride, dilation, groups");
  quant_test::Quantized it(one.layers, one.input, one.rules);
  Program program = lower(it.model, {});
  operation<program::Conv2d>(program, 2).requant->high -= 1;  // few values reach the end, in some images only
  const int before = core::thread_count();
  std::vector<Verification> all;
  for (const int threads : {1, 2, 3, 7}) {
    core::set_thread_count(threads);
    Images images(it.images, 50);
    all.push_back(verify(it.model, {}, program, images, 64));
  }
  core::set_thread_count(before);
  REQUIRE(all[0].difference);
  for (const Verification& found : all) {
    REQUIRE(found.difference);
    CHECK(found.images == all[0].images);
    CHECK(found.values == all[0].values);
    CHECK(found.difference->site == all[0].difference->site);
    CHECK(found.difference->image == all[0].difference->image);
    CHECK(found.difference->index == all[0].difference->index);
    CHECK(found.difference->first == all[0].difference->first);
    CHECK(found.difference->second == all[0].difference->second);
    CHECK(found.float_activations_differ == all[0].float_activations_differ);
  }
}

TEST_CASE("a changed bias of one channel is found in that channel") {
  const Difference found =
      mutated("mlp", [](Program& program) { operation<program::Linear>(program, 2).bias[3] += 1; });
  CHECK(found.site == "linear \"f2\"");
  CHECK(found.index == 3);
  CHECK(found.image == 100);
  CHECK(found.second == found.first + 1);
}

TEST_CASE("a changed zero point is found at the input, and a changed padding at its convolution") {
  CHECK(mutated("folded norm", [](Program& program) {
          ++operation<program::Quantize>(program, 0).params.zero_point[0];
          ++program.buffers[0].zero_point;
        }).site == "input");
  CHECK(mutated("asymmetric weights", [](Program& program) {
          ++operation<program::Linear>(program, 1).weight.zero_points[4];
        }).site == "a.output");
  // Seven pixels in steps of three: one or two cells around them give three windows either way.
  const Difference found = mutated("wide steps", [](Program& program) {
    operation<program::Conv2d>(program, 1).padding = {1, 2};
  });
  CHECK(found.site == "a1.output");
}

TEST_CASE("an entry of a table, a multiplier of a sum and a requantization of a join are found") {
  CHECK(mutated("tables", [](Program& program) {
          for (Instruction& in : program.instructions) {
            if (auto* table = std::get_if<program::Lookup>(&in.operation)) {
              for (std::size_t i = 40; i < table->table.size(); i += 3) table->table[i] ^= 1;
              return;
            }
          }
        }).site == "s.output");
  CHECK(mutated("residual", [](Program& program) {
          for (Instruction& in : program.instructions) {
            if (auto* sum = std::get_if<program::Add>(&in.operation)) {
              sum->multiplier_b[0] += sum->multiplier_b[0] / 16;
              return;
            }
          }
        }).site == "a2.output");
  CHECK(mutated("join of sums", [](Program& program) {
          for (Instruction& in : program.instructions) {
            if (auto* join = std::get_if<program::Concat>(&in.operation)) join->requants[1]->multipliers[0].shift += 1;
          }
        }).site == "j.output");
}

TEST_CASE("a threshold that is off, one that is passed the wrong way and channels that are exchanged are found") {
  const auto conv = [](std::size_t i, const std::function<void(Requant&)>& change) {
    return mutated("learned steps, a threshold for each channel", [&](Program& program) {
      std::optional<Requant>& requant = operation<program::Conv2d>(program, i).requant;
      REQUIRE(requant);
      REQUIRE(requant->thresholds);
      change(*requant);
    });
  };
  // Pooled after its convolution: the site's name stands at the pool's buffer.
  CHECK(conv(1, [](Requant& r) {
          for (std::int64_t i = r.steps(); i < 2 * r.steps(); ++i) ++r.thresholds->values[static_cast<std::size_t>(i)];
        }).site == "a1.output");
  CHECK(conv(1, [](Requant& r) { r.thresholds->directions = {1, 1, 1, -1, 1, 1}; }).site == "a1.output");
  CHECK(conv(3, [](Requant& r) {
          const std::ptrdiff_t n = r.steps();
          std::swap_ranges(r.thresholds->values.begin(), r.thresholds->values.begin() + n,
                           r.thresholds->values.begin() + n);
        }).site == "a2.output");
}

TEST_CASE("the program of another model is refused or found to differ") {
  const quant_test::Animal &first = animal("mlp"), &other = animal("sixteen bits");
  quant_test::Quantized it(first.layers, first.input, first.rules), that(other.layers, other.input, other.rules);
  Images images(it.images, 24);
  const Verification found = verify(it.model, {}, lower(that.model, {}), images, 24);
  REQUIRE(found.difference);
  CHECK(found.difference->site == "input");
  CHECK(found.images == 24);
}

TEST_CASE("verification stops when interrupted") {
  const quant_test::Animal& one = animal("mlp");
  quant_test::Quantized it(one.layers, one.input, one.rules);
  Images images(it.images, 24);
  const std::atomic<bool> stop = true;
  CHECK_THROWS_AS(static_cast<void>(verify(it.model, {}, lower(it.model, {}), images, 64, &stop)), core::Interrupted);
}

}  // namespace
