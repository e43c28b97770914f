#include "passes/factor_layout.h"

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

/// What tests/composites/rearrangements_test.py does not show: unknown sizes, and nodes that are wrong.
namespace qprep {
namespace {

struct Chain {
  Model model;
  Value* last = nullptr;
  std::optional<FactorLayout> layout;
  bool followed = true;

  explicit Chain(Shape shape) {
    last = &model.graph->add_input("x", Type::tensor(DType::kFloat32, std::move(shape)));
    layout = FactorLayout::of(*last);
  }

  Chain& then(std::string op, Shape shape, std::vector<std::int64_t> numbers = {}) {
    const std::string name = "n" + std::to_string(model.graph->nodes().size());
    std::vector<Value*> inputs{last};
    if (op == "Tile")
      inputs.push_back(&model.graph->new_initializer("repeats", Tensor::int64s({2}, numbers)));
    const bool moves = op == "Transpose";
    Node& node =
        model.graph->insert(nullptr, {.op = std::move(op), .inputs = std::move(inputs), .outputs = {name}});
    if (moves) node.set_attribute("perm", std::move(numbers));
    last = &node.output(0);
    last->set_type(Type::tensor(DType::kFloat32, std::move(shape)));
    followed = followed && layout && layout->follow(node);
    return *this;
  }

  bool is(const std::string& text) const { return followed && layout->is(parse_rearrangement(text)); }
};

const Dim kUnknown{};
Dim named(std::string symbol) { return {-1, std::move(symbol)}; }
Dim size(std::int64_t size) { return {size, ""}; }

const std::string kShuffle = "n (G C) l -> n (C G) l";

Chain shuffle(const Dim& before, const Dim& between, const Dim& behind) {
  Chain chain({before, size(6), size(5)});
  chain.then("Reshape", {between, size(2), size(3), size(5)});
  chain.then("Transpose", {between, size(3), size(2), size(5)}, {0, 2, 1, 3});
  chain.then("Reshape", {behind, size(6), size(5)});
  return chain;
}

}  // namespace

TEST_CASE("one unknown size is the same everywhere, whatever its name") {
  CHECK(shuffle(size(2), size(2), size(2)).is(kShuffle));
  CHECK(shuffle(size(1), size(1), size(1)).is(kShuffle));
  CHECK(shuffle(kUnknown, kUnknown, kUnknown).is(kShuffle));
  CHECK(shuffle(named("N"), named("unk__0"), named("N")).is(kShuffle));
  CHECK_FALSE(shuffle(named("N"), size(2), size(2)).is(kShuffle));
}

TEST_CASE("several unknown sizes need names") {
  const auto matches = [](const Dim& first, const Dim& second) {
    Chain chain({first, size(6), second});
    chain.then("Reshape", {first, size(2), size(3), second});
    chain.then("Transpose", {first, size(3), size(2), second}, {0, 2, 1, 3});
    chain.then("Reshape", {first, size(6), second});
    return chain.is(kShuffle);
  };
  CHECK(matches(named("N"), named("L")));
  CHECK_FALSE(matches(named("N"), kUnknown));
}

TEST_CASE("a reshape that cuts across factors is not followed") {
  Chain chain({size(6), size(4)});
  CHECK_FALSE(
      chain.then("Reshape", {size(4), size(6)}).then("Transpose", {size(6), size(4)}, {1, 0}).followed);
}

TEST_CASE("elements that end where they were have not moved") {
  Chain chain({size(2), size(6), size(5)});
  chain.then("Transpose", {size(6), size(2), size(5)}, {1, 0, 2})
      .then("Transpose", {size(2), size(6), size(5)}, {1, 0, 2});
  CHECK(chain.followed);
  CHECK_FALSE(chain.is("n c l -> n c l"));
}

TEST_CASE("what repeats is known from the constant") {
  CHECK(Chain({kUnknown, size(3)}).then("Tile", {kUnknown, size(6)}, {1, 2}).is("n c -> n (R c)"));
  CHECK_FALSE(Chain({kUnknown, size(3)}).then("Tile", {kUnknown, size(6)}, {1, 2}).is("n c -> n (c R)"));
  CHECK_FALSE(Chain({size(1), size(3)}).then("Tile", {size(0), size(3)}, {0, 1}).followed);
  CHECK(Chain({size(1), size(3)}).then("Expand", {size(4), size(3)}).is("n c -> (n R) c"));
  CHECK_FALSE(Chain({size(1), size(3)}).then("Expand", {size(0), size(3)}).followed);
}

TEST_CASE("a Transpose that is none is not followed") {
  for (std::vector<std::int64_t> order : {std::vector<std::int64_t>{0}, {0, 0}, {0, 2}, {-1, 0}}) {
    CHECK_FALSE(Chain({size(2), size(3)}).then("Transpose", {size(3), size(2)}, std::move(order)).followed);
  }
}

}  // namespace qprep
