// Looking at values and quantizing them in one pass: oracle is the one after the other, which the golden files of the quantizers hold.
#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "tempera/core/config/reader.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/quantizer.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using core::Tensor;

std::unique_ptr<Quantizer> uniform_of(const std::string& fields, const SiteFacts& site) {
  core::Clonable<> chosen;
  core::read_json(R"({"quantizer": {"type": "uniform", )" + fields + "}}", "test", [&](core::FieldVisitor& v) {
    v.typed("quantizer", QuantizerRegistry::builtin(), chosen, {.help = "the quantizer"});
  });
  return QuantizerRegistry::builtin().make(*chosen, site);
}

std::vector<std::uint32_t> bits_of(const Tensor& x) {
  std::vector<std::uint32_t> bits;
  for (const Scalar v : x.values()) bits.push_back(std::bit_cast<std::uint32_t>(static_cast<float>(v)));
  return bits;
}

struct Result {
  std::vector<std::uint32_t> values, gradients;
  QParams params;
};

template <class Forward>
Result result_of(Quantizer& quantizer, const Tensor& x, const Forward& forward) {
  const core::Variable in(x, true);
  nn::ForwardContext context{.training = true};
  const core::Variable y = forward(quantizer, in, context);
  core::backward(y, Tensor::full(x.shape(), 1));
  return {bits_of(y.value()), bits_of(in.grad()), *quantizer.params()};
}

// Values of which some are far out, so that ranges that lag behind clip them.
Tensor values_of(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  Tensor x({rows, columns});
  core::Random(seed, "values").fill_normal(x.mutable_values(), 0, 1);
  for (std::int64_t i = 0; i < x.numel(); i += 37)
    x.mutable_values()[static_cast<std::size_t>(i)] *= static_cast<Scalar>(seed);
  return x;
}

// Of one pass by `together`, whose result `look` is shown before it is asked for, against one after the other by `apart`.
template <class Look>
void check_same(Quantizer& together, Quantizer& apart, const Tensor& x, const Look& look) {
  const Result one = result_of(together, x, [&](Quantizer& q, const core::Variable& in, nn::ForwardContext& context) {
    core::Variable y = q.observed_forward(in, context);
    look(y);
    return y;
  });
  const Result two = result_of(apart, x, [](Quantizer& q, const core::Variable& in, nn::ForwardContext& context) {
    q.observe(in.value());
    return q.forward(in, context);
  });
  CHECK(one.values == two.values);
  CHECK(one.gradients == two.gradients);
  CHECK(one.params.scale == two.params.scale);
  CHECK(one.params.zero_point == two.params.zero_point);
}

}  // namespace

TEST_CASE("observing and quantizing in one pass gives the bits, gradients and ranges of the one after the other") {
  const int before = core::thread_count();
  for (const std::string& observer : ObserverRegistry::builtin().names()) {
    for (const char* fields : {R"("bits": 8)", R"("bits": 4, "granularity": "per_channel")",
                               R"("bits": 3, "granularity": "per_group", "group": 20)",
                               R"("bits": 8, "symmetric": false, "signed": true, "narrow": false)",
                               R"("bits": 5, "surrogate": "ste_identity")", R"("bits": 4, "rounding": "stochastic")",
                               R"("bits": 4, "power_of_two_scale": true)"}) {
      const bool weight = std::string(fields).find("per_") != std::string::npos;
      const SiteFacts site{
          .name = "fc1.weight", .kind = weight ? nn::SiteKind::kWeight : nn::SiteKind::kOutput, .shape = {30, 700}};
      const std::string all = std::string(fields) + R"(, "observer": {"type": ")" + observer + "\"}";
      CAPTURE(all);
      const auto together = uniform_of(all, site), apart = uniform_of(all, site);
      for (std::uint64_t step = 1; step <= 3; ++step) {
        core::set_thread_count(static_cast<int>(step));
        check_same(*together, *apart, values_of(30, 700, 4 - step), [](const core::Variable&) {});
      }
    }
  }
  core::set_thread_count(before);
}

