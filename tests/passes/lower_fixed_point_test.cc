#include "passes/lower_fixed_point.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "ir/verify.h"
#include "opset/raise_opset.h"
#include "passes/lower_qdq.h"
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

OpClasses classes() {
  OpClasses classes;
  for (const char* op : {"Reshape", "MaxPool"}) {
    classes.rows[op].traits.op_class = OpClass::kPassive;
    classes.rows[op].traits.data = {0};
  }
  return classes;
}

struct Layer {
  std::string op;
  Dims x, w;
  std::int64_t axis = 0;      // of the weight's scales
  std::int64_t channels = 0;  // 0: no bias
  std::int64_t group = 1;
  std::int64_t trans_b = 0;
  float alpha = 1.0F, beta = 1.0F;
};

/// x -> FakeQuantize -> layer(weight -> FakeQuantize, bias) -> FakeQuantize -> y, in the Q/DQ form or before
/// it.
struct Fixture {
  Model model;
  Graph& graph = *model.graph;
  Diagnostics diagnostics;
  Node* layer = nullptr;
  Value* weight = nullptr;
  Value* bias = nullptr;
  std::mt19937 random;

  explicit Fixture(unsigned seed = 1) : random(seed) {}

  std::vector<float> normal(const Dims& dims, float deviation) {
    std::normal_distribution<float> distribution(0.0F, deviation);
    std::vector<float> values(static_cast<std::size_t>(*element_count(dims)));
    for (float& v : values) v = distribution(random);
    return values;
  }

  Value& quantised(Value& x, const QuantSpec& spec, float scale) {
    return insert_fake_quantize(graph, nullptr, x, spec, Tensor::scalar(scale), unset_scale().zero_point,
                                true)
        .output(0);
  }
  Value& quantised_weight(Value& w, const QuantSpec& spec) {
    const auto found = weight_scale(*w.initializer(), spec);
    return insert_fake_quantize(graph, nullptr, w, spec, found->scale, found->zero_point, true).output(0);
  }

  void build(const Layer& l, std::int64_t opset, Precision activation, Precision weights, bool per_channel) {
    model.opsets[""] = opset;
    Shape shape;
    for (const std::int64_t size : l.x) shape.push_back({size, ""});
    const float step = activation == Precision::kInt8 ? 4.0F / 127.5F : 4.0F / 32767.5F;
    Value& x =
        quantised(graph.add_input("x", Type::tensor(DType::kFloat32, shape)), spec_of(activation), step);
    weight = &graph.add_initializer("w", Tensor::floats(l.w, normal(l.w, 0.3F)));
    Value& w = quantised_weight(*weight, spec_of(weights, per_channel ? l.axis : -1));
    std::vector<Value*> inputs = {&x, &w};
    if (l.channels > 0) {
      bias = &graph.add_initializer("b", Tensor::floats({l.channels}, normal({l.channels}, 1.0F)));
      inputs.push_back(bias);
    }
    layer = &graph.insert(nullptr, {.op = l.op, .inputs = inputs, .outputs = {"c"}, .name = "layer"});
    if (l.group != 1) layer->set_attribute("group", l.group);
    if (l.op == "Gemm") {
      layer->set_attribute("transB", l.trans_b);
      layer->set_attribute("alpha", l.alpha);
      layer->set_attribute("beta", l.beta);
    }
    set_rank(layer->output(0), l.x.size());
    graph.add_output(quantised(layer->output(0), spec_of(activation), 2.0F * step));
    update_fake_quantize_functions(model);
  }

  /// What the checker asks of outputs.
  static void set_rank(Value& value, std::size_t rank) {
    value.set_type(Type::tensor(DType::kFloat32, Shape(rank)));
  }

  /// The file's bytes; the model is spent.
  std::string file() {
    model.ir_version = std::max(model.ir_version, ir_version_for_opset(model.opset()));
    return bytes_of(std::move(model));
  }
  void lower() {
    lower_qdq(model, diagnostics);
    lower_fixed_point(model, classes(), diagnostics);
    CHECK(verify(model).empty());
  }
  std::vector<const Node*> raise_scales() {
    lower_qdq(model, diagnostics);
    return raise_scales_for_biases(model, classes(), diagnostics);
  }
  std::string said() const { return diagnostics.all().empty() ? "" : to_text(diagnostics.all().front()); }
};

