// The count of every operator new of a program, one file of which includes support/counted_news.hpp; else 0.
#pragma once

#include <atomic>
#include <cstdint>

namespace tempera::test {

inline std::atomic<std::int64_t> news{0};

}  // namespace tempera::test
