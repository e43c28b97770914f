#include "samples/samples.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

#include "runtime/temporary_folder.h"
#include "samples/npy.h"
#include "samples/sample_layout.h"
#include "support/codes.h"

using namespace qprep;

namespace {

const Port kImage = {"image", Type::tensor(DType::kFloat32, Shape{{-1, "N"}, {2, ""}}), false};
const Port kState = {"a/state:0", Type::tensor(DType::kInt64, Shape{}), false};

void write_image(const TemporaryFolder& folder, const std::string& name, std::int64_t n, float value = 1) {
  folder.write(name,
               npy_bytes(Tensor::floats({n, 2}, std::vector<float>(static_cast<std::size_t>(n) * 2, value))));
}

void write_state(const TemporaryFolder& folder, const std::string& name, std::int64_t value) {
  folder.write(name, npy_bytes(Tensor::int64s({}, {value})));
}

/// The messages, each with its file's path in the folder: "image/0.npy: ...".
std::vector<std::string> texts(const TemporaryFolder& folder, const std::vector<Diagnostic>& diagnostics) {
  std::vector<std::string> result;
  for (const Diagnostic& diagnostic : diagnostics) {
    CHECK(diagnostic.code == codes::kBadSample);
    std::string where = to_text(diagnostic.where);
    if (where.starts_with(folder.str()))
      where = where.substr(std::min(folder.str().size() + 1, where.size()));
    result.push_back(where + ": " + diagnostic.message);
  }
  return result;
}

std::vector<std::string> errors(const TemporaryFolder& folder, const std::vector<Port>& inputs) {
  Diagnostics diagnostics;
  try {
    SampleSet::open(folder.str(), inputs, diagnostics);
  } catch (const Fatal& fatal) {
    return texts(folder, fatal.diagnostics());
  }
  return {"no error"};
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("index.json says which folder is whose") {
  const TemporaryFolder folder;
  write_image(folder, "first/0000.npy", 1, 5);
  write_image(folder, "first/0001.npy", 3, 6);
  write_state(folder, "second/0000.npy", 7);
  write_state(folder, "second/0001.npy", 8);
  folder.write("index.json", R"({"task": "t", "count": 2, "inputs": [
    {"name": "image", "folder": "first", "dtype": "float32", "shape": [null, 2]},
    {"name": "a/state:0", "folder": "second", "dtype": "int64", "shape": []}]})");

  Diagnostics diagnostics;
  const SampleSet set = SampleSet::open(folder.str(), std::vector{kImage, kState}, diagnostics);
  CHECK(diagnostics.all().empty());
  REQUIRE(set.size() == 2);
  CHECK(set.name(1) == "0001.npy");
  const Sample sample = set.load(1);
  CHECK(sample.feeds.at("image").dims() == Dims{3, 2});
  CHECK(sample.feeds.at("image").at<float>(0) == 6);
  CHECK(sample.feeds.at("a/state:0").at<std::int64_t>(0) == 8);
  CHECK(sample.findings.empty());
}

TEST_CASE("without index.json the folders' names say it") {
  const TemporaryFolder folder;
  write_image(folder, "image/b.npy", 1, 2);
  write_image(folder, "image/a.npy", 1, 1);
  write_state(folder, "a_state_0/a.npy", 3);
  write_state(folder, "a_state_0/b.npy", 4);
  folder.write("image/.hidden", "");
  Diagnostics diagnostics;
  const SampleSet set = SampleSet::open(folder.str(), std::vector{kImage, kState}, diagnostics);
  CHECK(diagnostics.all().empty());
  REQUIRE(set.size() == 2);
  CHECK(set.load(0).feeds.at("a/state:0").at<std::int64_t>(0) == 3);

  folder.write("image/notes.txt", "x");
  folder.write("imagine/0.npy", "x");
  SampleSet::open(folder.str(), std::vector{kImage, kState}, diagnostics);
  CHECK(texts(folder, diagnostics.all()) ==
        Texts{"imagine: the folder is left out: the model has no input 'imagine' (did you mean 'image'?)",
              "image/notes.txt: the file is left out: samples are .npy, .npz, .pb, .bin, .raw, .jpg, .jpeg, "
              ".png and "
              ".bmp files"});
}