const std::vector<Layer>& layers() {
  static const std::vector<Layer> all = {
      {.op = "Conv", .x = {1, 4, 7, 7}, .w = {6, 4, 3, 3}, .axis = 0, .channels = 6},
      {.op = "Conv", .x = {2, 4, 7, 7}, .w = {8, 1, 3, 3}, .axis = 0, .channels = 8, .group = 4},
      {.op = "Conv", .x = {1, 4, 9}, .w = {6, 4, 3}, .axis = 0, .channels = 6},
      {.op = "Conv", .x = {1, 2, 4, 4, 4}, .w = {3, 2, 2, 2, 2}, .axis = 0},
      {.op = "ConvTranspose", .x = {1, 4, 5, 5}, .w = {4, 6, 3, 3}, .axis = 1, .channels = 6},
      {.op = "ConvTranspose", .x = {1, 4, 5, 5}, .w = {4, 3, 3, 3}, .axis = 1, .channels = 6, .group = 2},
      {.op = "ConvTranspose", .x = {1, 4, 5, 5}, .w = {4, 1, 3, 3}, .axis = 0, .channels = 4, .group = 4},
      {.op = "ConvTranspose", .x = {1, 4, 5, 5}, .w = {4, 1, 3, 3}, .axis = 1, .channels = 4, .group = 4},
      {.op = "Gemm", .x = {5, 12}, .w = {12, 7}, .axis = 1, .channels = 7},
      {.op = "Gemm", .x = {5, 12}, .w = {7, 12}, .axis = 0, .channels = 7, .trans_b = 1},
      {.op = "Gemm",
       .x = {5, 12},
       .w = {7, 12},
       .axis = 0,
       .channels = 7,
       .trans_b = 1,
       .alpha = 0.5F,
       .beta = 2.0F},
      {.op = "Gemm", .x = {5, 12}, .w = {12, 7}, .axis = 1, .channels = 7, .alpha = 0.75F},
      {.op = "MatMul", .x = {2, 5, 12}, .w = {12, 7}, .axis = 1},
  };
  return all;
}

std::vector<std::string> ops_of(const Graph& graph) {
  std::vector<std::string> ops;
  for (const Node& node : graph.nodes()) ops.push_back(node.op());
  return ops;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.dims() == b.dims());
  double most = 0.0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    most =
        std::max(most, std::fabs(static_cast<double>(a.at<float>(i)) - static_cast<double>(b.at<float>(i))));
  }
  return most;
}

/// Lowers the layer and compares it with its FakeQuantize form, plain and optimised.
void check_layer(const Layer& l, std::int64_t opset, Precision activation, Precision weights,
                 bool per_channel) {
  const unsigned seed = static_cast<unsigned>(opset) + (per_channel ? 100U : 0U);
  Fixture before(seed), after(seed);
  before.build(l, opset, activation, weights, per_channel);
  after.build(l, opset, activation, weights, per_channel);
  INFO(l.op << " opset " << opset << " " << to_text(activation) << " x " << to_text(weights)
            << (per_channel ? " per channel" : " per tensor") << " group " << l.group << " axis " << l.axis);
  if (opset < opset_for_qdq(after.model)) return;
  after.lower();
  CHECK(after.said() == "");
  for (const Value* value : after.graph.initializers()) {
    CHECK_FALSE(value->is_unused());
    CHECK((value->initializer()->dtype() != DType::kFloat32 ||
           value->name().find("scale") != std::string::npos));
  }
  const Value& w = *after.layer->input(1)->producer()->input(0);
  CHECK(w.initializer()->dtype() == (weights == Precision::kInt8 ? DType::kInt8 : DType::kInt16));
  if (l.channels > 0)
    CHECK(after.layer->input(2)->producer()->input(0)->initializer()->dtype() == DType::kInt32);

  const Feeds feeds = {{"x", Tensor::floats(l.x, before.normal(l.x, 1.5F))}};
  const Tensor wanted = run_model(before.file(), feeds, false)[0];
  const std::string file = after.file();
  REQUIRE(checker_says(file) == "");
  // Rounding the bias moves a sum by half of s_x * s_w, which at most tips a result into the next step.
  const double step = (activation == Precision::kInt8 ? 8.0 / 127.5 : 8.0 / 32767.5) * 1.001;
  for (const bool optimise : {false, true}) {
    CHECK(largest_difference(run_model(file, feeds, optimise)[0], wanted) <= step);
  }
}

}  // namespace

