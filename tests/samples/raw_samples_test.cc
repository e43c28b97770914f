#include "samples/raw_samples.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "samples/npy.h"
#include "samples/samples.h"
#include "support/codes.h"
#include "support/fatal.h"
#include "support/temporary_folder.h"

namespace fs = std::filesystem;
using namespace qprep;
using test::TemporaryFolder;

namespace {

RawInput input_in(const fs::path& folder, bool bytes) {
  RawInput input;
  input.port.name = "x";
  input.port.type = Type::tensor(DType::kFloat32, Shape{{1, {}}, {3, {}}});
  input.folder = folder.string();
  input.bytes = bytes;
  return input;
}

void write_bytes(const fs::path& file, std::span<const std::byte> bytes) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

template <typename T>
void write_numbers(const fs::path& file, const std::vector<T>& numbers) {
  write_bytes(file, std::as_bytes(std::span(numbers)));
}

std::string refused(const std::vector<RawInput>& inputs) {
  return test::fatal_text(codes::kBadSample, [&] {
    Diagnostics diagnostics;
    SampleSet::open_raw(inputs, diagnostics);
  });
}

}  // namespace

TEST_CASE("Files of numbers alone, floats and bytes, and .npy files") {
  const TemporaryFolder folder;
  write_numbers<float>(folder.path() / "f/0.bin", {1, 2, 3});
  write_numbers<std::uint8_t>(folder.path() / "b/0.rgb", {0, 128, 255});
  const Tensor bytes = Tensor::of<std::uint8_t>(DType::kUInt8, {1, 3}, {4, 5, 6});
  write_bytes(folder.path() / "f/1.npy", npy_bytes(bytes));
  write_bytes(folder.path() / "b/1.npy", npy_bytes(Tensor::floats({1, 3}, {7, 8, 9})));
  std::vector<RawInput> inputs = {input_in(folder.path() / "f", false), input_in(folder.path() / "b", true)};
  inputs[1].port.name = "y";
  inputs[1].adapt = [](const Tensor& tensor) {
    std::vector<float> values = tensor.to_vector<float>();
    for (float& value : values) value -= 128;
    return Tensor::floats(tensor.dims(), std::move(values));
  };
  Diagnostics diagnostics;
  const SampleSet samples = SampleSet::open_raw(inputs, diagnostics);
  REQUIRE(samples.size() == 2);
  const Feeds first = samples.load(0).feeds, second = samples.load(1).feeds;
  CHECK(first.at("x").to_vector<float>() == std::vector<float>{1, 2, 3});
  CHECK(first.at("y").to_vector<float>() == std::vector<float>{-128, 0, 127});
  CHECK(second.at("x").to_vector<float>() == std::vector<float>{4, 5, 6});
  CHECK(second.at("y").to_vector<float>() == std::vector<float>{-121, -120, -119});
}

TEST_CASE("A file of another size is refused with both sizes") {
  const TemporaryFolder folder;
  write_numbers<float>(folder.path() / "0.bin", {1, 2});
  const std::vector<RawInput> inputs = {input_in(folder.path(), false)};
  CHECK(refused(inputs).find(
            "the file has 8 bytes, and the model's input 'x' (float32[1,3]) takes 12 as float32") !=
        std::string::npos);
  fs::rename(folder.path() / "0.bin", folder.path() / "0.JPG");
  CHECK(refused(inputs).find("pictures are not read, only the numbers that they hold") != std::string::npos);
}

TEST_CASE("One open size is computed, two are refused") {
  const TemporaryFolder folder;
  write_numbers<float>(folder.path() / "0.bin", {1, 2, 3, 4, 5, 6});
  RawInput input = input_in(folder.path(), false);
  input.port.type.shape = Shape{{-1, "batch"}, {3, {}}};
  CHECK(read_raw_sample((folder.path() / "0.bin").string(), input).dims() == Dims{2, 3});
  input.port.type.shape = Shape{{-1, {}}, {-1, {}}};
  CHECK(refused({input}).find("more than one size is open") != std::string::npos);
}

TEST_CASE("Folders that hold no samples, or not the same ones") {
  const TemporaryFolder folder;
  CHECK(refused({input_in(folder.path() / "nowhere", false)}).find("cannot be read") != std::string::npos);
  CHECK(refused({input_in(folder.path(), false)}).find("here is no file") != std::string::npos);
  write_numbers<float>(folder.path() / "a/0.bin", {1, 2, 3});
  write_numbers<float>(folder.path() / "a/1.bin", {1, 2, 3});
  write_numbers<float>(folder.path() / "b/1.bin", {1, 2, 3});
  CHECK(refused({input_in(folder.path() / "a", false), input_in(folder.path() / "b", false)})
            .find("the file is missing") != std::string::npos);
  write_numbers<float>(folder.path() / "a/0.rgb", {1, 2, 3});
  CHECK(refused({input_in(folder.path() / "a", false)}).find("would be the same sample") !=
        std::string::npos);
}

TEST_CASE("An input of integers takes no floats") {
  const TemporaryFolder folder;
  write_numbers<float>(folder.path() / "0.bin", {1, 2, 3});
  RawInput input = input_in(folder.path(), false);
  input.port.type.dtype = DType::kInt64;
  CHECK(refused({input}).find("it holds float32, and the model's input 'x' takes int64[1,3]") !=
        std::string::npos);
}
