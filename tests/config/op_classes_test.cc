#include "config/op_classes.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/diagnostics.h"

namespace qprep {
namespace {

/// What reading `text` says; empty: it is accepted.
std::string complaint(const std::string& text) {
  const auto file = std::filesystem::temp_directory_path() / "qprep_op_classes_test.yaml";
  std::ofstream(file) << text;
  try {
    read_op_classes(file.string());
  } catch (const Fatal& fatal) {
    std::string all;
    for (const Diagnostic& diagnostic : fatal.diagnostics()) {
      all += std::to_string(diagnostic.where.line) + ": " + diagnostic.message + "\n";
    }
    return all;
  }
  return "";
}

OpClasses shipped() { return read_op_classes(std::string(QPREP_SOURCE_DIR) + "/configs/op_classes.yaml"); }

struct Fixture {
  OpClasses classes = shipped();
  Model model;
  Value& x = model.graph->add_input("x", Type::tensor(DType::kFloat32));

  Node& node(std::string op, std::vector<Value*> inputs, std::string domain = "") {
    return model.graph->insert(nullptr, {.op = std::move(op),
                                         .inputs = std::move(inputs),
                                         .outputs = {"y"},
                                         .name = "n",
                                         .domain = std::move(domain)});
  }
  OpClass of(const Node& node) const { return classes.of(node).op_class; }
};

}  // namespace

TEST_CASE("the file of operator classes is read with its places") {
  CHECK(complaint("active:\n  Relu: {why: \"clips\"}\n").empty());
  CHECK(complaint("active:\n  Relu: {data: [0]}\n") == "2: operator 'Relu' has no 'why'\n");
  CHECK(complaint("active:\n  Relu: {why: a}\npassive:\n  Relu: {why: b}\n") ==
        "4: operator 'Relu' stands in two classes\n");
  CHECK(complaint("activ:\n  Relu: {why: a}\n").find("1: unknown key 'activ'") == 0);
  CHECK(complaint("active:\n  Relu: {why: a, bounds: true}\n").find("2: unknown key") == 0);
  CHECK(complaint("active:\n  Relu: {why: a, channels: second}\n").find("first") != std::string::npos);
  CHECK(complaint("active:\n  Relu: {why: a, data: [1, 0]}\n") ==
        "2: 'active.Relu.data' must be 'all' or an ascending list of input numbers\n");
  CHECK(complaint("active:\n  Relu: {why: a, data: some}\n").find("must be 'all'") != std::string::npos);
  CHECK(complaint("active:\n  Pad:\n    why: a\n    when:\n      - {class: passive}\n") ==
        "5: 'active.Pad.when[0]' has no 'if'\n");
  CHECK(complaint("active:\n  Pad: {why: a, when: [{if: [{is: zero}], class: passive}]}\n")
            .find("asks for nothing") != std::string::npos);
}

TEST_CASE("attributes and constant inputs choose the case of an operator") {
  Fixture f;
  Node& resize = f.node("Resize", {&f.x});
  CHECK(f.of(resize) == OpClass::kPassive);  // nearest is the default
  resize.set_attribute("mode", std::string("linear"));
  CHECK(f.of(resize) == OpClass::kActive);

  Node& old_pad = f.node("Pad", {&f.x});
  CHECK(f.of(old_pad) == OpClass::kPassive);
  old_pad.set_attribute("value", 0.0F);
  CHECK(f.of(old_pad) == OpClass::kPassive);
  old_pad.set_attribute("value", 1.0F);
  CHECK(f.of(old_pad) == OpClass::kActive);
  old_pad.set_attribute("mode", std::string("reflect"));
  CHECK(f.of(old_pad) == OpClass::kPassive);

  Value& pads = f.model.graph->new_initializer("pads", Tensor::int64s({2}, {1, 1}));
  Value& zero = f.model.graph->new_initializer("zero", Tensor::scalar(-0.0F));
  Value& one = f.model.graph->new_initializer("one", Tensor::scalar(1));
  CHECK(f.of(f.node("Pad", {&f.x, &pads, &zero})) == OpClass::kPassive);
  CHECK(f.of(f.node("Pad", {&f.x, &pads, &one})) == OpClass::kActive);
  CHECK(f.of(f.node("Pad", {&f.x, &pads, &f.x})) == OpClass::kActive);  // who knows what it is

  Node& norm = f.node("BatchNormalization", {&f.x});
  CHECK(f.of(norm) == OpClass::kActive);
  norm.set_attribute("training_mode", std::int64_t{1});
  CHECK(f.of(norm) == OpClass::kFloat);
}

TEST_CASE("an operator that the file does not know stays float") {
  Fixture f;
  CHECK(f.of(f.node("Conv", {&f.x})) == OpClass::kGemmLike);
  CHECK(f.of(f.node("Conv", {&f.x}, "ai.onnx")) == OpClass::kGemmLike);
  const Node& other = f.node("Conv", {&f.x}, "somebody.else");
  CHECK(f.of(other) == OpClass::kFloat);
  CHECK(f.classes.of(other).why.find("does not know") != std::string::npos);
  CHECK(f.classes.of(other).is_data(17));
  CHECK(f.of(f.node("FusedConv", {&f.x}, "com.microsoft")) == OpClass::kGemmLike);
}

}  // namespace qprep