TEST_CASE("lower-fixed-point: every layer, width, axis and operator set loads and computes the same") {
  for (const Layer& layer : layers()) {
    for (const std::int64_t opset : {11, 13, 17, 21, 24}) {
      for (const bool per_channel : {false, true}) {
        check_layer(layer, opset, Precision::kInt8, Precision::kInt8, per_channel);
        check_layer(layer, opset, Precision::kInt16, Precision::kInt8, per_channel);
      }
    }
  }
}

TEST_CASE("lower-fixed-point: int16 weights, whose biases may leave int32") {
  for (const Layer& layer : layers()) {
    Layer plain = layer;
    plain.channels = 0;
    for (const std::int64_t opset : {11, 21}) {
      check_layer(plain, opset, Precision::kInt8, Precision::kInt16, true);
      check_layer(plain, opset, Precision::kInt16, Precision::kInt16, true);
    }
  }
}

TEST_CASE("lower-fixed-point stores weights as int8 and biases as int32 of scale s_x * s_w") {
  Fixture f;
  f.build({.op = "Conv", .x = {1, 2, 4, 4}, .w = {3, 2, 1, 1}, .axis = 0, .channels = 3}, 13,
          Precision::kInt8, Precision::kInt8, true);
  const std::vector<float> w = f.weight->initializer()->to_vector<float>();
  const std::vector<float> b = f.bias->initializer()->to_vector<float>();
  f.lower();
  CHECK(ops_of(f.graph) == std::vector<std::string>{"QuantizeLinear", "DequantizeLinear", "DequantizeLinear",
                                                    "DequantizeLinear", "Conv", "QuantizeLinear",
                                                    "DequantizeLinear"});
  const Node& weight = *f.layer->input(1)->producer();
  const Node& bias = *f.layer->input(2)->producer();
  CHECK(weight.input(0)->name() == "w_quantized");
  CHECK(bias.input(0)->name() == "b_quantized");
  CHECK(bias.input(1)->name() == "b_scale");
  CHECK(bias.int_or("axis", -1) == 0);
  const float s_x = f.layer->input(0)->producer()->input(1)->initializer()->at<float>(0);
  for (std::int64_t c = 0; c < 3; ++c) {
    const float s_w = weight.input(1)->initializer()->at<float>(c);
    const float s_b = bias.input(1)->initializer()->at<float>(c);
    CHECK(s_b == s_x * s_w);
    for (std::int64_t i = 2 * c; i < 2 * c + 2; ++i) {
      const long expected = std::clamp(std::lrint(w[static_cast<std::size_t>(i)] / s_w), -128L, 127L);
      CHECK(weight.input(0)->initializer()->at<std::int8_t>(i) == expected);
    }
    const auto q = bias.input(0)->initializer()->at<std::int32_t>(c);
    CHECK(std::fabs(static_cast<double>(q) * static_cast<double>(s_b) -
                    static_cast<double>(b[static_cast<std::size_t>(c)])) <= 0.5 * static_cast<double>(s_b));
  }
}

