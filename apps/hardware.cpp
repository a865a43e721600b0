#include "tempera/apps/hardware.hpp"

#include <cpuid.h>
#include <cpuinfo.h>
#include <fmt/format.h>
#include <immintrin.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/precision.hpp"

namespace tempera::cli {
namespace {

// cpuinfo of 2022 does not know AMX: CPUID leaf 7 has the instructions, XCR0 bits 17 and 18 the operating system's consent.
struct Amx {
  bool bf16 = false, int8 = false;
};

__attribute__((target("xsave"))) Amx detect_amx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return {};
  constexpr unsigned long long kTileState = 0x60000;
  if ((_xgetbv(0) & kTileState) != kTileState) return {};
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || ((d >> 24) & 1U) == 0) return {};
  return {.bf16 = ((d >> 22) & 1U) != 0, .int8 = ((d >> 25) & 1U) != 0};
}

bool detect_avx_vnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && ((a >> 4) & 1U) != 0;
}

bool detect_avx512_fp16() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && ((d >> 23) & 1U) != 0;
}

std::int64_t cache_bytes(const cpuinfo_cache* cache) { return cache == nullptr ? 0 : cache->size; }

struct Features {
  bool sse42, popcnt, avx2, fma3, f16c, avx512f, avx512bw, avx512vnni, avx512bf16, avx512fp16, vpopcntdq, avx_vnni;
  Amx amx;
};

Features detect() {
  const bool avx512 = cpuinfo_has_x86_avx512f();
  return {.sse42 = cpuinfo_has_x86_sse4_2(),
          .popcnt = cpuinfo_has_x86_popcnt(),
          .avx2 = cpuinfo_has_x86_avx2(),
          .fma3 = cpuinfo_has_x86_fma3(),
          .f16c = cpuinfo_has_x86_f16c(),
          .avx512f = avx512,
          .avx512bw = cpuinfo_has_x86_avx512bw(),
          .avx512vnni = cpuinfo_has_x86_avx512vnni(),
          .avx512bf16 = cpuinfo_has_x86_avx512bf16(),
          .avx512fp16 = avx512 && detect_avx512_fp16(),
          .vpopcntdq = cpuinfo_has_x86_avx512vpopcntdq(),
          .avx_vnni = cpuinfo_has_x86_avx2() && detect_avx_vnni(),
          .amx = detect_amx()};
}

std::vector<std::string> names_of(const Features& f) {
  const std::vector<std::pair<const char*, bool>> all{{"sse4.2", f.sse42},
                                                      {"popcnt", f.popcnt},
                                                      {"avx2", f.avx2},
                                                      {"fma3", f.fma3},
                                                      {"f16c", f.f16c},
                                                      {"avx_vnni", f.avx_vnni},
                                                      {"avx512f", f.avx512f},
                                                      {"avx512bw", f.avx512bw},
                                                      {"avx512_vnni", f.avx512vnni},
                                                      {"avx512_bf16", f.avx512bf16},
                                                      {"avx512_fp16", f.avx512fp16},
                                                      {"avx512_vpopcntdq", f.vpopcntdq},
                                                      {"amx_bf16", f.amx.bf16},
                                                      {"amx_int8", f.amx.int8}};
  std::vector<std::string> names;
  for (const auto& [name, has] : all) {
    if (has) names.emplace_back(name);
  }
  return names;
}

// What of it kernels of a level may use.
Features within(Features f, core::Isa level) {
  if (level < core::Isa::kAmx) f.amx = {};
  if (level < core::Isa::kAvx512Vnni) f.avx512vnni = false;
  if (level < core::Isa::kAvx512) {
    f.avx512f = f.avx512bw = f.avx512bf16 = f.avx512fp16 = f.vpopcntdq = false;
  }
  if (level < core::Isa::kAvx2) f.avx2 = f.fma3 = f.f16c = f.avx_vnni = false;
  if (level < core::Isa::kSse42) f.sse42 = f.popcnt = false;
  return f;
}

// The first of the candidates the processor has, or what is done without any.
FormatSupport support(std::string format, const std::vector<std::pair<bool, const char*>>& candidates,
                      const char* emulation, const std::string& kernel) {
  for (const auto& [has, by] : candidates) {
    if (has) return {.format = std::move(format), .native = true, .by = by, .kernel = kernel};
  }
  return {.format = std::move(format), .native = false, .by = emulation, .kernel = kernel};
}

std::vector<FormatSupport> formats_of(const Features& f, std::string_view level) {
  constexpr const char* kPlain = "plain loops";
  const std::string float_kernel = fmt::format("f32 GEMM, level {}", level);
  constexpr const char* kNone = "none: fake quantization rounds float32 (quantizer float16)";
  constexpr const char* kInteger = "u8 × s8 → s32 dot products of the integer engine";
  std::vector<FormatSupport> formats;
  formats.push_back({.format = "fp32",
                     .native = true,
                     .by = f.avx512f ? "AVX-512F"
                           : f.fma3  ? "AVX2 + FMA"
                           : f.sse42 ? "SSE4.2"
                                     : kPlain,
                     .kernel = float_kernel});
  formats.push_back(support("fp16", {{f.avx512fp16, "AVX512-FP16"}},
                            f.f16c ? "converted to fp32 by F16C" : "converted to fp32 in software", kNone));
  const std::string_view bf16 = core::bf16_instructions();
  const std::string bf16_kernel = bf16.empty()
                                      ? fmt::format("rounded, then f32 GEMM, level {}: no speed over fp32", level)
                                      : fmt::format("{} → f32 dot products in training", bf16);
  formats.push_back(support("bf16", {{f.amx.bf16, "AMX-BF16"}, {f.avx512bf16, "AVX512-BF16"}},
                            "rounded to it by integers", bf16_kernel));
  // Dot products of bytes in 256 bits, without AVX-512, have no kernel: that would be a level of its own.
  const char* widened =
      f.avx_vnni ? "widened to int16 (pmaddwd); AVX-VNNI of this processor is not used" : "widened to int16 (pmaddwd)";
  formats.push_back(
      support("int8", {{f.amx.int8, "AMX-INT8"}, {f.avx512vnni, "AVX512-VNNI"}}, f.sse42 ? widened : kPlain, kInteger));
  formats.push_back({.format = "int4", .native = false, .by = "unpacked to int8", .kernel = kInteger});
  formats.push_back(support("1-bit", {{f.vpopcntdq, "xor + VPOPCNTDQ"}, {f.popcnt, "xor + POPCNT"}},
                            "xor + bit-slice counting", "none yet: comes with binary networks"));
  return formats;
}

int usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
}

}  // namespace

Hardware inspect_hardware() {
  if (!cpuinfo_initialize()) throw core::UnsupportedError("hardware", "the processor could not be identified");
  const Features features = detect();
  Hardware result;
  const cpuinfo_package* package = cpuinfo_get_package(0);
  result.processor = package == nullptr ? "unknown" : package->name;
  result.cores = usable_cores();
  result.memory = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
  const cpuinfo_processor* processor = cpuinfo_get_processor(0);
  if (processor != nullptr) {
    result.l1d = cache_bytes(processor->cache.l1d);
    result.l2 = cache_bytes(processor->cache.l2);
    result.l3 = cache_bytes(processor->cache.l3);
  }
  result.features = names_of(features);
  for (const core::Isa level : core::available_isas()) result.levels.emplace_back(core::isa_name(level));
  const core::Isa level = core::kernels().level;
  result.level = core::isa_name(level);
  result.formats = formats_of(within(features, level), result.level);
  return result;
}

}  // namespace tempera::cli
