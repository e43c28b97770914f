#include "ir/tensor.h"

#include <catch2/catch.hpp>
#include <limits>

namespace qprep {

TEST_CASE("payload sizes round sub-byte elements up and refuse what does not fit") {
  CHECK(payload_size(DType::kFloat32, 3) == 12U);
  CHECK(payload_size(DType::kInt4, 3) == 2U);
  CHECK(payload_size(DType::kInt2, 5) == 2U);
  CHECK(payload_size(DType::kComplex128, 0) == 0U);
  CHECK_FALSE(payload_size(DType::kString, 1));
  CHECK_FALSE(payload_size(DType::kFloat32, std::numeric_limits<std::uint64_t>::max()));
  CHECK_FALSE(payload_size(static_cast<DType>(77), 1));
}

TEST_CASE("an element count is checked for sign and overflow") {
  CHECK(element_count({}) == 1);
  CHECK(element_count({2, 0, 3}) == 0);
  CHECK_FALSE(element_count({2, -1}));
  CHECK_FALSE(element_count({std::int64_t{1} << 40, std::int64_t{1} << 40}));
}

TEST_CASE("dtypes have names, those of unknown numbers too") {
  CHECK(to_text(DType::kFloat8E4M3FN) == "float8e4m3fn");
  CHECK(to_text(static_cast<DType>(77)) == "dtype(77)");
  CHECK(to_text(static_cast<DType>(-1)) == "dtype(-1)");
}

TEST_CASE("a tensor reads elements at any alignment and widens integers") {
  const std::vector<std::uint8_t> file = {0xff, 0x01, 0x00, 0xfe, 0xff};
  const Tensor tensor(DType::kInt16, {2}, std::as_bytes(std::span(file)).subspan(1), nullptr);
  CHECK(tensor.at<std::int16_t>(1) == -2);
  CHECK(tensor.to_int64s() == std::vector<std::int64_t>{1, -2});
  CHECK_FALSE(Tensor::scalar(1.0F).to_int64s());
}

TEST_CASE("a copy of a tensor shares its payload") {
  const Tensor tensor = Tensor::floats({2}, {1.0F, 2.0F});
  const Tensor copy = tensor;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK(copy.same_payload(tensor));
  CHECK_FALSE(Tensor::floats({2}, {1.0F, 2.0F}).same_payload(tensor));
}

}  // namespace qprep