TEST_CASE("lower-fixed-point: one bias for two layers is stored once for each scale") {
  Fixture f;
  f.build({.op = "Gemm", .x = {2, 3}, .w = {3, 4}, .axis = 1, .channels = 4}, 13, Precision::kInt8,
          Precision::kInt8, true);
  Value& x = *f.layer->input(0);
  Value& same = *f.layer->input(1);
  Value& other =
      f.quantised_weight(f.graph.add_initializer("w2", Tensor::floats({3, 4}, f.normal({3, 4}, 2.0F))),
                         spec_of(Precision::kInt8, 1));
  Node& second = f.graph.insert(nullptr, {.op = "Gemm", .inputs = {&x, &same, f.bias}, .outputs = {"d"}});
  Node& third = f.graph.insert(nullptr, {.op = "Gemm", .inputs = {&x, &other, f.bias}, .outputs = {"e"}});
  Node& reader = f.graph.insert(nullptr, {.op = "Relu", .inputs = {f.bias}, .outputs = {"r"}});
  for (Node* node : {&second, &third, &reader}) {
    f.set_rank(node->output(0), node == &reader ? 1 : 2);
    f.graph.add_output(node->output(0));
  }
  f.lower();
  CHECK(f.said() == "");
  CHECK(second.input(2) == f.layer->input(2));
  CHECK(third.input(2) != f.layer->input(2));
  CHECK(third.input(2)->producer()->input(0)->name() == "b_quantized_1");
  CHECK(reader.input(0) == f.bias);
  CHECK(checker_says(f.file()) == "");
}

TEST_CASE("lower-fixed-point: the scale of the data comes through operators that only move elements") {
  for (const char* op : {"MaxPool", "AveragePool"}) {
    Fixture f;
    f.build({.op = "Conv", .x = {1, 2, 5, 5}, .w = {3, 2, 2, 2}, .axis = 0, .channels = 3}, 13,
            Precision::kInt8, Precision::kInt8, true);
    Node& pool = f.graph.insert(f.layer, {.op = op, .inputs = {f.layer->input(0)}, .outputs = {"p"}});
    pool.set_attribute("kernel_shape", std::vector<std::int64_t>{2, 2});
    f.layer->set_input(0, &pool.output(0));
    f.lower();
    const bool moves = pool.op() == "MaxPool";
    CHECK((f.layer->input(2) == f.bias) == !moves);
    CHECK(f.said() ==
          (moves ? "" : "note: bias 'b' of node 'layer' stays float: its data have no scale [stays-float]"));
    const std::string file = f.file();
    CHECK(checker_says(file) == "");
    const Feeds feeds = {{"x", Tensor::floats({1, 2, 5, 5}, f.normal({1, 2, 5, 5}, 1.0F))}};
    CHECK(largest_difference(run_model(file, feeds, false)[0], run_model(file, feeds, true)[0]) <=
          8.001 / 127.5);
  }
}

