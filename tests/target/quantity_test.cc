#include "target/quantity.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <string>
#include <vector>

using namespace qprep;

namespace {

/// One node, and its quantities as text: "3", "[1 2]", "linear", "yes", "? why".
class Bench {
 public:
  Value& input(const std::string& name, Shape shape, DType dtype = DType::kFloat32) {
    return graph_.add_input(name, Type::tensor(dtype, std::move(shape)));
  }
  Value& ints(const std::string& name, std::vector<std::int64_t> values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return graph_.add_initializer(name, Tensor::int64s({count}, std::move(values)));
  }
  Value& floats(const std::string& name, Dims dims, std::vector<float> values) {
    return graph_.add_initializer(name, Tensor::floats(std::move(dims), std::move(values)));
  }
  Node& node(const std::string& op, std::vector<Value*> inputs) {
    NodeSpec spec;
    spec.op = op;
    spec.inputs = std::move(inputs);
    spec.outputs = {"y"};
    node_ = &graph_.insert(nullptr, std::move(spec));
    return *node_;
  }

  std::string operator[](const std::string& text) const {
    std::vector<std::string> candidates;
    const std::optional<QuantityName> name = quantity_named(text, candidates);
    if (!name) return "no such quantity";
    const Readings readings = read(*name, {*node_, situation});
    if (!readings.missing.empty()) return "? " + readings.missing;
    std::string all;
    for (const Reading& each : readings.items) all += (all.empty() ? "" : " ") + text_of(each);
    return readings.is_list ? fmt::format("[{}]", all) : all;
  }

  Situation situation;

 private:
  static std::string text_of(const Reading& reading) {
    if (const Number* number = std::get_if<Number>(&reading.value)) return number->to_text();
    if (const std::string* word = std::get_if<std::string>(&reading.value)) return *word;
    if (const bool* fact = std::get_if<bool>(&reading.value)) return *fact ? "yes" : "no";
    return "? " + reading.missing;
  }

