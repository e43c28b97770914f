#include "onnx_io/wire.h"

#include <catch2/catch.hpp>
#include <string>

#include "onnx_io/skeleton.h"
#include "support/codes.h"
#include "support/fatal.h"
#include "support/proto_models.h"

using namespace qprep;
using namespace std::string_literals;

namespace {

std::string refusal(std::string bytes) {
  return test::fatal_text(codes::kCorruptModel, [&] { test::read_bytes(std::move(bytes)); });
}

/// The skeleton's message with its payloads back.
std::string expanded(const Skeleton& skeleton) {
  std::vector<std::uint64_t> sizes;
  for (const auto& payload : skeleton.payloads) sizes.push_back(payload.size());
  const Expansion expansion(skeleton.bytes, sizes);
  std::string text;
  expansion.write([&](std::string_view piece) { text += piece; },
                  [&](PayloadIndex index) {
                    const auto payload = skeleton.payloads[index];
                    text.append(reinterpret_cast<const char*>(payload.data()), payload.size());
                  });
  CHECK(text.size() == expansion.size());
  return text;
}

/// `levels` If nodes, each in the branch of the one before.
onnx::ModelProto nested(int levels) {
  onnx::ModelProto model = test::relu_model();
  onnx::GraphProto* graph = model.mutable_graph();
  for (int i = 0; i < levels; ++i) {
    onnx::NodeProto& node = test::add_node(*graph, "If", {"x"}, {"v" + std::to_string(i)});
    graph = &test::add_body(node, "then_branch");
  }
  test::add_floats(*graph, "w", {1}, {1});
  return model;
}

}  // namespace

