#include <algorithm>
#include <map>
#include <unordered_set>

#include "quant/fake_quant.h"

namespace qprep {
namespace {

constexpr std::int64_t kFunctionIrVersion = 8;
constexpr std::int64_t kInitializersNeedNoInputs = 4;  // the IR version from which

/// Builds a function's body under the names that people read in a file.
class Body {
 public:
  explicit Body(Names& names) : graph_(std::make_unique<Graph>(names, nullptr)) {}

  Value& input(std::string name) { return graph_->add_input(std::move(name), Type{}); }

  Value& apply(std::string op, std::initializer_list<Value*> inputs, std::string output) {
    Node& node = graph_->add_node(std::move(op), "", "", "", kNoOrigin);
    std::size_t i = 0;
    for (Value* value : inputs) node.set_input(i++, value);
    return node.add_output(std::move(output));
  }

  /// The tensor that a caller of the function gives as attribute `name`.
  Value& attribute(std::string name) {
    Value& value = apply("Constant", {}, name);
    value.producer()->add_attribute({"value", Tensor(), std::move(name), false});
    return value;
  }

  std::unique_ptr<Graph> returning(Value& output) {
    graph_->add_output(output);
    return std::move(graph_);
  }

 private:
  std::unique_ptr<Graph> graph_;
};

/// y = (clip(round(x / scale + zero_point), quant_min, quant_max) - zero_point) * scale
///
/// Sum, not Add: ONNX Runtime's optimiser drops an Add of a constant 0, and -0.0 would come out as -0.0
/// rather than +0.0, so that an optimised session would differ from a plain one.
std::unique_ptr<Graph> computing_body(Names& names) {
  Body body(names);
  Value& x = body.input("x");
  Value& scale = body.input("scale");
  Value& integer_zero = body.input("zero_point");
  Value& zero = body.apply("Cast", {&integer_zero}, "zero");
  zero.producer()->set_attribute("to", static_cast<std::int64_t>(DType::kFloat32));
  Value& scaled = body.apply("Div", {&x, &scale}, "scaled");
  Value& shifted = body.apply("Sum", {&scaled, &zero}, "shifted");
  Value& rounded = body.apply("Round", {&shifted}, "rounded");
  Value& low = body.attribute("quant_min");
  Value& high = body.attribute("quant_max");
  Value& integer = body.apply("Clip", {&rounded, &low, &high}, "integer");
  Value& centred = body.apply("Sub", {&integer, &zero}, "centred");
  return body.returning(body.apply("Mul", {&centred, &scale}, "y"));
}

std::unique_ptr<Graph> observing_body(Names& names) {
  Body body(names);
  Value& x = body.input("x");
  body.input("scale");
  body.input("zero_point");
  return body.returning(body.apply("Identity", {&x}, "y"));
}

/// The domains that FakeQuantize nodes call, and whether a call says its scheme.
using Calls = std::map<std::string, bool>;
Calls calls_in(const Model& model) {
  Calls calls;
  const auto add = [&calls](Graph& graph) {
    for (const Node* node : fake_quantize_nodes(graph)) {
      bool& says_scheme = calls[node->domain()];
      says_scheme = says_scheme || node->attribute(kSchemeAttribute);
    }
  };
  add(*model.graph);
  for (const Function& function : model.functions) add(*function.body);
  return calls;
}

void raise_ir_version(Model& model) {
  if (model.ir_version < kInitializersNeedNoInputs) {
    std::unordered_set<Value*> constants;
    for (Value* value : model.graph->initializers()) {
      if (value->is_graph_input()) constants.insert(value);
    }
    model.graph->drop_inputs(constants);
  }
  model.ir_version = std::max(model.ir_version, kFunctionIrVersion);
}

/// Result: the model has the function of `domain` for its operator set, its own or ours, exactly if it is
/// called.
void update_function(Model& model, const std::string& domain, const Calls& calls,
                     std::unique_ptr<Graph> (*make_body)(Names&)) {
  const auto is_it = [&](const Function& f) { return f.domain == domain && f.name == kFakeQuantizeOp; };
  const Opsets opsets = {{"", model.opset()}};
  const auto call = calls.find(domain);
  const bool called = call != calls.end();
  std::vector<std::string> attributes(kFakeQuantizeAttributes.begin(), kFakeQuantizeAttributes.end());
  if (called && call->second) attributes.emplace_back(kSchemeAttribute);
  std::erase_if(model.functions, [&](const Function& f) {
    const bool fits = f.opsets.begin()->second == model.opset() && f.attributes.size() == attributes.size();
    return is_it(f) && (!called || !fits);
  });
  if (!called) {
    model.opsets.erase(domain);
    return;
  }
  model.opsets[domain] = 1;
  raise_ir_version(model);
  if (std::any_of(model.functions.begin(), model.functions.end(), is_it)) return;
  model.functions.push_back({.name = std::string(kFakeQuantizeOp),
                             .domain = domain,
                             .overload = "",
                             .attributes = std::move(attributes),
                             .opsets = opsets,
                             .body = make_body(*model.names),
                             .origin = kNoOrigin});
}

}  // namespace

void update_fake_quantize_functions(Model& model) {
  const Calls calls = calls_in(model);
  update_function(model, "qprep", calls, computing_body);
  update_function(model, "qprep.observe", calls, observing_body);
}

}  // namespace qprep
