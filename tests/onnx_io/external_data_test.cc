#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/stat.h>

#include "ir/verify.h"
#include "onnx_io/onnx_file.h"
#include "support/codes.h"
#include "support/fatal.h"
#include "support/onnx_compare.h"
#include "support/proto_models.h"
#include "support/temporary_folder.h"

using namespace qprep;
using namespace qprep::test;
using Catch::Contains;
using Entries = std::vector<std::pair<std::string, std::string>>;
using Texts = std::vector<std::string>;

namespace {

/// A model with a float[2] tensor 'w' whose data are where the entries say.
onnx::ModelProto external_model(const Entries& entries) {
  onnx::ModelProto model = relu_model();
  onnx::TensorProto& w = add_floats(*model.mutable_graph(), "w", {2}, {});
  w.clear_raw_data();
  w.set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] : entries) add_entry(w, key, value);
  return model;
}

std::string float_bytes(std::initializer_list<float> values) {
  const std::vector<float> list(values);
  return {reinterpret_cast<const char*>(list.data()), list.size() * sizeof(float)};
}

OnnxFile read(const std::filesystem::path& path) {
  Diagnostics diagnostics;
  OnnxFile file = read_onnx(path, diagnostics);
  CHECK(diagnostics.all().empty());
  CHECK(verify(file.model).empty());
  return file;
}

/// A folder with "model.onnx" of those entries, and "w.bin" of sixteen bytes.
struct Case {
  explicit Case(const Entries& entries) {
    std::filesystem::create_directory(folder / "in");
    write_text(model(), external_model(entries).SerializeAsString());
    write_text(folder / "in/w.bin", float_bytes({1, 2, 3, 4}));
  }
  std::filesystem::path model() const { return folder / "in/model.onnx"; }
  std::vector<float> values() const {
    return read(model()).model.graph->initializers()[0]->initializer()->to_vector<float>();
  }
  std::string refusal() const {
    return fatal_text(codes::kExternalData, [&] { read(model()); });
  }
  TemporaryFolder folder;
};

std::string entry(const onnx::TensorProto& tensor, const std::string& key) {
  for (const auto& pair : tensor.external_data()) {
    if (pair.key() == key) return pair.value();
  }
  return "-";
}

}  // namespace

TEST_CASE("external data are where the entries say") {
  CHECK(Case(Entries{{"location", "w.bin"}, {"offset", "4"}, {"length", "8"}}).values() ==
        std::vector<float>{2, 3});
  CHECK(Case(Entries{{"location", "./w.bin"}, {"length", "8"}}).values() == std::vector<float>{1, 2});
  CHECK(Case(Entries{{"location", "w.bin"}, {"offset", "8"}}).values() == std::vector<float>{3, 4});
  CHECK(Case(Entries{{"location", "w.bin"}}).values() == std::vector<float>{1, 2});
}

TEST_CASE("external data may be in a folder inside, and links may stay inside") {
  const Case inside(Entries{{"location", "sub/w.bin"}});
  std::filesystem::create_directory(inside.folder / "in/sub");
  std::filesystem::rename(inside.folder / "in/w.bin", inside.folder / "in/sub/w.bin");
  CHECK(inside.values() == std::vector<float>{1, 2});

  const Case link(Entries{{"location", "link"}});
  std::filesystem::create_symlink("w.bin", link.folder / "in/link");
  CHECK(link.values() == std::vector<float>{1, 2});
}

TEST_CASE("external data outside of the model's folder are refused") {
  const Case up(Entries{{"location", "../w.bin"}});
  write_text(up.folder / "w.bin", float_bytes({1, 2}));
  CHECK_THAT(up.refusal(), Contains("tensor 'w'") && Contains("'../w.bin'") && Contains("'..'"));
  CHECK_THAT(Case(Entries{{"location", "sub/../../w.bin"}}).refusal(), Contains("'..'"));
  CHECK_THAT(Case(Entries{{"location", "/etc/passwd"}}).refusal(), Contains("an absolute path"));

  const Case link(Entries{{"location", "link"}});
  write_text(link.folder / "outside", float_bytes({1, 2}));
  std::filesystem::create_symlink("../outside", link.folder / "in/link");
  CHECK_THAT(link.refusal(), Contains("a link that leaves"));

  const Case folder_link(Entries{{"location", "sub/outside"}});
  write_text(folder_link.folder / "outside", float_bytes({1, 2}));
  std::filesystem::create_directory_symlink("..", folder_link.folder / "in/sub");
  CHECK_THAT(folder_link.refusal(), Contains("a link that leaves"));

  const Case loop(Entries{{"location", "loop"}});
  std::filesystem::create_symlink("loop", loop.folder / "in/loop");
  CHECK_THAT(loop.refusal(), Contains("cannot be read"));
}