  Names names_;
  Graph graph_{names_, nullptr};
  Node* node_ = nullptr;
};

Shape sizes(const std::vector<std::int64_t>& dims) {
  Shape shape;
  for (const std::int64_t dim : dims) shape.push_back({dim, {}});
  return shape;
}

using Ints = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("A window is read from attributes, and from the weight where they are absent") {
  Bench bench;
  Value& x = bench.input("x", sizes({2, 6, 15, 20}));
  Value& w = bench.floats("w", {4, 3, 3, 5}, std::vector<float>(180));
  Node& conv = bench.node("Conv", {&x, &w});
  CHECK(bench["kernel"] == "[3 5]");
  CHECK(bench["kernel_h"] == "3");
  CHECK(bench["kernel_d"] == "1");
  CHECK(bench["stride"] == "[1 1]");
  CHECK(bench["pads"] == "[0 0 0 0]");
  conv.set_attribute("group", std::int64_t{2});
  CHECK(bench["channels_per_group"] == "[3 2]");
  conv.set_attribute("strides", Ints{2, 3});
  conv.set_attribute("auto_pad", std::string("SAME_UPPER"));
  CHECK(bench["pads"] == "[1 1 1 2]");
  CHECK(bench["pad_w"] == "[1 2]");
  conv.set_attribute("auto_pad", std::string("SAME_LOWER"));
  CHECK(bench["pads"] == "[1 2 1 1]");
  conv.set_attribute("auto_pad", std::string("VALID"));
  CHECK(bench["pad_h"] == "[0 0]");
  conv.set_attribute("auto_pad", std::string("NOTSET"));
  conv.set_attribute("pads", Ints{1, 2, 3, 4});
  CHECK(bench["pad_h"] == "[1 3]");
  conv.set_attribute("group", std::int64_t{0});
  CHECK(bench["channels_per_group"] == "[3 ? the output channels per group]");
}

TEST_CASE("A transposed window has its channels the other way round") {
  Bench bench;
  Value& x = bench.input("x", sizes({1, 6, 4, 4}));
  Value& w = bench.floats("w", {6, 5, 2, 2}, std::vector<float>(120));
  bench.node("ConvTranspose", {&x, &w}).set_attribute("group", std::int64_t{2});
  CHECK(bench["channels_per_group"] == "[3 5]");
  CHECK(bench["output_padding"] == "[0 0]");
  CHECK(bench["weight.N"] == "6");
  CHECK(bench["weight.constant"] == "yes");
}

TEST_CASE("Axes are counted from the first, wherever they are stated") {
  Bench bench;
  Value& x = bench.input("x", sizes({2, 3, 4, 5}));
  Node& mean = bench.node("ReduceMean", {&x});
  CHECK(bench["axes"] == "[0 1 2 3]");
  mean.set_attribute("axes", Ints{-1, 1});
  CHECK(bench["axes"] == "[1 3]");
  CHECK(bench["axis_sizes"] == "[3 5]");
  mean.set_attribute("axes", Ints{-9});
  CHECK(bench["axes"] == "? the axes");

  Value& axes = bench.ints("axes", {-2});
  bench.node("ReduceSum", {&x, &axes});
  CHECK(bench["axes"] == "[2]");
  Value& fed = bench.input("fed", sizes({1}), DType::kInt64);
  bench.node("ReduceSum", {&x, &fed});
  CHECK(bench["axes"] == "? the axes");

  bench.node("Softmax", {&x});
  CHECK(bench["axis"] == "3");
  bench.situation.opset = 11;
  CHECK(bench["axis"] == "1");
  CHECK(bench["opset"] == "11");

  Value& pads = bench.ints("pads", {1, 0, 0, 2});
  Value& padded = bench.ints("padded", {-1, 1});
  bench.node("Pad", {&x, &pads, nullptr, &padded});
  CHECK(bench["padded_axes"] == "[1 3]");
  CHECK(bench["mode"] == "constant");

  Node& lstm = bench.node("LSTM", {&x});
  CHECK(bench["batch"] == "3");
  lstm.set_attribute("layout", std::int64_t{1});
  CHECK(bench["batch"] == "2");

  Node& split = bench.node("Split", {&x});
  split.add_output("z");
  split.set_attribute("axis", std::int64_t{3});
  CHECK(bench["parts"] == "[3 2]");
}

TEST_CASE("Broadcasting is seen where sizes or their names tell") {
  Bench bench;
  Value& x = bench.input("x", {{-1, "batch"}, {16, {}}, {8, {}}, {8, {}}});
  Value& same = bench.input("same", {{-1, "batch"}, {1, {}}, {8, {}}, {1, {}}});
  Value& other = bench.input("other", {{-1, "rows"}, {16, {}}, {8, {}}, {8, {}}});
  Value& row = bench.floats("row", {8}, {1, 0, 0, 1, 1, 1, 1, 1});
  bench.situation.data = {0, 1};
  bench.node("Add", {&x, &same});
  CHECK(bench["broadcast_axes"] == "[1 3]");
  CHECK(bench["broadcast_operands"] == "1");
  CHECK(bench["inputs.C"] == "[16 1]");
  bench.node("Add", {&x, &other});
  CHECK(bench["broadcast_axes"] == "? the size of axis 0");
  bench.node("Mul", {&x, &row});
  CHECK(bench["constant_inputs"] == "1");
  CHECK(bench["zeros"] == "2");
  CHECK(bench["N"] == "? N ('batch')");
  CHECK(bench["elements"] == "? number of elements ('batch')");

  Value& a = bench.input("a", sizes({2, 3, 4, 5, 6}));
  Value& b = bench.input("b", sizes({4, 1, 6}));
  bench.node("Add", {&a, &b});
  CHECK(bench["broadcast_axes"] == "[0 1 3]");
  CHECK(bench["merged_rank"] == "4");
  bench.node("Add", {&b, &b});
  CHECK(bench["merged_rank"] == "1");
}

TEST_CASE("What the node does not say is asked of the situation") {
  Bench bench;
  Value& x = bench.input("x", sizes({2, 3}));
  Node& node = bench.node("Gelu", {&x});
  CHECK(bench["bytes"] == "? the precision");
  bench.situation.input = DType::kInt16;
  CHECK(bench["bytes"] == "12");
  CHECK(bench["precision"] == "int16");
  CHECK(bench["dtype"] == "float32");
  CHECK(bench["input7.rank"] == "? rank of input 7");
  CHECK(bench["output.dims"] == "? rank of the output");
  CHECK(bench["output9.dtype"] == "? element type of output 9");
  CHECK(bench["model_output"] == "no");
  CHECK(bench["last_of_segment"] == "? whether it is the last of its segment");
  CHECK(bench["attribute.alpha"] == "? attribute 'alpha'");
  node.set_attribute("alpha", std::int64_t{3});
  node.set_attribute("word", std::string("tanh"));
  node.set_attribute("list", Ints{1, 2});
  CHECK(bench["attribute.alpha"] == "3");
  CHECK(bench["attribute.word"] == "tanh");
  CHECK(bench["attribute.list"] == "[1 2]");
}

TEST_CASE("A Gemm sees the map before a Flatten") {
  Bench bench;
  Value& x = bench.input("x", sizes({1, 4, 3, 2}));
  Node& flatten = bench.node("Flatten", {&x});
  flatten.output(0).set_type(Type::tensor(DType::kFloat32, sizes({1, 24})));
  bench.node("Gemm", {&flatten.output(0)});
  CHECK(bench["feature.C"] == "4");
  CHECK(bench["feature.H"] == "3");
  CHECK(bench["C"] == "24");
  CHECK(bench["H"] == "1");
}

TEST_CASE("Quantities have names of their own, and a reader each") {
  std::string last;
  for (const Quantity& each : quantities()) {
    INFO(each.name);
    CHECK(last < each.name);
    CHECK(each.read != nullptr);
    CHECK_FALSE(each.noun.empty());
    CHECK((each.kind != QuantityKind::kFact && !each.is_list()) != !each.all.empty());
    last = each.name;
  }
}
