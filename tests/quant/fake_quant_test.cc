#include "quant/fake_quant.h"

#include <catch2/catch.hpp>

#include "ir/dump.h"
#include "ir/verify.h"

namespace qprep {
namespace {

/// x (IR 3: w is an input, too) -> FakeQuantize -> y
struct Fixture {
  Model model;
  Graph& graph = *model.graph;
  Value& x = graph.add_input("x", Type::tensor(DType::kFloat32, Shape{{4, ""}, {3, ""}}));
  Value& w = graph.add_input("w", Type::tensor(DType::kFloat32, Shape{{3, ""}}));

  Fixture() {
    model.opsets[""] = 11;
    model.ir_version = 3;
    graph.give_initializer(w, Tensor::floats({3}, {1.0F, 2.0F, 3.0F}));
  }

  Node& per_tensor(bool calibrated) {
    ScaleAndZeroPoint unset = unset_scale();
    return insert_fake_quantize(graph, nullptr, x, {}, unset.scale, unset.zero_point, calibrated);
  }

  /// As somebody's editor may have left it.
  Node& broken(const std::string& attribute, AttributeValue value) {
    Node& node = per_tensor(true);
    node.set_attribute(attribute, std::move(value));
    return node;
  }
};

std::string why_unreadable(const Node& node) {
  std::string why;
  CHECK_FALSE(read_fake_quantize(node, &why));
  return why;
}

std::string why_no_params(const Node& node) {
  std::string why;
  CHECK_FALSE(params_of_fake_quantize(node, *read_fake_quantize(node), &why));
  return why;
}

}  // namespace

TEST_CASE("a FakeQuantize reads back as it was inserted") {
  Fixture f;
  const QuantSpec spec{Precision::kInt16, {}, 0, "mse", 0.5F};
  Node& node = insert_fake_quantize(f.graph, nullptr, f.x, spec, Tensor::floats({4, 1}, {1, 2, 3, 4}),
                                    Tensor::of<std::int32_t>(DType::kInt32, {4, 1}, {0, 0, 0, 0}), true);
  CHECK(is_fake_quantize(node));
  CHECK(node.domain() == "qprep");
  CHECK(node.string_or("state", "") == "quantise");
  CHECK(node.input(1)->name() == "x_scale");
  CHECK(node.input(2)->name() == "x_zero_point");
  CHECK(node.output(0).name() == "x_fq");
  CHECK(node.output(0).type() == f.x.type());
  const auto attrs = read_fake_quantize(node);
  REQUIRE(attrs);
  CHECK(attrs->spec == spec);
  CHECK(attrs->range.min == -32768);
  CHECK(attrs->range.max == 32767);
  CHECK(attrs->calibrated);
  const auto params = params_of_fake_quantize(node, *attrs);
  REQUIRE(params);
  CHECK(params->scale->size() == 4);

  set_calibrated(node, false);
  CHECK(node.domain() == "qprep.observe");
  CHECK(node.string_or("state", "") == "observe");
  CHECK(is_fake_quantize(node));
  CHECK_FALSE(read_fake_quantize(node)->calibrated);
}

TEST_CASE("attributes that make no sense are named") {
  Fixture f;
  CHECK(why_unreadable(f.broken("dtype", std::string("qint5"))) == "its dtype 'qint5' is not known");
  CHECK(why_unreadable(f.broken("dtype", std::string("float32"))) == "its dtype 'float32' is not known");
  CHECK(why_unreadable(f.broken("ch_axis", std::int64_t{-2})) == "its ch_axis is -2");
  const std::string no_range = "its quant_min and quant_max are not a range of integers";
  CHECK(why_unreadable(f.broken("quant_min", Tensor::scalar(127.0F))) == no_range);
  CHECK(why_unreadable(f.broken("quant_min", Tensor::scalar(-0.5F))) == no_range);
  CHECK(why_unreadable(f.broken("quant_max", std::int64_t{127})) == no_range);
  CHECK(why_unreadable(f.broken("quant_max", Tensor::floats({2}, {1, 2}))) == no_range);
  CHECK(why_unreadable(f.broken("quant_max", Tensor::scalar(std::numeric_limits<float>::quiet_NaN()))) ==
        no_range);
}

TEST_CASE("scales and zero points that make no sense are named") {
  Fixture f;
  const auto with = [&](Tensor scale, Tensor zero, std::int64_t axis = -1) -> Node& {
    return insert_fake_quantize(f.graph, nullptr, f.x, {.channel_axis = axis}, std::move(scale),
                                std::move(zero), true);
  };
  const Tensor zero = unset_scale().zero_point;
  CHECK(why_no_params(with(Tensor::scalar(0.0F), zero)) == "its scale is 0");
  CHECK(why_no_params(with(Tensor::scalar(-1.0F), zero)) == "its scale is -1");
  CHECK(why_no_params(with(Tensor::scalar(std::numeric_limits<float>::infinity()), zero)) ==
        "its scale is inf");
  CHECK(why_no_params(with(Tensor::int64s({}, {1}), zero)) == "its scale is no float32 constant");
  CHECK(why_no_params(with(Tensor::scalar(1.0F), Tensor::scalar(0.0F))) ==
        "its zero_point is no int32 constant");
  CHECK(why_no_params(with(Tensor::scalar(1.0F), Tensor::of<std::int32_t>(DType::kInt32, {}, {200}))) ==
        "its zero_point is 200");
  const Tensor zeros = Tensor::of<std::int32_t>(DType::kInt32, {3}, {0, 0, 0});
  CHECK(why_no_params(with(Tensor::floats({3}, {1, 1, 1}), zero, 1)) ==
        "its zero_point does not have as many elements as its scale");
  CHECK(why_no_params(with(Tensor::floats({3}, {1, 1, 1}), zeros, 0)) ==
        "its scale does not lie along ch_axis 0");
  CHECK(why_no_params(with(Tensor::floats({3}, {1, 1, 1}), zeros)) ==
        "its scale does not lie along ch_axis -1");
  Node& computed = with(Tensor::scalar(1.0F), zero);
  computed.set_input(1, &f.x);
  CHECK(why_no_params(computed) == "its scale is no float32 constant");
  computed.truncate_inputs(2);
  CHECK(why_no_params(computed) == "it does not have the three inputs x, scale and zero_point");
}

TEST_CASE("the model has the functions that its nodes need, and no others") {
  Fixture f;
  update_fake_quantize_functions(f.model);
  CHECK(f.model.functions.empty());
  CHECK(f.model.ir_version == 3);
  CHECK(f.w.is_graph_input());

  Node& node = f.per_tensor(false);
  f.graph.add_output(node.output(0));
  update_fake_quantize_functions(f.model);
  REQUIRE(f.model.functions.size() == 1);
  CHECK(f.model.function_of(node) != nullptr);
  CHECK(f.model.ir_version == 8);
  CHECK_FALSE(f.w.is_graph_input());
  CHECK(f.model.opsets == Opsets{{"", 11}, {"qprep.observe", 1}});

  set_calibrated(node, true);
  update_fake_quantize_functions(f.model);
  update_fake_quantize_functions(f.model);
  REQUIRE(f.model.functions.size() == 1);
  CHECK(f.model.function_of(node) != nullptr);
  CHECK(f.model.opsets == Opsets{{"", 11}, {"qprep", 1}});
  CHECK(verify(f.model).empty());
  const Graph* body = f.model.functions.front().body.get();

  update_fake_quantize_functions(f.model);
  CHECK(f.model.functions.front().body.get() == body);
  f.model.opsets[""] = 13;
  update_fake_quantize_functions(f.model);
  REQUIRE(f.model.functions.size() == 1);
  CHECK(f.model.functions.front().opsets == Opsets{{"", 13}});
}

TEST_CASE("FakeQuantize nodes are found in bodies") {
  Fixture f;
  Node& loop = f.graph.insert(nullptr, {.op = "Loop", .outputs = {"l"}});
  auto body = std::make_unique<Graph>(*f.model.names, &loop);
  ScaleAndZeroPoint unset = unset_scale();
  insert_fake_quantize(*body, nullptr, f.x, {}, unset.scale, unset.zero_point, true);
  loop.set_attribute("body", std::move(body));
  f.per_tensor(false);
  CHECK(fake_quantize_nodes(f.graph).size() == 2);
  update_fake_quantize_functions(f.model);
  CHECK(f.model.functions.size() == 2);
}

}  // namespace qprep