TEST_CASE("lower-fixed-point: a bias stays float, with the reason") {
  const auto reason = [](const Layer& layer, auto change) {
    Fixture f;
    f.build(layer, 13, Precision::kInt8, Precision::kInt8, true);
    change(f);
    f.lower();
    CHECK(f.layer->input(2) == f.bias);
    REQUIRE(f.diagnostics.all().size() == 1);
    CHECK(f.diagnostics.all().front().code == codes::kStaysFloat);
    return f.diagnostics.all().front().message;
  };
  const Layer conv{.op = "Conv", .x = {1, 2, 4, 4}, .w = {3, 2, 1, 1}, .axis = 0, .channels = 3};
  const Layer gemm{.op = "Gemm", .x = {3, 3}, .w = {3, 4}, .axis = 1, .channels = 4};
  const auto set_bias = [](Dims dims, std::vector<float> values) {
    return [=](Fixture& f) { f.graph.set_initializer(*f.bias, Tensor::floats(dims, values)); };
  };
  const std::string conv_bias = "bias 'b' of node 'layer' stays float: ";
  const auto share_weight = [](Fixture& f) {
    f.graph.set_initializer(*f.bias, Tensor::floats({3}, {1.0F, -3e9F, 0.0F}));
    Node& other = f.graph.insert(nullptr, {.op = "Relu", .inputs = {f.layer->input(1)}, .outputs = {"r"}});
    f.graph.add_output(other.output(0));
  };
  CHECK(reason(conv, share_weight)
            .starts_with(conv_bias + "its element 1 is -3000000000, which int32 of scale"));
  CHECK(reason(conv, set_bias({3}, {1.0F, NAN, 0.0F}))
            .starts_with(conv_bias + "its element 1 is nan, which int32"));
  CHECK(reason(gemm, set_bias({3, 1}, {1.0F, 2.0F, 3.0F})) ==
        conv_bias + "it is not one number for each output channel");
  CHECK(reason(gemm, [](Fixture& f) { f.layer->set_attribute("alpha", -1.0F); }) ==
        conv_bias + "alpha is -1 and beta 1");
  CHECK(reason(gemm, [](Fixture& f) { f.layer->set_attribute("beta", 0.0F); }) ==
        conv_bias + "alpha is 1 and beta 0");
  CHECK(reason(conv, [](Fixture& f) { f.layer->set_input(0, f.graph.inputs()[0]); }) ==
        conv_bias + "its data have no scale");
  CHECK(
      reason(conv, [](Fixture& f) {
        Node& weight = *f.layer->input(1)->producer();
        weight.set_attribute("ch_axis", std::int64_t{1});
        f.graph.set_initializer(*weight.input(1), Tensor::floats({2, 1, 1}, {1.0F, 2.0F}));
        f.graph.set_initializer(*weight.input(2), Tensor::of<std::int32_t>(DType::kInt32, {2, 1, 1}, {0, 0}));
      }) == conv_bias + "its weight's scales do not lie along the output channels");
}

TEST_CASE("lower-fixed-point: one number for all channels, or a row, is a bias of the channels") {
  for (const Dims& dims : {Dims{}, Dims{1}, Dims{1, 4}}) {
    Fixture f;
    f.build({.op = "Gemm", .x = {3, 3}, .w = {3, 4}, .axis = 1, .channels = 4}, 13, Precision::kInt8,
            Precision::kInt8, true);
    std::vector<float> values(static_cast<std::size_t>(*element_count(dims)), 0.5F);
    f.graph.set_initializer(*f.bias, Tensor::floats(dims, values));
    f.lower();
    CHECK(f.said() == "");
    const Tensor& q = *f.layer->input(2)->producer()->input(0)->initializer();
    CHECK(q.dims() == Dims{4});
    CHECK(checker_says(f.file()) == "");
  }
}

TEST_CASE("lower-fixed-point: a bias leaves room for the products in the accumulator") {
  // 60,000 products of at most 128 * 128 leave int32 half full; a bias above that must not become int32 as it
  // is.
  Fixture f;
  f.build({.op = "Gemm", .x = {1, 60000}, .w = {60000, 1}, .axis = 1, .channels = 1}, 13, Precision::kInt8,
          Precision::kInt8, false);
  const float scale =
      4.0F / 127.5F * weight_scale(*f.weight->initializer(), spec_of(Precision::kInt8))->scale.at<float>(0);
  f.graph.set_initializer(*f.bias, Tensor::floats({1}, {scale * 1.5e9F}));
  f.lower();
  CHECK(f.layer->input(2) == f.bias);
  CHECK(f.diagnostics.all().size() == 1);
}

