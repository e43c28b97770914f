#include "ir/payload.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "ir/tensor.h"

namespace qprep {
namespace {

constexpr std::int64_t kCount = (std::int64_t{1} << 22) + 5;  // no whole number of pieces

float element(std::int64_t i) { return static_cast<float>(i % 1009) - 500.0F; }

Tensor computed(std::int64_t count = kCount) {
  return Tensor::computed(DType::kFloat32, {count}, [](std::size_t offset, std::span<std::byte> piece) {
    for (std::size_t at = 0; at < piece.size(); at += sizeof(float)) {
      const float value = element(static_cast<std::int64_t>((offset + at) / sizeof(float)));
      __builtin_memcpy(piece.data() + at, &value, sizeof value);
    }
  });
}

std::vector<std::byte> stored(std::int64_t count = kCount) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(count) * sizeof(float));
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = element(i);
    __builtin_memcpy(bytes.data() + static_cast<std::size_t>(i) * sizeof value, &value, sizeof value);
  }
  return bytes;
}

}  // namespace

TEST_CASE("a computed payload is the same in pieces, in order and as a whole") {
  const Tensor tensor = computed();
  const std::vector<std::byte> expected = stored();
  CHECK(tensor.payload().is_computed());
  CHECK(tensor.payload().size() == expected.size());

  std::vector<std::byte> in_order;
  tensor.payload().for_each_piece(
      [&](std::span<const std::byte> piece) { in_order.insert(in_order.end(), piece.begin(), piece.end()); });
  CHECK(in_order == expected);

  std::vector<std::byte> room;
  const std::span<const std::byte> piece = tensor.payload().piece(400, 4000, room);
  CHECK(std::equal(piece.begin(), piece.end(), expected.begin() + 400, expected.begin() + 4400));

  CHECK(std::equal(tensor.bytes().begin(), tensor.bytes().end(), expected.begin(), expected.end()));
  CHECK(tensor.bytes().data() == tensor.bytes().data());
  CHECK(tensor.at<float>(kCount - 1) == element(kCount - 1));
}

TEST_CASE("a small computed tensor is an ordinary one") {
  const Tensor tensor = computed(3);
  CHECK_FALSE(tensor.payload().is_computed());
  CHECK(tensor.to_vector<float>() == std::vector<float>{-500.0F, -499.0F, -498.0F});
  CHECK(computed(0).payload().size() == 0);
}

TEST_CASE("copies of a computed tensor are the same tensor, another computation is not") {
  const Tensor tensor = computed();
  const Tensor copy = tensor;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK(copy.same_payload(tensor));
  CHECK_FALSE(computed().same_payload(tensor));
  CHECK_FALSE(Tensor::floats({1}, {0.0F}).same_payload(tensor));
}

TEST_CASE("a view of a whole computed payload lives as long as its owner") {
  Tensor view;
  {
    const Tensor tensor = computed();
    view = Tensor(tensor.dtype(), {1, kCount}, tensor.bytes(), tensor.owner());
  }
  CHECK(view.at<float>(kCount - 1) == element(kCount - 1));
}

}  // namespace qprep
