#include "tempera/core/shape.hpp"

#include <doctest/doctest.h>

#include "tempera/core/errors.hpp"

using tempera::core::broadcast;
using tempera::core::Shape;
using tempera::core::ShapeError;

TEST_CASE("a shape counts its elements: none with a zero extent, one without any axis") {
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{2, 3, 4}.numel() == 24);
  CHECK(Shape{5, 0, 7}.numel() == 0);
  CHECK(Shape{2, 3}.text() == "[2, 3]");
  CHECK(Shape{}.text() == "[]");
}

TEST_CASE("negative axes count from the end, and axes outside are refused with the shape") {
  const Shape shape{2, 3, 4};
  CHECK(shape.dim(-1) == 4);
  CHECK(shape.dim(-3) == 2);
  CHECK(shape.dim(1) == 3);
  CHECK_THROWS_WITH_AS((void)shape.dim(3), "axis 3 is outside of shape [2, 3, 4]", ShapeError);
  CHECK_THROWS_AS((void)shape.dim(-4), ShapeError);
}

TEST_CASE("negative extents, a sixth axis and more elements than 64 bits count are refused") {
  CHECK_THROWS_AS((Shape{2, -1}), ShapeError);
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1}), ShapeError);
  CHECK_THROWS_AS((Shape{1LL << 32, 1LL << 32}), ShapeError);
  CHECK_THROWS_AS((Shape{0, 1LL << 32, 1LL << 32}), ShapeError);  // of a layer's shape, the batch may be 0
}

TEST_CASE("the batch axis comes and goes in front") {
  CHECK(Shape{3, 4}.with_batch(2) == Shape{2, 3, 4});
  CHECK(Shape{2, 3, 4}.without_batch() == Shape{3, 4});
  CHECK_THROWS_AS((void)Shape{}.without_batch(), ShapeError);
  CHECK_THROWS_AS((void)(Shape{1, 1, 1, 1, 1}.with_batch(2)), ShapeError);
}

TEST_CASE("broadcasting follows NumPy's table") {
  CHECK(broadcast({256, 256, 3}, {3}) == Shape{256, 256, 3});
  CHECK(broadcast({8, 1, 6, 1}, {7, 1, 5}) == Shape{8, 7, 6, 5});
  CHECK(broadcast({15, 3, 5}, {15, 1, 5}) == Shape{15, 3, 5});
  CHECK(broadcast({}, {2}) == Shape{2});
  CHECK(broadcast({0}, {1}) == Shape{0});
  CHECK_THROWS_AS((void)broadcast({3}, {4}), ShapeError);
  CHECK_THROWS_AS((void)broadcast({2, 1}, {8, 4, 3}), ShapeError);
}
