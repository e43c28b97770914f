#include <catch2/catch.hpp>
#include <sys/mman.h>

#include "onnx_io/onnx_file.h"
#include "support/codes.h"
#include "support/fatal.h"

using namespace qprep;

TEST_CASE("a model above 2 GB does not fit into memory in one piece, and says so before it tries") {
  // Zeros that nobody touches take no memory.
  const std::size_t size = std::size_t{3} << 30;
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(address != MAP_FAILED);
  const std::shared_ptr<const void> owner(address, [](void* mapped) { ::munmap(mapped, size); });
  OnnxFile file;
  file.model.file = "large.onnx";
  file.model.opsets = {{"", 17}};
  file.model.graph->add_initializer("w", Tensor(DType::kInt8, {static_cast<std::int64_t>(size)},
                                                {static_cast<const std::byte*>(address), size}, owner));
  const std::string text = test::fatal_text(codes::kModelTooLarge, [&] { serialize_onnx(file); });
  CHECK_THAT(text, Catch::Contains("large.onnx") && Catch::Contains("3221225"));
}
