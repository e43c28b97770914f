#include "passes/partial_shapes.h"

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

namespace qprep {
namespace {

struct Reshaped {
  Model model;

  Value& integers(std::int64_t length) {
    return model.graph->add_input("n" + std::to_string(model.graph->inputs().size()),
                                  Type::tensor(DType::kInt64, Shape{{length, ""}}));
  }
  Value& constant(std::vector<std::int64_t> numbers) {
    const auto length = std::ssize(numbers);
    Value& value = model.graph->new_initializer("c", Tensor::int64s({length}, std::move(numbers)));
    value.set_type(Type::tensor(DType::kInt64, Shape{{length, ""}}));
    return value;
  }
  Value& node(std::string op, std::vector<Value*> inputs, std::int64_t length) {
    Node& made =
        model.graph->insert(nullptr, {.op = std::move(op), .inputs = std::move(inputs), .outputs = {"v"}});
    if (length >= 0) made.output(0).set_type(Type::tensor(DType::kInt64, Shape{{length, ""}}));
    return made.output(0);
  }
  /// The type of what a Reshape to that shape makes, as text.
  std::string to(Value& shape) {
    Value& x = model.graph->add_input("x", Type::tensor(DType::kFloat32));
    Value& y = node("Reshape", {&x, &shape}, -1);
    y.set_type(Type::tensor(DType::kFloat32));
    infer_partial_shapes(model);
    return to_text(y.type());
  }
};

}  // namespace

TEST_CASE("a Reshape has as many axes as its shape has numbers") {
  Reshaped computed;
  CHECK(computed.to(computed.integers(3)) == "float32[?,?,?]");
  Reshaped unknown;
  CHECK(unknown.to(unknown.integers(-1)) == "float32[*]");
  Reshaped absurd;
  CHECK(absurd.to(absurd.integers(1'000'000'000)) == "float32[*]");
}

TEST_CASE("constants of the Concat that makes the shape are sizes, through Casts") {
  Reshaped known;
  Value& shape = known.node("Concat", {&known.integers(2), &known.constant({8})}, 3);
  CHECK(known.to(known.node("Cast", {&shape}, 3)) == "float32[?,?,8]");
  Reshaped copied;
  CHECK(copied.to(copied.node("Concat", {&copied.constant({0, -1}), &copied.integers(1)}, 3)) ==
        "float32[?,?,?]");
  Reshaped contradicted;
  CHECK(contradicted.to(contradicted.node("Concat", {&contradicted.integers(2), &contradicted.constant({8})},
                                          4)) == "float32[?,?,?,?]");
}

TEST_CASE("what is known already is left alone") {
  Reshaped known;
  Value& x = known.model.graph->add_input("x", Type::tensor(DType::kFloat32));
  Value& y = known.node("Reshape", {&x, &known.integers(2)}, -1);
  y.set_type(Type::tensor(DType::kFloat32, Shape{{5, ""}}));
  CHECK_FALSE(infer_partial_shapes(known.model));
  CHECK(to_text(y.type()) == "float32[5]");
}

}  // namespace qprep
