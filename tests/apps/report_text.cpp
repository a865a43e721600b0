#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tempera/apps/report/base64.hpp"
#include "tempera/apps/report/chart/bitmap.hpp"
#include "tempera/apps/report/chart/plot.hpp"
#include "tempera/apps/report/text.hpp"
#include "tempera/core/errors.hpp"

using namespace tempera::cli::report;

TEST_CASE("markup in a text comes out as text") {
  CHECK(escape("<script>alert(\"1\" & '2')</script>") ==
        "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;");
  CHECK(escape("größer als 7 €, 数字, 𝛼") == "größer als 7 €, 数字, 𝛼");
}

TEST_CASE("what is not UTF-8, or not allowed in XML, becomes the replacement character") {
  const std::string replaced = "\xEF\xBF\xBD";
  CHECK(escape("a\x01z") == "a" + replaced + "z");
  CHECK(escape(std::string("a\0z", 3)) == "a" + replaced + "z");
  CHECK(escape("\xFF") == replaced);
  CHECK(escape("\xC0\xAF") == replaced + replaced);                 // overlong "/"
  CHECK(escape("\xED\xA0\x80") == replaced + replaced + replaced);  // a lone surrogate
  CHECK(escape("\xE2\x82") == replaced + replaced);                 // cut in the middle of "€"
  CHECK(escape("line\nand\ttab") == "line\nand\ttab");
}

TEST_CASE("coordinates are short, and finite even if the number is not") {
  CHECK(coordinate(1.0) == "1");
  CHECK(coordinate(1.239) == "1.24");
  CHECK(coordinate(-0.001) == "0");
  CHECK(coordinate(120) == "120");
  CHECK(coordinate(std::nan("")) == "0");
  CHECK(coordinate(std::numeric_limits<double>::infinity()) == "0");
}

TEST_CASE("numbers are written for readers, and an unknown one is a dash") {
  CHECK(percent(0.9816) == "98.16\u202F%");
  CHECK(percent(std::nan("")) == "–");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1234567) == "1\u202F234\u202F567");
  CHECK(grouped(-1000) == "-1\u202F000");
  CHECK(grouped(std::numeric_limits<std::int64_t>::min()).starts_with("-9\u202F223"));
  CHECK(duration(4.13) == "4.1\u202Fs");
  CHECK(duration(265) == "4\u202Fmin 25\u202Fs");
  CHECK(duration(9000) == "2\u202Fh 30\u202Fmin");
  CHECK(bytes(407080) == "407\u202FkB");
  CHECK(bytes(999999) == "1\u202FMB");
  CHECK(probability(1e-9) == "< 0.0001");
  CHECK(probability(0) == "0.0000");
}

TEST_CASE("a text is cut between characters, never inside of one") {
  CHECK(fitted("short", 500) == "short");
  const std::string cut = fitted("ääääääääääääääääääää", 100);
  CHECK(cut.ends_with("…"));
  CHECK(escape(cut) == cut);
  CHECK(text_width(cut) <= 100);
  CHECK(fitted("anything", 0) == "…");
}

TEST_CASE("base64 gives the test vectors of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
}

TEST_CASE("a picture is a PNG by its signature and header, and one of the wrong size is refused") {
  const std::string uri = png_data_uri({2, 3, {0, 1, 2, 253, 254, 255}});
  // Signature, then IHDR of 13 bytes: width 3, height 2, 8 bits, grey (ISO 15948, 11.2.2).
  const std::string start("\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\0\0\3\0\0\0\2\x08\0\0\0\0", 29);
  const std::string expected = base64(start.substr(0, 27));
  CHECK(uri.starts_with("data:image/png;base64," + expected));
  CHECK(png_data_uri({}).empty());
  CHECK_THROWS_AS((void)png_data_uri({2, 2, {0, 0, 0}}), tempera::core::DataError);
}
