// Oracle: the format as numpy.lib.format defines it.
#include "tempera/datasets/npy.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <vector>

#include "datasets/files.hpp"
#include "tempera/core/errors.hpp"

using namespace tempera;
using test::ByteVector, test::contains, test::npy_file;

namespace {

template <class T>
ByteVector raw(const std::vector<T>& values) {
  ByteVector bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

data::NpyArray parse(const ByteVector& bytes) { return data::parse_npy(test::as_bytes(bytes), "x"); }

std::string refusal(const std::string& dictionary, const ByteVector& elements) {
  return test::message_of<core::DataError>([&] { static_cast<void>(parse(npy_file(dictionary, elements))); });
}

}  // namespace

TEST_CASE("a file written by numpy.save is read back") {
  // np.save(f, np.array([[1.5, -2.0]], dtype='<f8')), with the padding NumPy adds.
  std::string dictionary = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }";
  dictionary.append(117 - dictionary.size(), ' ');
  const ByteVector bytes = npy_file(dictionary, raw<double>({1.5, -2.0}));
  REQUIRE(bytes.size() == 128 + 16);
  const data::NpyArray array = parse(bytes);
  CHECK(array.extents == std::vector<std::int64_t>{1, 2});
  const data::Pixels pixels = data::npy_images(array, "x");
  CHECK(pixels.sample() == core::Shape{1, 1, 2});
  CHECK(pixels.floats(0)[0] == 1.5F);
  CHECK(pixels.floats(0)[1] == -2.0F);
}

TEST_CASE("uint8 images stay bytes, int32 and float32 become floats, in every rank") {
  const auto images = [](const std::string& type, const std::string& shape, const ByteVector& elements) {
    return data::npy_images(
        parse(npy_file("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }", elements)), "x");
  };
  const data::Pixels bytes = images("|u1", "(2, 2, 3)", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255});
  CHECK(bytes.is_bytes());
  CHECK(bytes.sample() == core::Shape{1, 2, 3});
  CHECK(bytes.bytes(1)[5] == 255);
  const data::Pixels ints = images("<i4", "(1, 2, 1, 1)", raw<std::int32_t>({-7, 70000}));
  CHECK(ints.sample() == core::Shape{2, 1, 1});
  CHECK(ints.floats(0)[0] == -7.0F);
  CHECK(ints.floats(0)[1] == 70000.0F);
  CHECK(images("<f4", "(2, 1)", raw<float>({0.25F, 4})).floats(1)[0] == 4.0F);
}

TEST_CASE("integer labels of every width are read, and those of no class are refused with their place") {
  const auto labels = [](const std::string& type, const ByteVector& elements) {
    return data::npy_labels(
        parse(npy_file("{'descr': '" + type + "', 'fortran_order': False, 'shape': (3,), }", elements)), 10, "x");
  };
  const std::vector<std::int32_t> expected{3, 0, 9};
  CHECK(labels("|u1", {3, 0, 9}) == expected);
  CHECK(labels("<i4", raw<std::int32_t>({3, 0, 9})) == expected);
  CHECK(labels("<i8", raw<std::int64_t>({3, 0, 9})) == expected);
  const auto refused = [&](const std::string& type, const ByteVector& elements) {
    return test::message_of<core::DataError>([&] { static_cast<void>(labels(type, elements)); });
  };
  CHECK(contains(refused("|u1", {3, 77, 9}), "sample 1 has 77"));
  CHECK(contains(refused("<i4", raw<std::int32_t>({3, 0, -1})), "sample 2 has -1"));
  CHECK(contains(refused("<i8", raw<std::int64_t>({(std::int64_t{1} << 32) + 3, 0, 9})), "sample 0"));
  CHECK(contains(refused("<f4", raw<float>({3, 0, 9})), "integer type"));
}

TEST_CASE("headers that are not what NumPy writes are refused") {
  const ByteVector two{1, 2};
  CHECK(refusal("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", two).empty());
  CHECK(contains(refusal("{'descr': '|u1', 'fortran_order': True, 'shape': (2,), }", two), "Fortran order"));
  CHECK(contains(refusal("{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }", two), "none of |u1"));
  CHECK(contains(refusal("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", two), "none of |u1"));
  CHECK(contains(refusal("{'descr': '|u1', 'fortran_order': False}", two), "needs the keys"));
  CHECK(contains(refusal("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (2,)}", two), "no place"));
  CHECK(contains(refusal("{'descr': '|u1', 'fortran_order': False, 'shape': (-2,), }", two), "expected an extent"));
  CHECK(contains(refusal("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), } x", two), "text follows"));
  CHECK(contains(refusal("{'descr': '|u1", two), "does not end"));
  CHECK(contains(refusal("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", two), "truncated"));
  CHECK(contains(refusal("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", two), "too long"));
  CHECK(contains(refusal("{'descr': '<f8', 'fortran_order': False, 'shape': (8000000000, 8000000000), }", two),
                 "more than"));
}

TEST_CASE("every truncation of a .npy file is refused") {
  const ByteVector whole = npy_file("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", ByteVector{1, 2});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK_THROWS_AS(parse({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), core::DataError);
  }
}

TEST_CASE("pixels that are not finite in float32 are refused with their place") {
  for (const double bad : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN(), 1e300}) {
    const auto array =
        parse(npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }", raw<double>({1, bad})));
    CHECK(contains(test::message_of<core::DataError>([&] { static_cast<void>(data::npy_images(array, "x")); }),
                   "element 1"));
  }
}
