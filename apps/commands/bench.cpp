// tempera bench: the speed of the reference networks and kernels, in the format the peers' scripts print.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tempera/apps/bench/measure.hpp"
#include "tempera/apps/bench/peak.hpp"
#include "tempera/apps/bench/products.hpp"
#include "tempera/apps/bench/profile_report.hpp"
#include "tempera/apps/bench/workloads.hpp"
#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/experiment/data_source.hpp"
#include "tempera/apps/experiment/training_step.hpp"
#include "tempera/apps/version.hpp"
#include "tempera/core/config/reader.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/profile.hpp"
#include "tempera/datasets/loader.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/calibrate.hpp"
#include "tempera/quant/dynamic_forward.hpp"
#include "tempera/quant/engine.hpp"
#include "tempera/quant/lower.hpp"

namespace tempera::cli {
namespace {

using nlohmann::ordered_json;

struct BenchArguments {
  std::string workload = "mlp128", numerics = "float";
  std::int64_t batch = 0;
  double seconds = 6;
  bool profile = false;
};

const bench::Workload& workload_named(const std::string& name) {
  for (const bench::Workload& workload : bench::workloads()) {
    if (workload.name == name) return workload;
  }
  throw core::ConfigError("no workload is called \"" + name + "\"");
}

// The settings of the peers' script: momentum SGD, mean 0.1307 and deviation 0.3081, shuffled each epoch.
ExperimentConfig config_of(const Session& session, const bench::Workload& workload, std::int64_t batch) {
  ExperimentConfig config(*session.registry);
  const std::string json = fmt::format(
      R"({{"data": {{"name": "mnist", "fallback": "fashion_mnist", "validation": 0}}, "model": {{"layers": {}}},
           "optimizer": {{"type": "sgd", "learning_rate": 0.01, "momentum": 0.9}}, "train": {{"batch": {}}}}})",
      workload.layers, batch);
  core::read_json(json, "workload", [&config](core::FieldVisitor& v) { config.fields(v); });
  return config;
}

// 8-bit fake quantization as the peers' script sets it up: every weight by channel, every activation and the input by tensor,
// ranges observed in every step.
const char* const kQat = R"({"quantization": {"rules": [
    {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 8, "granularity": "per_channel"}},
    {"sites": "relu*.output", "quantizer": {"type": "uniform", "bits": 8}}]}})";

// Weights by channel ahead, activations and the input of each sample by their own range.
const char* const kDynamic = R"({"quantization": {"rules": [
    {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 8, "granularity": "per_channel"}},
    {"sites": "input", "how": "dynamic", "quantizer": {"type": "uniform", "bits": 8}},
    {"sites": "relu*.output", "how": "dynamic", "quantizer": {"type": "uniform", "bits": 8}}]}})";

quant::QuantizationConfig quantization(const char* rules = kQat) {
  quant::QuantizationConfig section;
  core::read_json(rules, "quantization", [&section](core::FieldVisitor& v) {
    v.object("quantization", section, {.help = "fake quantization"});
  });
  return section;
}

constexpr std::array<std::string_view, 3> kTrained{"float", "bf16", "qat"}, kInferred{"float", "int8", "dynamic_int8"};

void check_numerics(const std::string& numerics, bool training) {
  const std::span<const std::string_view> measured = training ? kTrained : kInferred;
  if (std::ranges::find(measured, numerics) != measured.end()) return;
  throw core::ConfigError(fmt::format("--numerics {}: bench {} measures {}", numerics, training ? "train" : "infer",
                                      fmt::join(measured, ", ")));
}

double to_tenths(double x) { return std::round(10 * x) / 10; }

// The numerics and level behind "train" or "infer", the workload and its circumstances.
ordered_json facts_of(const std::string& what, const BenchArguments& arguments, const std::string& data,
                      std::int64_t batch) {
  return {{"peer", fmt::format("tempera-{}-{}-{}-{}", version(), what, arguments.numerics,
                               core::isa_name(core::kernels().level))},
          {"workload", arguments.workload},
          {"batch", batch},
          {"threads", core::thread_count()},
          {"data", data}};
}

