#include "passes/lower_qdq.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "ir/dump.h"
#include "ir/verify.h"
#include "opset/raise_opset.h"
#include "quant/fake_quant.h"
#include "quant/weight_scale.h"
#include "support/codes.h"
#include "support/run_model.h"

namespace qprep {
namespace {

QuantSpec spec_of(Precision precision, std::int64_t axis = -1) {
  QuantSpec spec;
  spec.precision = precision;
  spec.channel_axis = axis;
  return spec;
}

/// x -> FakeQuantize, as insert-fake-quant leaves it.
struct Fixture {
  Model model;
  Graph& graph = *model.graph;
  Diagnostics diagnostics;

  explicit Fixture(std::int64_t opset = 13) { model.opsets[""] = opset; }

  Value& input(const std::string& name, const Dims& dims) {
    Shape shape;
    for (const std::int64_t size : dims) shape.push_back({size, ""});
    return graph.add_input(name, Type::tensor(DType::kFloat32, shape));
  }
  Node& quantise(Value& x, const QuantSpec& spec, const std::vector<float>& scales, bool calibrated = true) {
    const Dims dims =
        channel_dims(x.type().shape->size(), spec.channel_axis, static_cast<std::int64_t>(scales.size()));
    return insert_fake_quantize(
        graph, nullptr, x, spec, Tensor::floats(dims, scales),
        Tensor::of<std::int32_t>(DType::kInt32, dims, std::vector<std::int32_t>(scales.size())), calibrated);
  }
  std::string said() const { return diagnostics.all().empty() ? "" : to_text(diagnostics.all().front()); }
};

std::string file_of(Model model) {
  update_fake_quantize_functions(model);
  model.ir_version = std::max(model.ir_version, ir_version_for_opset(model.opset()));
  return bytes_of(std::move(model));
}

std::vector<float> numbers(std::size_t count, float scale) {
  std::mt19937 random(static_cast<unsigned>(count));
  std::vector<float> x(count);
  for (std::size_t i = 0; i < count; ++i)
    x[i] = scale * static_cast<float>(static_cast<int>(random() % 80000) - 40000) / 64.0F;
  const std::vector<float> edges = {0.0F,   -0.0F,        INFINITY,      -INFINITY,
                                    1e-45F, scale * 0.5F, scale * -1.5F, scale * 127.5F};
  std::copy_n(edges.begin(), std::min(edges.size(), x.size()), x.begin());
  return x;
}

}  // namespace

TEST_CASE("lower-qdq turns a FakeQuantize into a pair, in place") {
  Fixture f;
  Value& x = f.input("x", {2, 3});
  Node& fq = f.quantise(x, spec_of(Precision::kInt8, 1), {0.5F, 1.0F, 2.0F});
  Node& relu = f.graph.insert(nullptr, {.op = "Relu", .inputs = {&fq.output(0)}, .outputs = {"y"}});
  f.graph.add_output(relu.output(0));
  update_fake_quantize_functions(f.model);
  CHECK(opset_for_qdq(f.model) == 13);
  lower_qdq(f.model, f.diagnostics);
  CHECK(f.said() == "");
  CHECK(verify(f.model).empty());
  CHECK(dump(f.model) ==
        "model ir=8 onnx=13\n"
        "graph \"\"\n"
        "  input \"x\": float32[2,3]\n"
        "  const \"x_scale\": float32[3] {0.5, 1.0, 2.0}\n"
        "  const \"x_zero_point\": int8[3] {0, 0, 0}\n"
        "  \"x_quantized\": int8[2,3] = QuantizeLinear(\"x\", \"x_scale\", \"x_zero_point\") axis=1 # "
        "x_QuantizeLinear\n"
        "  \"x_fq\": float32[2,3] = DequantizeLinear(\"x_quantized\", \"x_scale\", \"x_zero_point\") "
        "axis=1 # "
        "x_DequantizeLinear\n"
        "  \"y\": ? = Relu(\"x_fq\") # y\n"
        "  output \"y\": ?\n");
}

TEST_CASE("lower-qdq computes what FakeQuantize computed, in every operator set") {
  for (std::int64_t opset = 11; opset <= 24; ++opset) {
    for (const Precision precision : {Precision::kInt8, Precision::kInt16}) {
      for (const std::int64_t axis : {-1, 0, 2}) {
        Fixture f(opset);
        const Dims dims = {3, 5, 4};
        Node& fq = f.quantise(
            f.input("x", dims), spec_of(precision, axis),
            axis < 0
                ? std::vector<float>{0.1F}
                : std::vector<float>(static_cast<std::size_t>(dims[static_cast<std::size_t>(axis)]), 0.3F));
        f.graph.add_output(fq.output(0));
        const bool needs_13 = axis >= 0;
        CHECK(opset_for_qdq(f.model) == (needs_13 ? 13 : 10));
        if (opset < opset_for_qdq(f.model)) {
          CHECK_THROWS_AS(lower_qdq(f.model, f.diagnostics), std::logic_error);
          continue;
        }
        update_fake_quantize_functions(f.model);
        const Feeds feeds = {{"x", Tensor::floats(dims, numbers(60, 0.1F))}};
        Fixture g(opset);  // the same again, since a model is not copied
        g.graph.add_output(g.quantise(g.input("x", dims), spec_of(precision, axis),
                                      fq.input(1)->initializer()->to_vector<float>())
                               .output(0));
        const std::string before = file_of(std::move(g.model));
        lower_qdq(f.model, f.diagnostics);
        REQUIRE(verify(f.model).empty());
        CHECK(f.model.functions.empty());
        CHECK_FALSE(f.model.opsets.contains("qprep"));
        CHECK(f.model.opsets.contains("com.microsoft") == (precision == Precision::kInt16 && opset < 21));
        const std::string after = file_of(std::move(f.model));
        INFO("opset " << opset << ", axis " << axis);
        REQUIRE(checker_says(after) == "");
        for (const bool optimise : {false, true}) {
          REQUIRE(run_model(after, feeds, optimise)[0].to_vector<float>() ==
                  run_model(before, feeds, false)[0].to_vector<float>());
        }
      }
    }
  }
}

TEST_CASE("lower-qdq keeps the model's signature") {
  Fixture f;
  Value& x = f.input("x", {3});
  Node& relu = f.graph.insert(nullptr, {.op = "Relu", .inputs = {&x}, .outputs = {"y"}});
  f.graph.add_output(relu.output(0));
  Node& fq = f.quantise(relu.output(0), spec_of(Precision::kInt8), {1.0F});
  f.graph.redirect_output(0, fq.output(0));
  lower_qdq(f.model, f.diagnostics);
  CHECK(f.graph.outputs()[0]->name() == "y");
  CHECK(f.graph.outputs()[0]->producer()->op() == "DequantizeLinear");
}

TEST_CASE("lower-qdq takes away what is not calibrated, with a note, and keeps the signature") {
  Fixture f;
  Value& x = f.input("x", {3});
  Node& first = f.quantise(x, spec_of(Precision::kInt8), {1.0F}, false);
  Node& relu = f.graph.insert(nullptr, {.op = "Relu", .inputs = {&first.output(0)}, .outputs = {"y"}});
  f.graph.add_output(relu.output(0));
  Node& second = f.quantise(relu.output(0), spec_of(Precision::kInt8), {1.0F}, false);
  f.graph.redirect_output(0, second.output(0));
  Node& third = f.quantise(x, spec_of(Precision::kInt8), {1.0F}, false);  // an output straight from an input
  f.graph.add_output(third.output(0));
  update_fake_quantize_functions(f.model);
  lower_qdq(f.model, f.diagnostics);
  CHECK(f.said() == "note: tensor 'x' stays float: it is not calibrated [stays-float]");
  CHECK(f.diagnostics.all().size() == 3);
  CHECK(verify(f.model).empty());
  CHECK(f.model.functions.empty());
  CHECK(f.graph.initializers().empty());
  CHECK(relu.input(0) == &x);
  CHECK(f.graph.outputs()[0] == &relu.output(0));
  CHECK(f.graph.outputs()[0]->name() == "y");
  CHECK(f.graph.outputs()[1]->name() == "x_fq_1");
  const auto y =
      run_model(file_of(std::move(f.model)), {{"x", Tensor::floats({3}, {-1.5F, 0.25F, 7.0F})}}, true);
  CHECK(y[0].to_vector<float>() == std::vector<float>{0.0F, 0.25F, 7.0F});
  CHECK(y[1].to_vector<float>() == std::vector<float>{-1.5F, 0.25F, 7.0F});
}

TEST_CASE("lower-qdq gives tensors of their own to nodes that shared a scale") {
  Fixture f;
  Value& x = f.input("x", {2, 2});
  Node& a = f.quantise(x, spec_of(Precision::kInt8, 0), {1.0F, 2.0F});
  Node& b = f.quantise(x, spec_of(Precision::kInt16, 0), {1.0F, 2.0F});
  b.set_input(1, a.input(1));
  b.set_input(2, a.input(2));
  f.graph.add_output(a.output(0));
  f.graph.add_output(b.output(0));
  update_fake_quantize_functions(f.model);
  lower_qdq(f.model, f.diagnostics);
  CHECK(f.said() == "");
  CHECK(a.input(2)->initializer()->dtype() == DType::kInt8);
  CHECK(b.input(2)->initializer()->dtype() == DType::kInt16);
  CHECK(checker_says(file_of(std::move(f.model))) == "");
}

TEST_CASE("lower-qdq names what it cannot express, and leaves it") {
  const auto error_of = [](const std::string& attribute, AttributeValue value) {
    Fixture f;
    Node& fq = f.quantise(f.input("x", {3}), spec_of(Precision::kInt8), {1.0F});
    fq.set_attribute(attribute, std::move(value));
    f.graph.add_output(fq.output(0));
    lower_qdq(f.model, f.diagnostics);
    CHECK(is_fake_quantize(fq));
    CHECK(f.diagnostics.count(Severity::kError) == 1);
    CHECK(f.diagnostics.all().front().code == codes::kFakeQuantize);
    return f.diagnostics.all().front().message;
  };
  CHECK(error_of("quant_min", Tensor::scalar(-127.0F)) ==
        "FakeQuantize node 'x_fq' cannot become QuantizeLinear: its range -127 to 127 is not all of qint8, "
        "which "
        "QuantizeLinear always uses");
  CHECK(error_of("dtype", std::string("qint5")) ==
        "FakeQuantize node 'x_fq' cannot become QuantizeLinear: its dtype 'qint5' is not known");

  Fixture f;
  Node& fq = f.quantise(f.input("x", {3}), spec_of(Precision::kInt8), {1.0F});
  fq.set_input(1, &f.input("scale", {}));
  lower_qdq(f.model, f.diagnostics);
  CHECK(f.diagnostics.all().front().message ==
        "FakeQuantize node 'x_fq' cannot become QuantizeLinear: its scale is no float32 constant");
}

TEST_CASE("lower-qdq keeps ONNX Runtime from moving what it cannot move") {
  for (const std::int64_t opset : {13, 20, 21, 24}) {
    for (const char* op : {"Transpose", "Slice", "Reshape", "Flatten"}) {
      for (const char* reader : {"Sigmoid", "output", "body"}) {
        Fixture f(opset);
        Node& fq = f.quantise(f.input("x", {2, 3}), spec_of(Precision::kInt8), {0.5F});
        Node& first = f.graph.insert(nullptr, {.op = op, .inputs = {&fq.output(0)}, .outputs = {"m"}});
        if (first.is("Slice")) {
          for (const std::int64_t v : {0, 3, 1})
            first.set_input(first.input_count(), &f.graph.new_initializer("i", Tensor::int64s({1}, {v})));
        }
        if (first.is("Reshape"))
          first.set_input(1, &f.graph.new_initializer("shape", Tensor::int64s({2}, {3, 2})));
        Node& second =
            f.graph.insert(nullptr, {.op = "Transpose", .inputs = {&first.output(0)}, .outputs = {"t"}});
        for (Node* node : {&first, &second})
          node->output(0).set_type(Type::tensor(DType::kFloat32, Shape(2)));
        Value* result = &second.output(0);
        if (std::string_view(reader) == "Sigmoid") {
          result =
              &f.graph.insert(nullptr, {.op = "Sigmoid", .inputs = {result}, .outputs = {"y"}}).output(0);
        } else if (std::string_view(reader) == "body") {
          Value& condition = f.graph.new_initializer("c", Tensor::of<std::uint8_t>(DType::kBool, {}, {1}));
          Node& branch = f.graph.insert(nullptr, {.op = "If", .inputs = {&condition}, .outputs = {"y"}});
          for (const char* name : {"then_branch", "else_branch"}) {
            auto body = std::make_unique<Graph>(*f.model.names, &branch);
            const bool then = std::string_view(name) == "then_branch";
            Value& inner =
                then ? body->insert(nullptr, {.op = "Neg", .inputs = {result}, .outputs = {"n"}}).output(0)
                     : body->insert(nullptr, {.op = "Identity", .inputs = {&fq.output(0)}, .outputs = {"n"}})
                           .output(0);
            body->add_output(inner);
            inner.set_type(Type::tensor(DType::kFloat32, Shape(2)));
            branch.set_attribute(name, std::move(body));
          }
          result = &branch.output(0);
        }
        result->set_type(Type::tensor(DType::kFloat32, Shape(2)));
        f.graph.add_output(*result);
        const std::string name = result->name();
        lower_qdq(f.model, f.diagnostics);
        REQUIRE(verify(f.model).empty());
        CHECK(f.graph.outputs()[0]->name() == name);
        INFO("opset " << opset << " " << op << " then " << reader);
        const std::string bytes = file_of(std::move(f.model));
        REQUIRE(checker_says(bytes) == "");
        const Feeds feeds = {{"x", Tensor::floats({2, 3}, {1.3F, -0.7F, 90.0F, 0.4F, 0.125F, -99.0F})}};
        const auto plain = run_model(bytes, feeds, false)[0].to_vector<float>();
        const auto optimised = run_model(bytes, feeds, true)[0].to_vector<float>();
        REQUIRE(plain.size() == optimised.size());
        for (std::size_t i = 0; i < plain.size(); ++i) CHECK(plain[i] == Approx(optimised[i]).margin(1e-6));
      }
    }
  }
}

TEST_CASE("lower-qdq works on FakeQuantize that was read from a file") {
  Fixture f;
  Node& fq = f.quantise(f.input("x", {2, 3}), spec_of(Precision::kInt8, 0), {0.5F, 0.25F});
  f.graph.add_output(fq.output(0));
  const std::string bytes = file_of(std::move(f.model));
  OnnxFile file = parse_onnx(std::as_bytes(std::span(bytes)), nullptr, "qat.onnx", f.diagnostics);
  lower_qdq(file.model, f.diagnostics);
  const std::string after = serialize_onnx(file);
  CHECK(f.said() == "");
  CHECK(checker_says(after) == "");
  const Feeds feeds = {{"x", Tensor::floats({2, 3}, {1.3F, -0.7F, 90.0F, 0.4F, 0.125F, -99.0F})}};
  CHECK(run_model(after, feeds, true)[0].to_vector<float>() ==
        std::vector<float>{1.5F, -0.5F, 63.5F, 0.5F, 0.0F, -32.0F});
  onnx::ModelProto proto;
  REQUIRE(proto.ParseFromString(after));
  CHECK(proto.functions_size() == 0);
  CHECK(proto.opset_import_size() == 1);
  CHECK(proto.graph().node_size() == 2);
  CHECK(proto.graph().node(1).attribute_size() == 1);
}

}  // namespace qprep
