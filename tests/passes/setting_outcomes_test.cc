#include "passes/setting_outcomes.h"

#include <catch2/catch.hpp>

#include "config/composites.h"
#include "config/fusion.h"
#include "config/op_classes.h"
#include "passes/apply_templates.h"
#include "passes/group_units.h"

using namespace qprep;

namespace {

const OpClasses& classes() {
  static const OpClasses read = read_op_classes(QPREP_SOURCE_DIR "/configs/op_classes.yaml");
  return read;
}

const FusionRules& fusion() {
  static const FusionRules read = read_fusion_rules(QPREP_SOURCE_DIR "/configs/fusion.yaml");
  return read;
}

const Composites& composites() {
  static const Composites read = read_composites(QPREP_SOURCE_DIR "/configs/composites.yaml");
  return read;
}

/// x -> Conv a -> Relu r -> MaxPool p -> Sigmoid s -> Conv b -> Softmax t -> y, each conv with a weight.
struct Chain {
  Model model;
  Plan plan;
  Diagnostics diagnostics;

  explicit Chain(std::vector<Setting> settings) {
    Graph& graph = *model.graph;
    const auto weight = [&](const std::string& name) {
      return &graph.add_initializer(name, Tensor::of<float>(DType::kFloat32, {1, 1, 1, 1}, {1.0F}));
    };
    const Type type = Type::tensor(DType::kFloat32, Shape(4));
    Value* x = &graph.add_input("x", type);
    const auto add = [&](const char* op, const char* name, Value* also) {
      std::vector<Value*> reads = {x};
      if (also) reads.push_back(also);
      Node& node = graph.insert(nullptr, {op, reads, {std::string("v") + name}, name});
      node.set_label(name);
      x = &node.output(0);
      x->set_type(type);
    };
    add("Conv", "a", weight("wa"));
    add("Relu", "r", nullptr);
    add("MaxPool", "p", nullptr);
    add("Sigmoid", "s", nullptr);
    add("Conv", "b", weight("wb"));
    add("Softmax", "t", nullptr);
    graph.add_output(*x);
    Env env{diagnostics};
    env.settings = std::move(settings);
    env.op_classes = &classes();
    env.fusion = &fusion();
    env.composites = &composites();
    group_units(model, plan, env);
    apply_templates(model, plan, env);
  }

  std::vector<SettingOutcome> outcomes() const { return outcomes_of(*model.graph, plan); }
  std::vector<std::string> messages() const {
    std::vector<std::string> texts;
    for (const Diagnostic& each : diagnostics.all())
      texts.push_back(std::string(each.code) + ": " + each.message);
    return texts;
  }
};

Setting say(Selector selector, Slot slot, Says says, int line) {
  Setting setting;
  setting.selector = std::move(selector);
  setting.slot = slot;
  setting.says = std::move(says);
  setting.where = {"c.yaml", line, 1};
  setting.what = "line " + std::to_string(line);
  return setting;
}

Selector named(std::string name) { return {Selector::Kind::kName, std::move(name)}; }

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("What a node reads counts as won where the maker's result is decided so") {
  const Chain chain({say(named("s"), Slot::kInput, Precision::kInt16, 1)});
  CHECK(chain.messages().empty());
  CHECK(chain.outcomes()[0].won == 1);
  CHECK(chain.outcomes()[0].losses.empty());
}

TEST_CASE("A setting that names only what it cannot affect says so") {
  const Chain chain({say(named("p"), Slot::kOutput, Precision::kInt16, 1),
                     say({Selector::Kind::kType, "Sigmoid"}, Slot::kWeight, Precision::kInt16, 2),
                     say(named("*"), Slot::kOutput, Precision::kInt16, 3)});
  CHECK(chain.messages() ==
        Texts{"no-effect: line 1 has no effect: MaxPool 'p' hands on what it reads, with its scale",
              "no-effect: line 2 has no effect: Sigmoid 's' has no weight that is quantised"});
  CHECK(chain.outcomes()[0].in_vain == 1);
}

TEST_CASE("What a node says for itself, and its unit not, is lost") {
  const Chain chain({say(named("a"), Slot::kOutput, Precision::kInt8, 1),
                     say(named("r"), Slot::kOutput, Precision::kInt16, 2),
                     say(named("r"), Slot::kOutput, Precision::kInt8, 3)});
  CHECK(
      chain.messages() ==
      Texts{"never-wins: line 2 decides nothing: c.yaml:1:1 line 1 stands above it and speaks of the same"});
  const std::vector<SettingOutcome> outcomes = chain.outcomes();
  CHECK(outcomes[0].won == 1);
  CHECK(outcomes[1].won == 0);
  REQUIRE(outcomes[1].losses.size() == 1);
  CHECK(outcomes[1].losses[0].to->what == "line 1");
  CHECK(outcomes[1].losses[0].denied);
  REQUIRE(outcomes[2].losses.size() == 1);  // it says what holds: nothing to warn of
  CHECK_FALSE(outcomes[2].losses[0].denied);
}

TEST_CASE("What a rule of placement overrules is lost to it, and the rule is the warning") {
  const Chain chain({say(named("b"), Slot::kInput, Precision::kInt16, 1),
                     say(named("b"), Slot::kOutput, ObserverName{"moving_average"}, 2)});
  const std::vector<SettingOutcome> outcomes = chain.outcomes();
  CHECK(outcomes[0].won == 1);
  CHECK(outcomes[1].won == 0);
  REQUIRE(outcomes[1].losses.size() == 1);
  CHECK(chain.messages() == Texts{"never-wins: line 2 decides nothing: Conv 'b': high-precision output: only "
                                  "the tail and outputs of the "
                                  "graph follow (default: method jit_strip)"});
}

TEST_CASE("An observer loses to a scale that is given; aspects are settled apart") {
  const Chain chain({say(named("a"), Slot::kOutput, FixedScale{1.0, 0}, 1),
                     say(named("a"), Slot::kOutput, Precision::kInt16, 2),
                     say(named("a"), Slot::kOutput, ObserverName{"moving_average"}, 3),
                     say(named("a"), Slot::kOutput, FixedScale{2.0, 0}, 4)});
  const std::vector<SettingOutcome> outcomes = chain.outcomes();
  CHECK(outcomes[0].won == 1);
  CHECK(outcomes[1].won == 1);
  CHECK(outcomes[2].losses.at(0).to->what == "line 1");
  CHECK(outcomes[3].losses.at(0).to->what == "line 1");
  CHECK(chain.messages().size() == 2);
}

TEST_CASE("Of a setting for whatever nobody names, its decisions are counted") {
  const Chain chain({say(named("s"), Slot::kOutput, Precision::kInt16, 1),
                     setting_for_all(Slot::kOutput, Precision::kInt8, {"c.yaml", 2, 1}, "all")});
  CHECK(chain.outcomes()[0].won == 1);
  CHECK(chain.outcomes()[1].won == 2);  // x, and what the unit of a and r makes
}