TEST_CASE("external data that are no regular file are refused, without waiting for them") {
  const Case fifo(Entries{{"location", "fifo"}});
  REQUIRE(::mkfifo((fifo.folder / "in/fifo").c_str(), 0600) == 0);
  CHECK_THAT(fifo.refusal(), Contains("a FIFO"));

  const Case directory(Entries{{"location", "sub"}});
  std::filesystem::create_directory(directory.folder / "in/sub");
  CHECK_THAT(directory.refusal(), Contains("is a directory"));
  CHECK_THAT(Case(Entries{{"location", "."}}).refusal(), Contains("is a directory"));
  CHECK_THAT(Case(Entries{{"location", "missing"}}).refusal(),
             Contains("'missing'") && Contains("No such file"));
  CHECK_THAT(Case(Entries{{"location", ""}}).refusal(), Contains("no location"));
  CHECK_THAT(Case(Entries{{"offset", "0"}}).refusal(), Contains("no location"));
  CHECK_THAT(Case(Entries{{"location", std::string("w.bin\0x", 7)}}).refusal(),
             Contains("zero byte") && Contains("w.bin\\x00x"));
}

TEST_CASE("offsets and lengths that do not fit are refused") {
  const auto refusal = [](const std::string& offset, const std::string& length) {
    return Case(Entries{{"location", "w.bin"}, {"offset", offset}, {"length", length}}).refusal();
  };
  CHECK_THAT(refusal("-4", "8"), Contains("'-4' as its offset"));
  CHECK_THAT(refusal("4x", "8"), Contains("'4x' as its offset"));
  CHECK_THAT(refusal("", "8"), Contains("'' as its offset"));
  CHECK_THAT(refusal("99999999999999999999", "8"), Contains("as its offset"));
  CHECK_THAT(refusal("0", "-8"), Contains("'-8' as its length"));
  CHECK_THAT(refusal("0", "18446744073709551615"), Contains("as its length"));
  CHECK_THAT(refusal("17", "8"), Contains("starts at byte 17 of a file of 16"));
  CHECK_THAT(refusal("12", "8"), Contains("reaches from byte 12 to 20") && Contains("only 16"));
  CHECK_THAT(refusal("0", "4"), Contains("has 4 bytes") && Contains("take 8"));
  CHECK_THAT(refusal("0", "16"), Contains("has 16 bytes") && Contains("take 8"));
}

TEST_CASE("external data that contradict their tensor are refused") {
  const auto refusal = [](const std::function<void(onnx::TensorProto&)>& change) {
    Case made(Entries{{"location", "w.bin"}});
    onnx::ModelProto model = external_model(Entries{{"location", "w.bin"}});
    change(*model.mutable_graph()->mutable_initializer(0));
    write_text(made.model(), model.SerializeAsString());
    return made.refusal();
  };
  CHECK_THAT(refusal([](auto& w) { w.set_raw_data("12345678"); }), Contains("in the model too"));
  CHECK_THAT(refusal([](auto& w) { w.set_data_type(onnx::TensorProto::STRING); }), Contains("strings"));
  CHECK_THAT(refusal([](auto& w) { w.set_dims(0, -2); }), Contains("dims that no tensor has"));
  CHECK_THAT(refusal([](auto& w) { w.set_dims(0, std::int64_t{1} << 62); }), Contains("dims"));
}

TEST_CASE("a model in memory has its external data beside its name") {
  const Case made(Entries{{"location", "w.bin"}});
  const auto bytes = std::make_shared<const std::string>(bytes_of(made.model()));
  Diagnostics diagnostics;
  const OnnxFile file =
      parse_onnx(std::as_bytes(std::span(*bytes)), bytes, made.model().string(), diagnostics);
  CHECK(file.model.graph->initializers()[0]->initializer()->at<float>(1) == 2);
}

