#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "tempera/core/errors.hpp"
#include "tempera/nn/metrics.hpp"
#include "tempera/nn/temperature.hpp"

using namespace tempera;
using core::Tensor;

namespace {

// Made by tests/golden/make_metrics.py with numpy and PyTorch.
struct Golden {
  nlohmann::json json;
  Tensor logits;
  std::vector<std::int32_t> labels;

  Golden() {
    std::ifstream(TEMPERA_SOURCE_DIR "/tests/golden/metrics.json") >> json;
    labels = json["labels"].get<std::vector<std::int32_t>>();
    std::vector<Scalar> values;
    for (const auto& row : json["logits"]) {
      for (const auto& value : row) values.push_back(value.get<Scalar>());
    }
    const auto n = static_cast<std::int64_t>(labels.size());
    logits = Tensor({n, static_cast<std::int64_t>(values.size()) / n}, values);
  }
};

}  // namespace

TEST_CASE("errors, confusion, NLL, Brier score, entropy and both calibration errors equal numpy's") {
  const Golden golden;
  CHECK(nn::classification_metrics(golden.logits, golden.labels).errors == golden.json["errors"].get<std::int64_t>());
  const nn::ConfusionMatrix confusion = nn::confusion_matrix(golden.logits, golden.labels);
  for (std::int64_t i = 0; i < confusion.classes; ++i) {
    for (std::int64_t j = 0; j < confusion.classes; ++j) {
      CHECK(confusion.at(i, j) == golden.json["confusion"][static_cast<std::size_t>(i)][static_cast<std::size_t>(j)]);
    }
  }
  for (const auto& [text, expected] : golden.json["temperatures"].items()) {
    const double temperature = std::stod(text);
    const auto scores = nn::probability_scores(golden.logits, golden.labels, temperature);
    CHECK(scores.nll == doctest::Approx(expected["nll"].get<double>()).epsilon(1e-7));
    CHECK(scores.brier == doctest::Approx(expected["brier"].get<double>()).epsilon(1e-7));
    CHECK(scores.entropy == doctest::Approx(expected["entropy"].get<double>()).epsilon(1e-7));
    const auto width = nn::reliability(golden.logits, golden.labels, nn::Binning::kEqualWidth, 15, temperature);
    CHECK(nn::expected_calibration_error(width) == doctest::Approx(expected["ece"].get<double>()).epsilon(1e-7));
    const auto mass = nn::reliability(golden.logits, golden.labels, nn::Binning::kEqualMass, 15, temperature);
    CHECK(nn::expected_calibration_error(mass) ==
          doctest::Approx(expected["ece_equal_mass"].get<double>()).epsilon(1e-7));
  }
}

TEST_CASE("the best temperature is where PyTorch's L-BFGS finds the least NLL") {
  const Golden golden;
  const double best = nn::best_temperature(golden.logits, golden.labels);
  CHECK(best == doctest::Approx(golden.json["best_temperature"].get<double>()).epsilon(1e-6));
}

TEST_CASE("the best temperature is an end of its range where NLL has no minimum") {
  const Tensor right({2, 2}, {3, 0, 0, 1});
  CHECK(nn::best_temperature(right, std::vector<std::int32_t>{0, 1}) == doctest::Approx(0.01));
  CHECK(nn::best_temperature(right, std::vector<std::int32_t>{1, 0}) == doctest::Approx(100));
}

TEST_CASE("dark knowledge is the mean softened probability of each class over the samples of each label") {
  const Golden golden;
  const auto dark = nn::dark_knowledge(golden.logits, golden.labels, 4);
  for (std::size_t i = 0; i < dark.size(); ++i) {
    for (std::size_t j = 0; j < dark.size(); ++j) {
      CHECK(dark[i][j] == doctest::Approx(golden.json["dark_knowledge_at_4"][i][j].get<double>()).epsilon(1e-7));
    }
  }
  const auto pairs = nn::alike_pairs(dark);
  CHECK(pairs.size() == 6);
  for (std::size_t i = 1; i < pairs.size(); ++i) CHECK(pairs[i - 1].probability >= pairs[i].probability);
}

TEST_CASE("softmax goes to the uniform distribution as T grows and to the largest logit as T falls") {
  const std::vector<Scalar> logits{5, 1, -2};
  for (const double p : nn::softmax_at(logits, 1e6)) CHECK(p == doctest::Approx(1.0 / 3).epsilon(1e-5));
  CHECK(nn::softmax_at(logits, 0.01)[0] == doctest::Approx(1));
}

TEST_CASE("softmax of logits in the thousands neither overflows nor loses its log-probabilities") {
  const std::vector<Scalar> logits{3000, 0};
  CHECK(nn::log_softmax_at(logits, 1)[1] == doctest::Approx(-3000));
  CHECK(nn::softmax_at(logits, 1)[0] == 1);
}

TEST_CASE("logit undoes sigmoid, and softmax of two logits is the sigmoid of their difference") {
  const Golden golden;
  const nn::SoftmaxIdentities worst = nn::softmax_identities(golden.logits);
  CHECK(worst.logit_of_sigmoid < 1e-12);
  CHECK(worst.two_class_softmax < 1e-14);
  CHECK(worst.logits_skipped == 0);
  CHECK(nn::softmax_identities(Tensor({1, 2}, {31, -4})).logits_skipped == 1);
}

TEST_CASE("a set of constant logits has the closed-form entropy log(classes) at every temperature") {
  const Tensor flat = Tensor::full({3, 10}, Scalar{2});
  const std::vector<std::int32_t> labels{0, 1, 2};
  const std::vector<double> temperatures{1, 7, 50};
  for (const auto& point : nn::temperature_curve(flat, labels, temperatures)) {
    CHECK(point.entropy == doctest::Approx(std::log(10.0)));
    CHECK(point.nll == doctest::Approx(std::log(10.0)));
    CHECK(point.ece == doctest::Approx(1.0 / 3 - 0.1));
  }
}

TEST_CASE("a confidence on the border of two bins belongs to the lower one") {
  const Tensor certain = Tensor::full({1, 2}, Scalar{0});
  const auto bins = nn::reliability(certain, std::vector<std::int32_t>{0}, nn::Binning::kEqualWidth, 2);
  CHECK(bins[0].count == 1);
  CHECK(bins[1].count == 0);
}

TEST_CASE("temperatures that are not above 0 and labels outside of the classes are errors") {
  const Tensor logits = Tensor::zeros({2, 3});
  const std::vector<std::int32_t> good{0, 2}, bad{0, 3}, few{0};
  CHECK_THROWS_AS((void)nn::probability_scores(logits, good, 0), core::ConfigError);
  CHECK_THROWS_AS((void)nn::softmax_at(logits.values(), -1), core::ConfigError);
  CHECK_THROWS_AS((void)nn::softmax_at(logits.values(), std::nan("")), core::ConfigError);
  CHECK_THROWS_AS((void)nn::classification_metrics(logits, bad), core::ShapeError);
  CHECK_THROWS_AS((void)nn::count_correct(logits, few), core::ShapeError);
}

TEST_CASE("a reliability diagram refuses a sample whose logits are not finite and names it") {
  const Scalar infinity = std::numeric_limits<Scalar>::infinity();
  const std::vector<std::int32_t> labels{0, 1};
  CHECK_THROWS_WITH_AS(static_cast<void>(nn::reliability(Tensor({2, 2}, {1, 2, infinity, infinity}), labels)),
                       doctest::Contains("sample 1"), core::NumericError);
}