TEST_CASE("a skeleton holds no payload, and its expansion is the message") {
  onnx::ModelProto model = test::relu_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  for (const std::size_t size : {0U, 1U, 31U, 32U, 127U, 128U, 5000U, 70'000U}) {
    test::add_floats(graph, "w" + std::to_string(size), {static_cast<std::int64_t>(size)},
                     std::vector<float>(size, 1.5F));
  }
  onnx::SparseTensorProto& sparse = *graph.add_sparse_initializer();
  test::set_floats(*sparse.mutable_values(), {1}, {2});
  sparse.mutable_indices()->set_raw_data("12345678");
  onnx::NodeProto& node = test::add_node(graph, "Custom", {}, {"c"});
  test::set_floats(*test::add_attribute(node, "t", onnx::AttributeProto::TENSOR).mutable_t(), {1}, {3});
  test::set_floats(*test::add_attribute(node, "ts", onnx::AttributeProto::TENSORS).add_tensors(), {1}, {4});
  test::add_attribute(node, "s", onnx::AttributeProto::SPARSE_TENSOR)
      .mutable_sparse_tensor()
      ->mutable_values()
      ->set_raw_data("five");
  test::add_attribute(node, "ss", onnx::AttributeProto::SPARSE_TENSORS)
      .add_sparse_tensors()
      ->mutable_indices()
      ->set_raw_data("six");
  test::add_floats(*test::add_attribute(node, "gs", onnx::AttributeProto::GRAPHS).add_graphs(), "w", {1},
                   {7});
  test::add_floats(test::add_body(node, "g"), "w", {1}, {8});
  onnx::FunctionProto& function = *model.add_functions();
  onnx::NodeProto& inner = test::add_node(function, "Constant", {}, {"c"});
  test::set_floats(*test::add_attribute(inner, "value", onnx::AttributeProto::TENSOR).mutable_t(), {1}, {9});
  onnx::AttributeProto& fallback = *function.add_attribute_proto();
  test::set_floats(*fallback.mutable_t(), {1}, {10});
  onnx::TrainingInfoProto& training = *model.add_training_info();
  test::add_floats(*training.mutable_initialization(), "w", {1}, {11});
  test::add_floats(*training.mutable_algorithm(), "w", {1}, {12});

  const std::string bytes = model.SerializeAsString();
  const Skeleton skeleton = strip_payloads(std::as_bytes(std::span(bytes)));
  CHECK(skeleton.payloads.size() == 8 + 2 + 6 + 2 + 2);
  CHECK(skeleton.bytes.size() < 2000);
  CHECK(expanded(skeleton) == bytes);
}

TEST_CASE("a number may take more bytes than it needs") {
  // graph { name: "g" } with the graph's length in three bytes.
  const std::string bytes = "\x3a\x83\x80\x00\x12\x01g"s;
  const Skeleton skeleton = strip_payloads(std::as_bytes(std::span(bytes)));
  CHECK(expanded(skeleton) == "\x3a\x03\x12\x01g"s);
}

TEST_CASE("bytes that are no message are refused with the place") {
  using Catch::Contains;
  CHECK_THAT(refusal("\x08"), Contains("a number is cut off (byte 1)"));
  CHECK_THAT(refusal("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
             Contains("more than ten bytes (byte 1)"));
  CHECK_THAT(refusal("\x3a\x05\x0a"), Contains("after the end of what holds it (byte 2)"));
  CHECK_THAT(refusal("\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
             Contains("after the end of what holds it"));
  CHECK_THAT(refusal("\x3a\x03\x0a\x09\x01"), Contains("after the end of what holds it (byte 4)"));
  CHECK_THAT(refusal("\x0b\x0c"), Contains("a kind that ONNX does not use (byte 0)"));
  CHECK_THAT(refusal("\x0e"), Contains("a kind that ONNX does not use"));
  CHECK_THAT(refusal("\x00"s), Contains("no valid number (byte 0)"));
  CHECK_THAT(refusal("\x0d\x01\x02"), Contains("fixed-size field is cut off"));
  CHECK_THAT(refusal("\x09\x01\x02"), Contains("fixed-size field is cut off"));
  CHECK_THAT(refusal("\x80\x80\x80\x80\x80\x01"), Contains("no valid number"));
  CHECK_THAT(refusal("this is a text, not a model"), Contains("no ONNX model"));
}

TEST_CASE("files that people take for models are called by their names") {
  using Catch::Contains;
  CHECK_THAT(refusal(""), Contains("test.onnx: error: the file is empty"));
  CHECK_THAT(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
             Contains("Git LFS"));
  CHECK_THAT(refusal("\x20\0\0\0ORTM and so on"s), Contains("ONNX Runtime's own format"));
  CHECK_THAT(refusal("PK\x03\x04 and so on"), Contains("ZIP"));
  CHECK_THAT(refusal("\x08\x07"), Contains("it has no graph"));
}

TEST_CASE("graphs nest as deep as protobuf reads, and are refused deeper, without a crash") {
  const std::string deep = nested(30).SerializeAsString();
  CHECK_NOTHROW(strip_payloads(std::as_bytes(std::span(deep))));
  CHECK_THAT(refusal(nested(40).SerializeAsString()), Catch::Contains("nest too deep"));

  std::string bomb;
  for (int i = 0; i < 20'000; ++i) {
    // AttributeProto.g { node { attribute { ... } } }, with lengths that do not matter as long as they hold.
    std::string wrapped;
    const auto wrap = [&](char tag) {
      wrapped = tag;
      wire::append_varint(wrapped, bomb.size());
      bomb = wrapped + bomb;
    };
    wrap('\x32');
    wrap('\x2a');
    wrap('\x0a');
    if (bomb.size() > 60'000) break;
  }
  std::string model = "\x3a";
  wire::append_varint(model, bomb.size());
  CHECK_THAT(refusal(model + bomb), Catch::Contains("nest too deep"));
}

TEST_CASE("what protobuf refuses inside a message is refused too") {
  onnx::ModelProto model = test::relu_model();
  // A dim of a tensor's dims, as a length-delimited field that is cut off inside.
  std::string bytes = model.SerializeAsString();
  bytes += "\x42\x03\x12\x07z"s;  // opset_import { domain: 7 bytes, of which one is there }
  CHECK_THAT(refusal(bytes), Catch::Contains("malformed"));
}