// Repeats `work`, whose laps end where an operation does, and prints how fast it is or where its time goes.
void measure(const Session& session, const BenchArguments& arguments, ordered_json facts,
             const std::function<void()>& work) {
  const std::int64_t batch = facts["batch"];
  if (arguments.profile) {
    core::Profile profile;
    const std::int64_t steps = bench::profile_steps(profile, arguments.seconds, work);
    const bench::ProfileContext context{.steps = steps, .batch = batch, .peak = bench::peak_flop_rate()};
    facts.update(bench::profile_json(profile, context));
    return print_result(session, facts, bench::profile_text(profile, context));
  }
  const std::vector<double> rates = bench::window_rates(arguments.seconds, batch, work);
  const double best = std::ranges::max(rates);
  facts["samples_per_s"] = to_tenths(best);
  facts["us_per_batch"] = std::round(1e8 * static_cast<double>(batch) / best) / 100;
  for (const double rate : rates) facts["windows"].push_back(to_tenths(rate));
  fmt::print("{}\n", facts.dump());
}

int bench_train(const Session& session, const BenchArguments& arguments) {
  check_numerics(arguments.numerics, true);
  const bench::Workload& workload = workload_named(arguments.workload);
  const std::int64_t batch = arguments.batch > 0 ? arguments.batch : workload.batch;
  ExperimentConfig config = config_of(session, workload, batch);
  if (arguments.numerics == "qat") config.quantization = quantization();
  if (arguments.numerics == "bf16") config.train.precision = core::Precision::kBf16;
  const data::LoadedData data = load_data(config.data);
  TrainingStep step(config, data.set.sample());
  data::Loader loader(data.set.train, data.normalization, {}, {.batch = batch, .seed = 1, .drop_last = true});
  if (loader.batches_per_epoch() == 0) {
    throw core::ConfigError(fmt::format("--batch {}: the training set has {} samples", batch, data.set.train.size()));
  }
  std::int64_t epoch = 0;
  loader.start(epoch, 0);
  core::Batch samples;
  ordered_json facts = facts_of("train", arguments, data.used, batch);
  if (arguments.numerics == "bf16") {
    facts["bf16"] = core::bf16_instructions().empty() ? "emulated" : core::bf16_instructions();
  }
  measure(session, arguments, std::move(facts), [&] {
    while (!loader.next(samples)) loader.start(++epoch, 0);
    core::lap(core::Phase::kData, {}, "next batch");
    step(samples);
    core::lap_between();
  });
  return kDone;
}

// The network calibrated on a thousand images and lowered, as `tempera quantize` does it.
quant::Engine engine_of(nn::Model& model, const data::LoadedData& data) {
  quant::attach(model, quantization());
  data::Loader images(data.set.test, data.normalization, 64);
  quant::calibrate(model, images, 1024);
  return quant::Engine(quant::lower(model, {}));
}

// The network with the integers of its weights; no image is needed for that.
quant::DynamicForward dynamic_of(nn::Model& model) {
  quant::attach(model, quantization(kDynamic));
  quant::settle(model);
  return quant::DynamicForward(model);
}

