#include "passes/composite_matcher.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "support/temporary_folder.h"

/// What the golden cases of group-units do not show.
namespace qprep {
namespace {

const std::string kOperators =
    "operators:\n"
    "  Add: {any_of: [Add], commutative: true}\n"
    "  Mul: {any_of: [Mul], commutative: true}\n"
    "  Sub: {any_of: [Sub]}\n"
    "  Exp: {any_of: [Exp]}\n"
    "  Sigmoid: {any_of: [Sigmoid]}\n"
    "  Mean: {any_of: [{op: ReduceMean, axes: trailing}]}\n"
    "  Hard: {any_of: [{op: HardSigmoid, attributes: [{name: alpha, is: 0.25}, {name: beta, is: 0.5, "
    "default: 0.5}]}]}\n";

Composites read(const std::string& composites) {
  const test::TemporaryFolder folder;
  const std::string list = composites.starts_with("blocks:") ? "" : "composites:\n";
  test::write_text(folder / "c.yaml", kOperators + list + composites);
  return read_composites((folder / "c.yaml").string());
}

/// One composite C of x.
Composites pattern(const std::string& text) {
  return read("  - {name: C, of: [x], any_of: ['" + text + "']}\n");
}

struct Built {
  Model model;

  Built() { model.opsets[""] = 13; }

