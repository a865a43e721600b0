// Oracle: what each processor has, put together by hand.
#include "tempera/apps/experiment/format_notices.hpp"

#include <doctest/doctest.h>

#include <string>

namespace tempera::test {
namespace {

using quant::SitePlan;

cli::Hardware processor(bool int8, bool bf16) {
  cli::Hardware hardware;
  hardware.formats = {
      {.format = "fp16", .native = false, .by = "converted", .kernel = ""},
      {.format = "bf16", .native = bf16, .by = bf16 ? "AMX-BF16" : "converted by a shift", .kernel = ""},
      {.format = "int8", .native = int8, .by = int8 ? "AVX512-VNNI" : "widened to int16", .kernel = ""}};
  return hardware;
}

SitePlan site(const std::string& quantizer, int bits) {
  return {.site = "fc1.weight",
          .kind = nn::SiteKind::kWeight,
          .shape = {},
          .rule = 0,
          .quantizer = quantizer,
          .bits = bits};
}

bool contains(const std::vector<std::string>& notices, const std::string& part) {
  for (const std::string& notice : notices) {
    if (notice.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("every format is said to be native, with what computes it, or emulated") {
  cli::Hardware hardware = processor(true, false);
  hardware.level = "avx512vnni";
  CHECK(cli::formats_line(hardware) ==
        "formats of this processor at level avx512vnni: native int8 (AVX512-VNNI); emulated fp16, bf16");
  hardware.formats.resize(2);
  CHECK(cli::formats_line(hardware) ==
        "formats of this processor at level avx512vnni: native none; emulated fp16, bf16");
}

TEST_CASE("eight bits are warned of where the processor has no instructions for them") {
  CHECK(contains(cli::format_notices({site("uniform", 8)}, processor(true, false), true), "native here: AVX512-VNNI"));
  const auto notices = cli::format_notices({site("uniform", 8)}, processor(false, false), true);
  REQUIRE(notices.size() == 1);
  CHECK(contains(notices, "widened to int16"));
  CHECK(contains(notices, "twice as fast"));
  SitePlan dynamic = site("uniform", 8);
  dynamic.how = quant::How::kDynamic;
  CHECK_FALSE(contains(cli::format_notices({dynamic}, processor(false, false), false), "twice as fast"));
}

TEST_CASE("plain loops are not compared in speed") {
  cli::Hardware hardware = processor(false, false);
  hardware.level = "scalar";
  const auto notices = cli::format_notices({site("uniform", 8)}, hardware, true);
  CHECK(contains(notices, "plain loops at level scalar"));
  CHECK_FALSE(contains(notices, "int16"));
  CHECK_FALSE(contains(notices, "twice as fast"));
}

TEST_CASE("fewer bits than eight are the speed of eight, more are that of sixteen") {
  const auto notices = cli::format_notices(
      {site("uniform", 4), site("lsq", 2), site("uniform", 4), site("uniform", 12)}, processor(true, false), true);
  REQUIRE(notices.size() == 3);
  CHECK(contains(notices, "2, 4 bits"));
  CHECK(contains(notices, "12 bits: computed as int16"));
}

TEST_CASE("short floats of quantizers are emulated, or native and unused") {
  const auto emulated = cli::format_notices({site("float16", 16), site("bfloat16", 16)}, processor(true, false), false);
  REQUIRE(emulated.size() == 2);
  CHECK(contains(emulated,
                 "bfloat16: values are rounded to it and computed in float32 (emulated here: converted by a shift)"));
  CHECK(contains(cli::format_notices({site("bfloat16", 16)}, processor(true, true), false),
                 "AMX-BF16, which quantizers do not use"));
  CHECK(contains(emulated, "half the bytes"));
  SitePlan values = site("float16", 16);
  values.kind = nn::SiteKind::kOutput;
  CHECK_FALSE(contains(cli::format_notices({values}, processor(true, false), false), "bytes"));
}

TEST_CASE("bf16 training says whether the processor has it and what is computed, float32 says nothing") {
  cli::Hardware hardware = processor(false, false);
  CHECK(cli::precision_notices(core::Precision::kFloat32, hardware).empty());
  hardware.formats[1].kernel = "rounded, no speed";
  const auto emulated = cli::precision_notices(core::Precision::kBf16, hardware);
  REQUIRE(emulated.size() == 1);
  CHECK(contains(emulated, "emulated here (converted by a shift); products: rounded, no speed"));
  CHECK(contains(cli::precision_notices(core::Precision::kBf16, processor(false, true)), "native here (AMX-BF16)"));
}

TEST_CASE("integers that are not shipped are slower than floats, and sites without a quantizer say nothing") {
  SitePlan dynamic = site("uniform", 8);
  dynamic.how = quant::How::kDynamic;
  CHECK_FALSE(contains(cli::format_notices({dynamic}, processor(true, false), false), "\"lower\""));
  dynamic.shape = {20, 12, 12};
  CHECK(contains(cli::format_notices({dynamic}, processor(true, false), false), "convolutions with it are slower"));
  CHECK(contains(cli::format_notices({site("uniform", 8)}, processor(true, false), false), "\"lower\""));
  CHECK(contains(cli::format_notices({site("uniform", 8)}, processor(true, false), false), "in their bits"));
  CHECK_FALSE(contains(cli::format_notices({site("uniform", 12)}, processor(true, false), false), "in their bits"));
  CHECK_FALSE(contains(cli::format_notices({site("lsq", 4)}, processor(true, false), false), "in their bits"));
  CHECK(cli::format_notices({site("", 32)}, processor(false, false), true).empty());
}

}  // namespace tempera::test