TEST_CASE("external tensors stay external, in one file beside the target") {
  const Case made(
      {{"location", "w.bin"}, {"offset", "4"}, {"length", "8"}, {"checksum", "abc"}, {"note", "n"}});
  const OnnxFile file = read(made.model());
  const std::filesystem::path copy = made.folder / "copy.onnx";
  const Written written = write_onnx(file, copy);
  CHECK(written.files == std::vector{copy, made.folder / "copy.onnx.data"});
  CHECK(written.bytes == bytes_of(copy).size() + 8);
  CHECK(made.folder.names() == Texts{"copy.onnx", "copy.onnx.data", "in"});
  CHECK(bytes_of(made.folder / "copy.onnx.data") == float_bytes({2, 3}));

  const onnx::ModelProto model = plain_model(bytes_of(copy));
  const onnx::TensorProto& w = model.graph().initializer(0);
  CHECK(entry(w, "location") == "copy.onnx.data");
  CHECK(entry(w, "offset") == "0");
  CHECK(entry(w, "length") == "8");
  CHECK(entry(w, "checksum") == "-");
  CHECK(entry(w, "note") == "n");
  CHECK_FALSE(w.has_raw_data());
  CHECK(difference(resolved_model(made.model()), resolved_model(copy)).empty());
}

TEST_CASE("the model in memory has all data inside") {
  const Case made(Entries{{"location", "w.bin"}, {"offset", "4"}});
  const onnx::ModelProto model = plain_model(serialize_onnx(read(made.model())));
  const onnx::TensorProto& w = model.graph().initializer(0);
  CHECK(w.raw_data() == float_bytes({2, 3}));
  CHECK(w.external_data_size() == 0);
  CHECK_FALSE(w.has_data_location());
}

TEST_CASE("data that tensors share are written once, and large data begin with a page") {
  const TemporaryFolder folder;
  const std::size_t large = 300'000;
  onnx::ModelProto model = relu_model();
  const auto add = [&](const std::string& name, std::size_t count, std::size_t offset) {
    onnx::TensorProto& tensor =
        add_floats(*model.mutable_graph(), name, {static_cast<std::int64_t>(count)}, {});
    tensor.clear_raw_data();
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    add_entry(tensor, "location", "w.bin");
    add_entry(tensor, "offset", std::to_string(offset));
    add_entry(tensor, "length", std::to_string(count * sizeof(float)));
  };
  add("a", 3, 0);
  add("b", large, 12);
  add("again", 3, 0);
  add("c", 5, 16);
  write_text(folder / "m.onnx", model.SerializeAsString());
  std::string data(12 + large * 4, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31);
  write_text(folder / "w.bin", data);

  write_onnx(read(folder / "m.onnx"), folder / "n.onnx");
  const onnx::ModelProto copy = plain_model(bytes_of(folder / "n.onnx"));
  const auto offset = [&](int i) { return entry(copy.graph().initializer(i), "offset"); };
  CHECK(offset(0) == "0");
  CHECK(offset(1) == "4096");
  CHECK(offset(2) == "0");
  CHECK(std::stoull(offset(3)) % 64 == 0);
  CHECK(difference(resolved_model(folder / "m.onnx"), resolved_model(folder / "n.onnx")).empty());
}