TEST_CASE("plain files do for a model with one input") {
  const TemporaryFolder folder;
  write_image(folder, "0.npy", 4);
  Diagnostics diagnostics;
  const Port with_default = {"scale", Type::tensor(DType::kFloat32, Shape{}), true};
  const SampleSet set = SampleSet::open(folder.str(), std::vector{with_default, kImage}, diagnostics);
  CHECK(set.size() == 1);
  CHECK(set.load(0).feeds.size() == 1);
  CHECK(errors(folder, {kImage, kState}) == Texts{": here is no index.json, no folder of samples with the "
                                                  "name of an input ('image', 'a/state:0'), no "
                                                  "folder with input_0.pb, and no .npz file; other files "
                                                  "without a folder do only for a model with one "
                                                  "input"});
}

TEST_CASE("folder names of inputs") {
  CHECK(folder_name("image") == "image");
  CHECK(folder_name("serving/x:0") == "serving_x_0");
  CHECK(folder_name("a__b//:c_") == "a__b_c");
  CHECK(folder_name("..") == "input");
}

TEST_CASE("a set that does not fit the model is refused, with the file and what was expected") {
  const TemporaryFolder folder;
  SECTION("no folder") {
    Diagnostics diagnostics;
    CHECK_THROWS_WITH(SampleSet::open(folder.str() + "/none", std::vector{kImage}, diagnostics),
                      Catch::Contains("the folder of the samples does not exist"));
    const std::string file = folder.write("file", "");
    CHECK_THROWS_WITH(SampleSet::open(file, std::vector{kImage}, diagnostics),
                      Catch::Contains("the samples are no folder"));
  }
  SECTION("nothing in it") {
    CHECK(
        errors(folder, {kImage}) ==
        Texts{
            ": here is no index.json, no folder of samples with the name of an input ('image'), no folder "
            "with "
            "input_0.pb, and no file of a sample (.npy, .npz, .pb, .bin, .raw, .jpg, .jpeg, .png and .bmp)"});
  }
  SECTION("an empty folder") {
    std::filesystem::create_directories(folder.path() / "image");
    CHECK(errors(folder, {kImage}) ==
          Texts{"image: here is no sample for the model's input 'image'; samples are .npy, .npz, .pb, .bin, "
                ".raw, .jpg, .jpeg, .png and .bmp files"});
  }
  SECTION("a missing folder") {
    write_image(folder, "image/0.npy", 1);
    CHECK(errors(folder, {kImage, kState}) ==
          Texts{": it has no folder 'a_state_0' for the model's input 'a/state:0'; its folders are 'image'"});
  }
  SECTION("a missing file") {
    write_image(folder, "image/0.npy", 1);
    write_image(folder, "image/1.npy", 1);
    write_state(folder, "a_state_0/0.npy", 1);
    CHECK(errors(folder, {kImage, kState}) == Texts{"a_state_0/1.npy: the file is missing: another input has "
                                                    "a sample of this name, and 'a/state:0' has none"});
  }
  SECTION("another dtype, shape or format") {
    write_state(folder, "0.npy", 1);
    folder.write("1.npy", npy_bytes(Tensor::floats({1, 3}, {1, 2, 3})));
    folder.write("2.npy", npy_bytes(Tensor::floats({2}, {1, 2})));
    folder.write("3.npy", "no");
    CHECK(errors(folder, {kImage}) ==
          Texts{"0.npy: it holds int64, and the model's input 'image' takes float32",
                "1.npy: its shape is [1,3], and the model's input 'image' takes [N,2]",
                "2.npy: its shape is [2], and the model's input 'image' takes [N,2] (a sample holds the "
                "batch axis too)",
                "3.npy: it is no .npy file: it does not begin with \\x93NUMPY"});
  }
  SECTION("many files are wrong in the same way") {
    for (int i = 10; i < 30; ++i) write_state(folder, std::to_string(i) + ".npy", 1);
    const Texts all = errors(folder, {kImage});
    CHECK(all.size() == 9);
    CHECK(all.back() == ": 12 more files are like this");
  }
  SECTION("inputs that .npy files cannot feed") {
    write_image(folder, "0.npy", 1);
    CHECK(errors(folder, {{"s", Type::tensor(DType::kString), false}}).front() ==
          ": the model's input 's' takes string, which no file of samples holds");
    CHECK(errors(folder, {{"q", Type{Type::Kind::kOther, {}, {}}, false}}).front() ==
          ": the model's input 'q' is no tensor");
  }
}