TEST_CASE("lower-fixed-point: channels that training switched off get a scale that their bias fits") {
  const std::vector<Layer> all = {
      {.op = "Conv", .x = {1, 2, 4, 4}, .w = {3, 2, 1, 1}, .axis = 0, .channels = 3},
      {.op = "ConvTranspose", .x = {1, 4, 5, 5}, .w = {4, 3, 2, 2}, .axis = 1, .channels = 6, .group = 2},
      {.op = "Gemm", .x = {3, 4}, .w = {3, 4}, .axis = 0, .channels = 3, .trans_b = 1, .alpha = 0.5F}};
  for (const Layer& layer : all) {
    Fixture before, raised, both, after;
    for (Fixture* f : {&before, &raised, &both, &after}) {
      f->build(layer, 13, Precision::kInt8, Precision::kInt8, true);
      Tensor w = *f->weight->initializer();
      std::vector<float> values = w.to_vector<float>();
      const AxisLayout rows = layout_around(w.dims(), static_cast<std::size_t>(layer.axis));
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (i / static_cast<std::size_t>(rows.inner) % static_cast<std::size_t>(rows.channels) == 1)
          values[i] *= 1e-30F;
      }
      w = Tensor::floats(w.dims(), values);
      f->graph.set_initializer(*f->weight, w);
      f->graph.set_initializer(*f->layer->input(1)->producer()->input(1),
                               weight_scale(w, spec_of(Precision::kInt8, layer.axis))->scale);
    }
    INFO(layer.op);
    after.lower();
    REQUIRE(after.diagnostics.all().size() == 1);
    CHECK(after.diagnostics.all().front().code == codes::kRaisedScale);
    const Node& weight = *after.layer->input(1)->producer();
    const Node& bias = *after.layer->input(2)->producer();
    CHECK(weight.input(0)->initializer()->dtype() == DType::kInt8);
    CHECK(bias.input(0)->initializer()->dtype() == DType::kInt32);
    CHECK(weight.input(1)->initializer()->at<float>(1) > 1e-12F);
    CHECK(std::abs(bias.input(0)->initializer()->at<std::int32_t>(1)) > (1 << 28));
    const Feeds feeds = {{"x", Tensor::floats(layer.x, before.normal(layer.x, 1.5F))}};
    const Tensor wanted = run_model(before.file(), feeds, false)[0];
    const std::string file = after.file();
    REQUIRE(checker_says(file) == "");
    for (const bool optimise : {false, true}) {
      CHECK(largest_difference(run_model(file, feeds, optimise)[0], wanted) <= 8.001 / 127.5);
    }
    // With float biases, of which ONNX Runtime makes integers by itself.
    CHECK(raised.raise_scales().empty());
    CHECK(raised.layer->input(2)->initializer() != nullptr);
    CHECK(largest_difference(run_model(raised.file(), feeds, true)[0], wanted) <= 8.001 / 127.5);
    CHECK(both.raise_scales().empty());
    both.lower();
    CHECK(both.diagnostics.all().size() == 1);
    CHECK(both.file() == file);
  }
}

TEST_CASE("lower-fixed-point: a live channel keeps its scale, and its bias stays float") {
  Fixture f;
  f.build({.op = "Conv", .x = {1, 2, 4, 4}, .w = {3, 2, 1, 1}, .axis = 0, .channels = 3}, 21,
          Precision::kInt16, Precision::kInt16, true);
  f.graph.set_initializer(*f.bias, Tensor::floats({3}, {0.1F, 20.0F, 0.0F}));
  CHECK(f.raise_scales() == std::vector<const Node*>{f.layer});
  CHECK(f.diagnostics.all().empty());
  f.lower();
  CHECK(f.layer->input(2) == f.bias);
  CHECK(f.said().starts_with(
      "note: bias 'b' of node 'layer' stays float: its element 1 is 20, which int32 of scale"));
}

TEST_CASE("lower-fixed-point keeps floats that others read") {
  Fixture f;
  f.build({.op = "Conv", .x = {1, 2, 4, 4}, .w = {3, 2, 1, 1}, .axis = 0, .channels = 3}, 13,
          Precision::kInt8, Precision::kInt8, true);
  Node& reader = f.graph.insert(nullptr, {.op = "Relu", .inputs = {f.weight}, .outputs = {"r"}});
  f.set_rank(reader.output(0), 4);
  f.graph.add_output(reader.output(0));
  f.lower();
  CHECK(reader.input(0) == f.weight);
  CHECK(f.layer->input(1)->producer()->input(0)->initializer()->dtype() == DType::kInt8);
  CHECK(checker_says(f.file()) == "");
}