  static Type floats(Dims dims) {
    Shape shape;
    for (const std::int64_t size : dims) shape.push_back({size, ""});
    return Type::tensor(DType::kFloat32, std::move(shape));
  }
  Value& input(std::string name) { return model.graph->add_input(std::move(name), floats({2, 3, 4})); }
  Value& constant(Dims dims, float value) {
    const auto count = static_cast<std::size_t>(*element_count(dims));
    return model.graph->new_initializer("c",
                                        Tensor::floats(std::move(dims), std::vector<float>(count, value)));
  }
  Value& constant(float value) { return constant({}, value); }
  Value& node(std::string op, std::vector<Value*> inputs) {
    const std::string name = fmt::format("n{}", model.graph->nodes().size());
    Node& made = model.graph->insert(
        nullptr, {.op = std::move(op), .inputs = std::move(inputs), .outputs = {name}, .name = name});
    made.output(0).set_type(floats({2, 3, 4}));
    return made.output(0);
  }
  void output(Value& value) { model.graph->add_output(value); }
};

const OpClasses& classes() {
  static const OpClasses classes =
      read_op_classes(std::string(QPREP_SOURCE_DIR) + "/configs/op_classes.yaml");
  return classes;
}

/// "C: n0 n1", a line each.
std::string found(const Composites& composites, const Built& built) {
  std::string text;
  const auto matches = CompositeMatcher(composites.patterns, classes()).find(built.model).matches;
  for (const CompositeMatch& match : matches) {
    text += match.pattern->name + ":";
    for (const Node* node : match.nodes) text += " " + node->label();
    text += "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("commutative operands stand in either order, others do not") {
  const Composites rules = pattern("{ s = Sigmoid(x)  p = Mul(x, s)  y = Sub(p, 1) }");
  for (const bool crossed : {false, true}) {
    Built built;
    Value& x = built.input("x");
    Value& s = built.node("Sigmoid", {&x});
    Value& p = crossed ? built.node("Mul", {&s, &x}) : built.node("Mul", {&x, &s});
    built.output(built.node("Sub", {&p, &built.constant(1)}));
    CHECK(found(rules, built) == "C: n0 n1 n2\n");
  }
  Built built;
  Value& x = built.input("x");
  Value& p = built.node("Mul", {&x, &built.node("Sigmoid", {&x})});
  built.output(built.node("Sub", {&built.constant(1), &p}));
  CHECK(found(rules, built).empty());
}

TEST_CASE("an order that fails further up is given up for the other") {
  // Both operands of the Add are a Mul; only one of them is that of the pattern.
  const Composites rules =
      pattern("{ a = Exp(x)  l = Mul(a, 2)  b = Sigmoid(x)  r = Mul(b, 3)  y = Add(l, r) }");
  Built built;
  Value& x = built.input("x");
  Value& l = built.node("Mul", {&built.node("Exp", {&x}), &built.constant(2)});
  Value& r = built.node("Mul", {&built.constant(3), &built.node("Sigmoid", {&x})});
  built.output(built.node("Add", {&r, &l}));
  CHECK(found(rules, built) == "C: n0 n1 n2 n3 n4\n");
}

TEST_CASE("the same name is the same value everywhere") {
  const Composites rules = pattern("{ s = Sigmoid(x)  y = Mul(x, s) }");
  Built built;
  Value& x = built.input("x");
  Value& other = built.input("other");
  built.output(built.node("Mul", {&other, &built.node("Sigmoid", {&x})}));
  CHECK(found(rules, built).empty());
}

TEST_CASE("what is inside is read inside only") {
  const Composites rules = pattern("{ s = Sigmoid(x)  y = Mul(x, s) }");
  Built read_again;
  Value& x = read_again.input("x");
  Value& s = read_again.node("Sigmoid", {&x});
  read_again.output(read_again.node("Mul", {&x, &s}));
  read_again.output(read_again.node("Exp", {&s}));
  CHECK(found(rules, read_again).empty());

  Built output;
  Value& y = output.input("y");
  Value& t = output.node("Sigmoid", {&y});
  output.output(output.node("Mul", {&y, &t}));
  output.output(t);
  CHECK(found(rules, output).empty());
}

TEST_CASE("a number is a constant of that value, of any shape") {
  const Composites rules = pattern("{ e = Exp(x)  y = Mul(e, 0.5) }");
  const auto matches = [&](Dims dims, float value) {
    Built built;
    built.output(built.node(
        "Mul", {&built.node("Exp", {&built.input("x")}), &built.constant(std::move(dims), value)}));
    return !found(rules, built).empty();
  };
  CHECK(matches({}, 0.5F));
  CHECK(matches({1}, 0.5F));
  CHECK(matches({3, 1}, 0.5F));
  CHECK(matches({1}, 0.5002F));
  CHECK_FALSE(matches({1}, 0.501F));
  CHECK_FALSE(matches({1}, -0.5F));
  CHECK_FALSE(matches({0}, 0.5F));
}

TEST_CASE("a scalar is a constant of one element; data is none") {
  const Composites rules = pattern("{ e = Exp(x)  m = Mul(e, scalar k)  y = Add(m, const w) }");
  const auto matches = [&](bool constant, Dims dims) {
    Built built;
    Value& x = constant ? built.constant({4}, 1) : built.input("x");
    Value& m = built.node("Mul", {&built.node("Exp", {&x}), &built.constant(std::move(dims), 3)});
    built.output(built.node("Add", {&m, &built.constant({4}, 2)}));
    return !found(rules, built).empty();
  };
  CHECK(matches(false, {1, 1}));
  CHECK_FALSE(matches(false, {4}));
  CHECK_FALSE(matches(true, {}));
}

TEST_CASE("the longest match has the nodes, whichever comes last in the graph") {
  const Composites rules = read(
      "  - {name: Short, of: [x], any_of: ['{ e = Exp(x)  y = Add(e, 1) }']}\n"
      "  - {name: Long, of: [x], any_of: ['{ s = Sigmoid(x)  m = Mul(s, 2)  y = Exp(m) }']}\n");
  Built built;
  Value& e = built.node(
      "Exp", {&built.node("Mul", {&built.node("Sigmoid", {&built.input("x")}), &built.constant(2)})});
  built.output(built.node("Add", {&e, &built.constant(1)}));
  CHECK(found(rules, built) == "Long: n0 n1 n2\n");
}

TEST_CASE("an optional statement is taken where it is there") {
  const Composites rules = pattern("{ e = Exp(x)  g = Mul(e, const w)?  y = Add(g, const b)? }");
  Built built;
  Value& e = built.node("Exp", {&built.input("x")});
  built.output(built.node("Add", {&e, &built.constant({4}, 1)}));
  CHECK(found(rules, built) == "C: n0 n1\n");
}

TEST_CASE("casts between floats and Identity are looked through, and belong to the match") {
  const Composites rules = pattern("{ e = Exp(x)  y = Add(e, 1) }");
  Built built;
  Value& cast = built.node("Cast", {&built.node("Exp", {&built.input("x")})});
  built.output(built.node("Add", {&built.node("Identity", {&cast}), &built.constant(1)}));
  CHECK(found(rules, built) == "C: n0 n1 n2 n3\n");
}

TEST_CASE("attributes are as asked, or absent where their default is") {
  const Composites rules = pattern("{ h = Hard(x)  y = Mul(x, h) }");
  const auto matches = [&](std::vector<std::pair<std::string, float>> attributes) {
    Built built;
    Value& x = built.input("x");
    Value& h = built.node("HardSigmoid", {&x});
    for (auto& [name, value] : attributes) h.producer()->set_attribute(name, value);
    built.output(built.node("Mul", {&x, &h}));
    return !found(rules, built).empty();
  };
  CHECK(matches({{"alpha", 0.25F}}));
  CHECK(matches({{"alpha", 0.25F}, {"beta", 0.5F}}));
  CHECK_FALSE(matches({{"alpha", 0.25F}, {"beta", 0.4F}}));
  CHECK_FALSE(matches({}));
}

TEST_CASE("reductions run over the axes that are asked for, all over the same ones") {
  const Composites rules = pattern("{ m = Mean(x)  d = Sub(x, m)  v = Mean(d)  y = Mul(d, v) }");
  using Axes = std::vector<std::int64_t>;
  const auto matches = [&](Axes first, Axes second, std::int64_t keepdims = 1) {
    Built built;
    Value& x = built.input("x");
    const auto mean = [&](Value& of, Axes axes) -> Value& {
      Value& made = built.node("ReduceMean", {&of});
      made.producer()->set_attribute("axes", std::move(axes));
      made.producer()->set_attribute("keepdims", keepdims);
      return made;
    };
    Value& d = built.node("Sub", {&x, &mean(x, std::move(first))});
    built.output(built.node("Mul", {&d, &mean(d, std::move(second))}));
    return !found(rules, built).empty();
  };
  CHECK(matches({-1}, {2}));
  CHECK(matches({1, 2}, {-1, -2}));
  CHECK_FALSE(matches({1, 2}, {2}));
  CHECK_FALSE(matches({1}, {1}));
  CHECK_FALSE(matches({0, 1, 2}, {0, 1, 2}));
  CHECK_FALSE(matches({-1}, {-1}, 0));
}

TEST_CASE("parameters of a norm vary along the axes that it reduces, or along the channels") {
  using Axes = std::vector<std::int64_t>;
  const auto matches = [&](const std::string& kind, Axes axes, Dims dims) {
    Built built;
    Value& x = built.input("x");
    Value& m = built.node("ReduceMean", {&x});
    m.producer()->set_attribute("axes", std::move(axes));
    Value& d = built.node("Sub", {&x, &m});
    built.output(built.node("Mul", {&d, &built.constant(std::move(dims), 3)}));
    return found(pattern("{ m = Mean(x)  d = Sub(x, m)  y = Mul(d, " + kind + " w) }"), built) ==
           "C: n0 n1 n2\n";
  };
  CHECK(matches("reduced", {2}, {4}));
  CHECK(matches("reduced", {2}, {1, 1, 4}));
  CHECK(matches("reduced", {1, 2}, {3, 4}));
  CHECK(matches("reduced", {1, 2}, {3, 1}));
  CHECK(matches("reduced", {2}, {1}));
  CHECK_FALSE(matches("reduced", {2}, {3, 4}));
  CHECK_FALSE(matches("reduced", {2}, {3, 1}));
  CHECK(matches("channel", {2}, {3, 1}));
  CHECK(matches("channel", {2}, {}));
  CHECK_FALSE(matches("channel", {2}, {4}));
  CHECK_FALSE(matches("channel", {2}, {2, 1, 1}));
  CHECK_FALSE(matches("channel", {2}, {2, 3, 1}));
}

TEST_CASE("whatever may be an operand, and is no data") {
  const Composites rules = pattern("{ e = Exp(x)  y = Add(e, any m) }");
  Built built;
  Value& e = built.node("Exp", {&built.input("x")});
  built.output(built.node("Add", {&built.node("Sigmoid", {&built.input("m")}), &e}));
  const auto matches = CompositeMatcher(rules.patterns, classes()).find(built.model).matches;
  REQUIRE(matches.size() == 1);
  CHECK(matches.front().operands == std::vector<const Value*>{built.model.graph->inputs().front()});
}

TEST_CASE("what is read elsewhere is a flaw, unless something longer or as long holds") {
  const Composites rules = read(
      "  - {name: Short, of: [x], any_of: ['{ y = Mul(x, 2) }']}\n"
      "  - {name: Long, of: [x], any_of: ['{ e = Exp(x)  m = Mul(e, 2)  y = Sigmoid(m) }']}\n");
  Built built;
  Value& e = built.node("Exp", {&built.input("x")});
  built.output(built.node("Sigmoid", {&built.node("Mul", {&e, &built.constant(2)})}));
  built.output(built.node("Exp", {&e}));
  const auto found = CompositeMatcher(rules.patterns, classes()).find(built.model);
  REQUIRE(found.matches.size() == 1);
  CHECK(found.matches.front().pattern->name == "Short");
  REQUIRE(found.flawed.size() == 1);
  CHECK(found.flawed.front().pattern->name == "Long");
  CHECK(found.flawed.front().flaw == "the output of Exp 'n0' is read by Exp 'n3' too");
}

TEST_CASE("a block may be read anywhere, and looks through what may stand between") {
  const Composites rules =
      read("blocks:\n  - {name: B, of: [x], through: [Mul], any_of: ['{ e = Exp(x)  y = Sigmoid(e) }']}\n");
  const auto names = [&](Value& (*between)(Built&, Value&)) {
    Built built;
    Value& e = built.node("Exp", {&built.node("Mul", {&built.constant(3), &built.input("x")})});
    built.output(built.node("Sigmoid", {&between(built, e)}));
    built.output(e);
    const CompositeMatcher matcher(rules.blocks, classes(), CompositeMatcher::Kind::kBlocks);
    std::string text;
    for (const CompositeMatch& match : matcher.find(built.model).matches) {
      for (const Node* node : match.nodes) text += node->label() + " ";
    }
    return text;
  };
  CHECK(names([](Built& built, Value& e) -> Value& {
          return built.node("Mul", {&e, &built.constant({1, 1}, 3)});
        }) == "n0 n1 n2 n3 ");
  CHECK(names([](Built& built, Value& e) -> Value& {
          return built.node("Mul", {&e, &built.constant({4}, 3)});
        }).empty());
  CHECK(names([](Built& built, Value& e) -> Value& { return built.node("Mul", {&e, &e}); }).empty());
}

TEST_CASE("matching costs no more than its patterns, however large the graph") {
  // Chains of products, which the spellings of activations try to follow backwards.
  const Composites rules = read_composites(std::string(QPREP_SOURCE_DIR) + "/configs/composites.yaml");
  Built built;
  Value* at = &built.input("x");
  Value& half = built.constant(0.5F);
  for (int i = 0; i < 10'000; ++i) {
    Value& product = built.node("Mul", {at, &built.node("Mul", {at, &half})});
    at = &built.node("Add", {&product, at});
  }
  built.output(*at);
  CHECK(found(rules, built).empty());
}

}  // namespace qprep