TEST_CASE("an index.json that does not fit is refused with its place") {
  const TemporaryFolder folder;
  write_image(folder, "a/0.npy", 1);
  const auto with = [&](const std::string& text) {
    folder.write("index.json", text);
    return errors(folder, {kImage});
  };
  CHECK(with("{\n\"inputs\": [,]}") == Texts{"index.json:2: it is no JSON here"});
  CHECK(with("[]").front() == "index.json: it has no list \"inputs\" of {\"name\": ..., \"folder\": ...}");
  CHECK(with(R"({"inputs": [3]})").front() ==
        "index.json: an entry of \"inputs\" lacks \"name\" or \"folder\"");
  CHECK(with(R"({"inputs": []})").front() == "index.json: it has no entry for the model's input 'image'");
  CHECK(with(R"({"inputs": [{"name": "imag", "folder": "a"}]})").front() ==
        "index.json: the model has no input 'imag' (did you mean 'image'?); its inputs are 'image'");
  CHECK(with(R"({"inputs": [{"name": "token_ids", "folder": "a"}, {"name": "mask", "folder": "a"}]})") ==
        Texts{": these are samples of another model: index.json has the inputs 'token_ids', 'mask', the "
              "model has "
              "'image'"});
  CHECK(with(R"({"inputs": [{"name": "image", "folder": "a"}, {"name": "image", "folder": "a"}]})").front() ==
        "index.json: the input 'image' has two entries");
  for (const std::string outside : {"../a", "/a", "a/../../b"}) {
    CHECK_THAT(with(R"({"inputs": [{"name": "image", "folder": ")" + outside + "\"}]}").front(),
               Catch::StartsWith("index.json: the folder '" + outside + "' of input 'image' is not inside "));
  }
  CHECK(with(R"({"inputs": [{"name": "image", "folder": "none"}]})") ==
        Texts{"none: the folder for the model's input 'image' cannot be read: No such file or directory"});
  CHECK(with(R"({"inputs": [{"name": "image", "folder": "a"}]})") == Texts{"no error"});
}

TEST_CASE("NaN and infinity in a sample are said, and counted") {
  const TemporaryFolder folder;
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  folder.write("0.npy", npy_bytes(Tensor::floats({2, 2}, {nan, 1, -inf, 2})));
  Diagnostics diagnostics;
  const SampleSet set = SampleSet::open(folder.str(), std::vector{kImage}, diagnostics);
  CHECK(texts(folder, set.load(0).findings) == Texts{"0.npy: it holds 2 NaN or infinite elements"});

  const Port wide = {"x", Type::tensor(DType::kFloat64), false};
  folder.write("0.npy", npy_bytes(Tensor::of<double>(DType::kFloat64, {1},
                                                     {std::numeric_limits<double>::infinity()})));
  CHECK(SampleSet::open(folder.str(), std::vector{wide}, diagnostics).load(0).findings.size() == 1);
  const Port half = {"x", Type::tensor(DType::kFloat16), false};
  folder.write("0.npy", npy_bytes(Tensor::of<std::uint16_t>(DType::kFloat16, {3}, {0x7c00, 0x7bff, 0xfe00})));
  CHECK(texts(folder, SampleSet::open(folder.str(), std::vector{half}, diagnostics).load(0).findings) ==
        Texts{"0.npy: it holds 2 NaN or infinite elements"});
}

TEST_CASE("a file that changes after the set was opened is refused when it is loaded") {
  const TemporaryFolder folder;
  write_image(folder, "0.npy", 1);
  Diagnostics diagnostics;
  const SampleSet set = SampleSet::open(folder.str(), std::vector{kImage}, diagnostics);
  write_state(folder, "0.npy", 1);
  CHECK_THROWS_WITH(set.load(0),
                    Catch::Contains("it holds int64, and the model's input 'image' takes float32"));
}