TEST_CASE("a file for each tensor is fine, even if there are more than a process may have open") {
  const TemporaryFolder folder;
  onnx::ModelProto model = relu_model();
  for (int i = 0; i < 300; ++i) {
    const std::string name = "w" + std::to_string(i);
    onnx::TensorProto& tensor = add_floats(*model.mutable_graph(), name, {1}, {});
    tensor.clear_raw_data();
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    add_entry(tensor, "location", name);
    write_text(folder / name, float_bytes({static_cast<float>(i)}));
  }
  write_text(folder / "m.onnx", model.SerializeAsString());
  struct rlimit before = {};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const struct rlimit few = {150, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  write_onnx(read(folder / "m.onnx"), folder / "n.onnx");
  ::setrlimit(RLIMIT_NOFILE, &before);
  const OnnxFile copy = read(folder / "n.onnx");
  for (std::size_t i = 0; i < 300; ++i) {
    CHECK(copy.model.graph->initializers()[i]->initializer()->at<float>(0) == static_cast<float>(i));
  }
}

TEST_CASE("a model with external data keeps large new tensors out of the file too") {
  const Case made(Entries{{"location", "w.bin"}});
  OnnxFile file = read(made.model());
  file.model.graph->new_initializer("large", Tensor::floats({1000}, std::vector<float>(1000, 1)));
  file.model.graph->new_initializer("small", Tensor::floats({1}, {1}));
  write_onnx(file, made.folder / "copy.onnx");
  const onnx::ModelProto model = plain_model(bytes_of(made.folder / "copy.onnx"));
  CHECK(model.graph().initializer(1).data_location() == onnx::TensorProto::EXTERNAL);
  CHECK(model.graph().initializer(2).raw_data().size() == 4);
  CHECK(read(made.folder / "copy.onnx").model.graph->initializers()[1]->initializer()->at<float>(999) == 1);
}

TEST_CASE("a model is written over its own input only if that is allowed, data and all") {
  const Case made(Entries{{"location", "w.bin"}, {"offset", "4"}});
  OnnxFile file = read(made.model());
  const std::string before = bytes_of(made.model());
  const std::string text = fatal_text(codes::kOverwritesInput, [&] { write_onnx(file, made.model()); });
  CHECK_THAT(text, Contains("model.onnx"));
  CHECK(bytes_of(made.model()) == before);
  CHECK_THAT(fatal_text(codes::kOverwritesInput, [&] { write_onnx(file, made.folder / "in/w.bin"); }),
             Contains("w.bin"));
  std::filesystem::create_symlink("in/model.onnx", made.folder / "link.onnx");
  fatal_text(codes::kOverwritesInput, [&] { write_onnx(file, made.folder / "link.onnx"); });

  for (int round = 0; round < 2; ++round) {
    write_onnx(file, made.model(), {.durable = true, .allow_overwrite_input = true});
    CHECK(bytes_of(made.folder / "in/model.onnx.data") == float_bytes({2, 3}));
    CHECK(made.values() == std::vector<float>{2, 3});
    file = read(made.model());
  }
}

TEST_CASE("another model's target never takes the data file that the input needs") {
  const Case made(Entries{{"location", "other.onnx.data"}});
  std::filesystem::rename(made.folder / "in/w.bin", made.folder / "in/other.onnx.data");
  const OnnxFile file = read(made.model());
  const WriteOptions allowed = {.durable = false, .allow_overwrite_input = true};
  const auto text =
      fatal_text(codes::kOverwritesInput, [&] { write_onnx(file, made.folder / "in/other.onnx", allowed); });
  CHECK_THAT(text, Contains("other.onnx.data"));
  CHECK(made.values() == std::vector<float>{1, 2});
}

TEST_CASE("writing twice gives the same bytes, over an older pair too") {
  const Case made(Entries{{"location", "w.bin"}});
  const OnnxFile file = read(made.model());
  write_onnx(file, made.folder / "copy.onnx");
  const std::string first = bytes_of(made.folder / "copy.onnx");
  write_text(made.folder / "copy.onnx.data", "something older");
  write_onnx(file, made.folder / "copy.onnx");
  CHECK(bytes_of(made.folder / "copy.onnx") == first);
  CHECK(bytes_of(made.folder / "copy.onnx.data") == float_bytes({1, 2}));
  CHECK(made.folder.names() == Texts{"copy.onnx", "copy.onnx.data", "in"});
}

TEST_CASE("a failure leaves the old pair and no trace") {
  const Case made(Entries{{"location", "w.bin"}});
  const OnnxFile file = read(made.model());
  std::filesystem::create_directory(made.folder / "copy.onnx.data");
  write_text(made.folder / "copy.onnx", "old");
  fatal_text(codes::kFileAccess, [&] { write_onnx(file, made.folder / "copy.onnx"); });
  CHECK(bytes_of(made.folder / "copy.onnx") == "old");
  CHECK(made.folder.names() == Texts{"copy.onnx", "copy.onnx.data", "in"});
}
