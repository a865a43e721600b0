// Products of floats and of bytes by oneDNN: as its plain functions compute them, which pack both operands in every call, and
// for bytes also as its primitive does with weights that it has laid out as it likes.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>

#include "products.hpp"

namespace peers {
namespace {

using dnnl::memory;

void require(dnnl_status_t status, const char* what) {
  if (status != dnnl_success) throw std::runtime_error(fmt::format("{} failed with status {}", what, int{status}));
}

template <class T>
std::vector<T> filled(std::int64_t count, int value) {
  return std::vector<T>(static_cast<std::size_t>(count), static_cast<T>(value));
}

struct Floats {
  std::vector<float> a, b, c;
};

struct Bytes {
  std::vector<std::uint8_t> a;
  std::vector<std::int8_t> b;
  std::vector<std::int32_t> c;
};

// 255 · 127 · k in every place: what multiplies bytes into sums of 16 bits does not get there.
bool exact(const Bytes& bytes, std::int64_t k, const std::function<void()>& run) {
  run();
  return std::ranges::all_of(bytes.c, [k](std::int32_t sum) { return sum == 255 * 127 * k; });
}

Product float_gemm(const Extents& e) {
  const auto at = std::make_shared<Floats>(
      Floats{filled<float>(e.m * e.k, 1), filled<float>(e.k * e.n, 1), filled<float>(e.m * e.n, 0)});
  return {.kernel = "f32_gemm_onednn",
          .how = "dnnl_sgemm",
          .run =
              [=] {
                require(
                    dnnl_sgemm('N', 'N', e.m, e.n, e.k, 1, at->a.data(), e.k, at->b.data(), e.n, 0, at->c.data(), e.n),
                    "dnnl_sgemm");
              },
          .exact = {}};
}

std::shared_ptr<Bytes> bytes_of(const Extents& e) {
  return std::make_shared<Bytes>(Bytes{filled<std::uint8_t>(e.m * e.k, 255), filled<std::int8_t>(e.k * e.n, 127),
                                       filled<std::int32_t>(e.m * e.n, 0)});
}

Product byte_gemm(const Extents& e) {
  const auto at = bytes_of(e);
  const auto run = [=] {
    const std::int32_t offset = 0;
    require(dnnl_gemm_u8s8s32('N', 'N', 'F', e.m, e.n, e.k, 1, at->a.data(), e.k, 0, at->b.data(), e.n, 0, 0,
                              at->c.data(), e.n, &offset),
            "dnnl_gemm_u8s8s32");
  };
  return {.kernel = "u8s8_gemm_onednn", .how = "dnnl_gemm_u8s8s32", .run = run, .exact = [=] {
            return exact(*at, e.k, run);
          }};
}

// The primitive, with the weights in whatever layout it asks for.
struct Matmul {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::matmul::primitive_desc description;
  memory a, weights, c;
  dnnl::matmul primitive;

  Matmul(const Extents& e, Bytes& at) {
    const memory::desc rows({e.m, e.k}, memory::data_type::u8, memory::format_tag::ab);
    const memory::desc plain({e.k, e.n}, memory::data_type::s8, memory::format_tag::ab);
    const memory::desc any({e.k, e.n}, memory::data_type::s8, memory::format_tag::any);
    const memory::desc sums({e.m, e.n}, memory::data_type::s32, memory::format_tag::ab);
    description = dnnl::matmul::primitive_desc(dnnl::matmul::desc(rows, any, sums), engine);
    a = memory(rows, engine, at.a.data());
    c = memory(sums, engine, at.c.data());
    memory given(plain, engine, at.b.data());
    weights = memory(description.weights_desc(), engine);
    dnnl::reorder(given, weights).execute(stream, given, weights);
    stream.wait();
    primitive = dnnl::matmul(description);
  }
  void run() {
    primitive.execute(stream, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, c}});
    stream.wait();
  }
};

Product byte_matmul(const Extents& e) {
  const auto at = bytes_of(e);
  const auto matmul = std::make_shared<Matmul>(e, *at);
  const auto run = [at, matmul] { matmul->run(); };
  return {.kernel = "u8s8_matmul_onednn",
          .how = fmt::format("matmul {}", matmul->description.impl_info_str()),
          .run = run,
          .exact = [=] { return exact(*at, e.k, run); }};
}

}  // namespace

std::string onednn_name() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("onednn-{}.{}.{}", version->major, version->minor, version->patch);
}

std::vector<Product> onednn_products(const Extents& extents, bool bytes, int) {
  if (!bytes) return {float_gemm(extents)};
  return {byte_gemm(extents), byte_matmul(extents)};
}

}  // namespace peers