int bench_infer(const Session& session, const BenchArguments& arguments) {
  check_numerics(arguments.numerics, false);
  const std::int64_t batch = arguments.batch > 0 ? arguments.batch : 1;
  const ExperimentConfig config = config_of(session, workload_named(arguments.workload), batch);
  const data::LoadedData data = load_data(config.data);
  nn::Model model(config.model, data.set.sample(), 1);
  data::Loader loader(data.set.test, data.normalization, batch);
  loader.start(0, 0);
  core::Batch samples;
  if (!loader.next(samples) || samples.size() != batch) {
    throw core::ConfigError(fmt::format("--batch {}: the test set has {} samples", batch, data.set.test.size()));
  }
  const core::NoGrad no_history;
  if (arguments.numerics == "int8") {
    quant::Engine engine = engine_of(model, data);
    measure(session, arguments, facts_of("infer", arguments, data.used, batch), [&] {
      static_cast<void>(engine.logits(samples.inputs));
      core::lap_between();
    });
    return kDone;
  }
  if (arguments.numerics == "dynamic_int8") {
    const quant::DynamicForward dynamic = dynamic_of(model);
    measure(session, arguments, facts_of("infer", arguments, data.used, batch), [&] {
      static_cast<void>(dynamic.logits(samples.inputs));
      core::lap_between();
    });
    return kDone;
  }
  nn::ForwardContext context;
  const core::Variable input(samples.inputs);
  measure(session, arguments, facts_of("infer", arguments, data.used, batch), [&] {
    static_cast<void>(model.forward(input, context));
    core::lap_between();
  });
  return kDone;
}

int bench_kernels(const Session& session, const BenchArguments& arguments) {
  ordered_json lines = ordered_json::array();
  const bool floats = arguments.numerics == "float";
  const double peak = floats ? bench::peak_flop_rate() : 0;
  const double seconds = arguments.seconds / bench::kProducts.size();
  for (const bench::Extents& extents : bench::kProducts) {
    lines.push_back(floats ? bench::float_product(extents, seconds, peak) : bench::int_product(extents, seconds));
    if (!session.json) fmt::print("{}\n", lines.back().dump());
  }
  if (session.json) fmt::print("{}\n", lines.dump());
  return kDone;
}

}  // namespace

void add_bench(Verb& program, Session& session) {
  Verb verb = program.verb(
      "bench",
      "measure how fast this machine trains and infers, the fastest of three windows: JSON lines, to compare with "
      "others");
  verb.require_verb();
  const auto arguments = std::make_shared<BenchArguments>();
  const auto add = [&](const char* name, const char* help, std::function<int()> action) {
    Verb sub = add_verb(verb, session, name, help, std::move(action));
    sub.option("--seconds", arguments->seconds,
               "length of the timed part in seconds (default 6), measured in three windows, of which the fastest is "
               "reported; with --profile one window")
        .number_between(0.01, 3600)
        .value_name("S");
    return sub;
  };
  const auto add_network = [&](const char* name, const char* help, std::function<int()> action) {
    Verb sub = add(name, help, std::move(action));
    sub.option("--workload", arguments->workload, "mlp128 (default), mlp1200, lenet or cnn")
        .one_of({"mlp128", "mlp1200", "lenet", "cnn"})
        .value_name("NAME");
    sub.option(
           "--numerics", arguments->numerics,
           "float (default); training, qat: 8-bit fake quantization, or bf16; inferring, int8 or dynamic_int8; binary "
           "comes later")
        .one_of({"float", "qat", "int8", "dynamic_int8", "binary", "bf16"})
        .value_name("NAME");
    sub.flag("--profile", arguments->profile, "say where the time goes instead, by operation (docs/performance.md)");
    sub.option("--batch", arguments->batch,
               "samples in a batch (default: the network's own when training, 1 when inferring)")
        .whole_between(1, 100000)
        .value_name("N");
  };
  add_network("train", "optimizer steps a second of a reference network on MNIST",
              [&session, arguments] { return bench_train(session, *arguments); });
  add_network("infer", "forward passes a second of a reference network",
              [&session, arguments] { return bench_infer(session, *arguments); });
  add("kernels", "matrix products of the shapes that small networks have",
      [&session, arguments] { return bench_kernels(session, *arguments); })
      .option("--numerics", arguments->numerics,
              "float (default), or int8: uint8 activations times packed int8 weights, as the integer engine does it")
      .one_of({"float", "int8"})
      .value_name("NAME");
}

}  // namespace tempera::cli