TEST_CASE("a large weight whose rows have a scale each is kept as bytes, which stand for the same bits") {
  const int before = core::thread_count();
  for (const std::int64_t rows : {130, 30, 1}) {  // short rows, of which one is ahead, long ones, and one alone
    const std::int64_t columns = rows == 130 ? 701 : rows == 30 ? 4100 : 70000;
    const SiteFacts site{.name = "fc1.weight", .kind = nn::SiteKind::kWeight, .shape = {rows, columns}};
    for (const auto& [fields, bytes] :
         {std::pair<const char*, bool>{R"("bits": 8, "granularity": "per_channel")", true},
          {R"("bits": 2, "granularity": "per_channel", "narrow": false)", true},
          {R"("bits": 9, "granularity": "per_channel")", false},
          {R"("bits": 8, "granularity": "per_channel", "symmetric": false)", false},
          {R"("bits": 8, "granularity": "per_channel", "rounding": "floor")", false},
          {R"("bits": 3, "granularity": "per_channel", "power_of_two_scale": true)", true},
          {R"("bits": 8, "granularity": "per_group", "group": 64)", false},
          {R"("bits": 8)", false}}) {
      CAPTURE(fields);
      const auto together = uniform_of(fields, site), apart = uniform_of(fields, site);
      for (const int threads : {1, 3}) {
        core::set_thread_count(threads);
        const Tensor x = values_of(rows, columns, static_cast<std::uint64_t>(threads));
        check_same(*together, *apart, x, [&](const core::Variable& y) {
          CHECK((y.lazy_value().deferred() != nullptr) == (bytes && rows > 1));
        });
      }
    }
  }
  core::set_thread_count(before);
}

TEST_CASE(
    "the scale of a channel is that of a tensor of its values alone, for every observer and any number of threads") {
  const int before = core::thread_count();
  constexpr std::int64_t kChannels = 23, kColumns = 90;
  const Tensor x = values_of(kChannels, kColumns, 5);
  for (const std::string& observer : ObserverRegistry::builtin().names()) {
    CAPTURE(observer);
    const std::string fields = R"("bits": 4, "observer": {"type": ")" + observer + "\"}";
    std::vector<float> alone;
    for (std::int64_t c = 0; c < kChannels; ++c) {
      const SiteFacts row{.name = "fc1.weight", .kind = nn::SiteKind::kWeight, .shape = {1, kColumns}};
      const auto quantizer = uniform_of(fields, row);
      const auto first = x.values().begin() + c * kColumns;
      quantizer->observe(Tensor({1, kColumns}, std::vector<Scalar>(first, first + kColumns)));
      alone.push_back(quantizer->params()->scale[0]);
    }
    for (const int threads : {1, 2, 4}) {
      core::set_thread_count(threads);
      const SiteFacts site{.name = "fc1.weight", .kind = nn::SiteKind::kWeight, .shape = {kChannels, kColumns}};
      const auto quantizer = uniform_of(R"("granularity": "per_channel", )" + fields, site);
      for (int step = 0; step < 2; ++step) quantizer->observe(x);
      CHECK(quantizer->params()->scale == alone);
    }
  }
  core::set_thread_count(before);
}

TEST_CASE("a value that is not finite is refused by name in the one pass too") {
  const SiteFacts site{.name = "fc1.weight", .kind = nn::SiteKind::kWeight, .shape = {8, 100}};
  const auto quantizer = uniform_of(R"("bits": 8, "granularity": "per_channel")", site);
  Tensor x = values_of(8, 100, 1);
  x.mutable_values()[777] = std::numeric_limits<Scalar>::quiet_NaN();
  nn::ForwardContext context{.training = true};
  CHECK_THROWS_WITH_AS(static_cast<void>(quantizer->observed_forward(core::Variable(x, true), context)),
                       doctest::Contains("fc1.weight"), core::NumericError);
}
