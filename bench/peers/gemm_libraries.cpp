// Matrix products C[m,n] = A[m,k]·B[k,n] through libraries, one JSON line each, in the format of `tempera bench kernels`:
//
//   bench_peers onednn|openblas --threads 1 --seconds 1 [--numerics float|int8] M,N,K…
//   bench_peers --list          the libraries that were here when this was built
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "products.hpp"

namespace {

using peers::Extents;
using peers::Product;

constexpr int kWindows = 3, kWarmUp = 20;

struct Arguments {
  std::string_view library;
  int threads = 1;
  double seconds = 6;  // of all products together
  bool bytes = false;
  std::vector<Extents> shapes;
};

template <class T>
T number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value > 0)) {
    throw std::runtime_error(fmt::format("\"{}\" is no number above 0", text));
  }
  return value;
}

Extents shape(std::string_view text) {
  const auto first = text.find(','), second = text.find(',', first + 1);
  if (second == std::string_view::npos) throw std::runtime_error(fmt::format("\"{}\" is not M,N,K", text));
  return {number<std::int64_t>(text.substr(0, first)), number<std::int64_t>(text.substr(first + 1, second - first - 1)),
          number<std::int64_t>(text.substr(second + 1))};
}

Arguments parse(const std::vector<std::string_view>& words) {
  if (words.empty()) throw std::runtime_error("which library? onednn or openblas; --list tells which are here");
  Arguments arguments{.library = words[0]};
  const auto value_of = [&words](std::size_t& i) {
    if (i + 1 == words.size()) throw std::runtime_error(fmt::format("{} needs a value", words[i]));
    return words[++i];
  };
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "--threads") {
      arguments.threads = number<int>(value_of(i));
    } else if (words[i] == "--seconds") {
      arguments.seconds = number<double>(value_of(i));
    } else if (words[i] == "--numerics") {
      arguments.bytes = value_of(i) == "int8";
    } else {
      arguments.shapes.push_back(shape(words[i]));
    }
  }
  return arguments;
}

// The best of the windows in calls a second, after a few calls for warming up.
double best_rate(double seconds, const std::function<void()>& run) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  auto begin = Clock::now();
  for (int i = 0; i < kWarmUp && since(begin) < seconds / kWindows; ++i) run();
  double best = 0;
  for (int window = 0; window < kWindows; ++window) {
    begin = Clock::now();
    int done = 0;
    do {
      run();
      ++done;
    } while (since(begin) < seconds / kWindows);
    best = std::max(best, done / since(begin));
  }
  return best;
}

std::vector<Product> products(const Arguments& arguments, const Extents& extents, std::string& name) {
#ifdef WITH_ONEDNN
  if (arguments.library == "onednn") {
    name = peers::onednn_name();
    return peers::onednn_products(extents, arguments.bytes, arguments.threads);
  }
#endif
#ifdef WITH_OPENBLAS
  if (arguments.library == "openblas" && !arguments.bytes) {
    name = peers::openblas_name();
    return peers::openblas_products(extents, arguments.threads);
  }
#endif
  throw std::runtime_error(fmt::format("no library \"{}\" for such products here", arguments.library));
}

void measure(const Arguments& arguments) {
  for (const Extents& e : arguments.shapes) {
    std::string name;
    const std::vector<Product> all = products(arguments, e, name);
    for (const Product& product : all) {
      const double seconds = arguments.seconds / static_cast<double>(arguments.shapes.size() * all.size());
      const double operations = 2.0 * static_cast<double>(e.m) * static_cast<double>(e.n) * static_cast<double>(e.k);
      const double rate = std::round(10 * best_rate(seconds, product.run) * operations / 1e9) / 10;
      nlohmann::ordered_json line{
          {"peer", name}, {"kernel", product.kernel},    {"how", product.how}, {"m", e.m}, {"n", e.n},
          {"k", e.k},     {"threads", arguments.threads}};
      line[arguments.bytes ? "gop_per_s" : "gflop_per_s"] = rate;
      if (product.exact) line["exact"] = product.exact();
      fmt::print("{}\n", line.dump());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (!words.empty() && words[0] == "--list") {
#ifdef WITH_ONEDNN
    fmt::print("onednn\n");
#endif
#ifdef WITH_OPENBLAS
    fmt::print("openblas\n");
#endif
    return EXIT_SUCCESS;
  }
  try {
    measure(parse(words));
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_peers: {}\n", error.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