TEST_CASE("lower-fixed-point takes defaults that a caller could override as constants, and says so") {
  Fixture f;
  f.model.opsets[""] = 13;
  const auto with_default = [&](const std::string& name) -> Value& {
    Value& value = f.graph.add_input(name, Type::tensor(DType::kFloat32, Shape{{3, ""}}));
    f.graph.give_initializer(value, Tensor::floats({3}, {1.0F, 2.0F, 3.0F}));
    return value;
  };
  for (const char* name : {"a", "b"})
    f.graph.add_output(f.quantised(with_default(name), spec_of(Precision::kInt8), 0.1F));
  Value& read_elsewhere = with_default("c");
  f.graph.add_output(f.quantised(read_elsewhere, spec_of(Precision::kInt8), 0.1F));
  Node& reader = f.graph.insert(nullptr, {.op = "Relu", .inputs = {&read_elsewhere}, .outputs = {"r"}});
  f.set_rank(reader.output(0), 1);
  f.graph.add_output(reader.output(0));
  f.lower();
  REQUIRE(f.graph.inputs().size() == 1);
  CHECK(f.graph.inputs()[0]->name() == "c");
  CHECK(f.said() ==
        "note: input 'a' and 1 more had a default, which is stored as integers now; no longer an input "
        "[overridable-initializer]");
  CHECK(checker_says(f.file()) == "");
}

TEST_CASE("lower-fixed-point takes Q/DQ of other tools: unsigned, asymmetric, Constant nodes") {
  Fixture f;
  f.model.opsets[""] = 13;
  const auto constant = [&](const std::string& name, Tensor tensor) -> Value& {
    Node& node = f.graph.insert(nullptr, {.op = "Constant", .outputs = {name}});
    node.set_attribute("value", std::move(tensor));
    return node.output(0);
  };
  Value& scale = f.graph.add_initializer("s", Tensor::scalar(0.5F));
  Value& zero = f.graph.add_initializer("z", Tensor::of<std::uint8_t>(DType::kUInt8, {}, {128}));
  Node& q = f.graph.insert(
      nullptr, {.op = "QuantizeLinear",
                .inputs = {&constant("c", Tensor::floats({3}, {-1.0F, 0.25F, 99.0F})), &scale, &zero},
                .outputs = {"q"}});
  Node& dq = f.graph.insert(
      nullptr, {.op = "DequantizeLinear", .inputs = {&q.output(0), &scale, &zero}, .outputs = {"y"}});
  f.set_rank(dq.output(0), 1);
  f.graph.add_output(dq.output(0));
  Node& plain = f.graph.insert(nullptr, {.op = "QuantizeLinear",
                                         .inputs = {&constant("d", Tensor::floats({1}, {3.0F})), &scale},
                                         .outputs = {"p"}});
  Node& undo = f.graph.insert(
      nullptr, {.op = "DequantizeLinear", .inputs = {&plain.output(0), &scale}, .outputs = {"v"}});
  f.set_rank(undo.output(0), 1);
  f.graph.add_output(undo.output(0));
  lower_fixed_point(f.model, classes(), f.diagnostics);
  CHECK(verify(f.model).empty());
  CHECK(ops_of(f.graph) == std::vector<std::string>{"DequantizeLinear", "DequantizeLinear"});
  CHECK(dq.input(0)->name() == "q");
  CHECK(dq.input(0)->initializer()->to_vector<std::uint8_t>() == std::vector<std::uint8_t>{126, 128, 255});
  const auto y = run_model(f.file(), {}, true);
  CHECK(y[0].to_vector<float>() == std::vector<float>{-1.0F, 0.0F, 63.5F});
  CHECK(y[1].to_vector<float>() == std::vector<float>{3.0F});
}

TEST_CASE("lower-fixed-point makes a file of weights a quarter of its size") {
  Fixture before, after;
  const Layer gemm{.op = "Gemm", .x = {1, 600}, .w = {600, 400}, .axis = 1, .channels = 400};
  before.build(gemm, 13, Precision::kInt8, Precision::kInt8, true);
  after.build(gemm, 13, Precision::kInt8, Precision::kInt8, true);
  after.lower();
  CHECK(static_cast<double>(after.file().size()) <= 0.3 * static_cast<double>(before.file().size()));
}

}  // namespace qprep
