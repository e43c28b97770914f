#include "passes/inline_functions.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "passes/rewriter.h"
#include "quant/fake_quant.h"
#include "support/codes.h"

namespace qprep {
namespace {

/// Functions that call others twice each double the nodes with each level.
constexpr std::size_t kMostNodes = 200'000;

using Because = std::string;  // a clause whose subject is the function

bool is_own(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

std::optional<std::int64_t> version_in(const Opsets& opsets, std::string_view domain) {
  for (const auto& [name, version] : opsets) {
    if (name == domain || (is_own(name) && is_own(domain))) return version;
  }
  return std::nullopt;
}

/// A copy; nullopt: of a kind that only the file's record has, or a body.
std::optional<AttributeValue> copy_of(const AttributeValue& value) {
  return std::visit(
      [](const auto& held) -> std::optional<AttributeValue> {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate> || std::is_same_v<Held, std::unique_ptr<Graph>> ||
                      std::is_same_v<Held, std::vector<std::unique_ptr<Graph>>>) {
          return std::nullopt;
        } else if constexpr (std::is_same_v<Held, Tensor>) {
          if (held.dtype() == DType::kString) return std::nullopt;
          return AttributeValue(held);
        } else {
          return AttributeValue(held);
        }
      },
      value);
}

class Inliner {
 public:
  Inliner(Model& model, Env& env) : model_(model), env_(env), rewriter_(model, env) {
    for (const Function& function : model.functions) {
      by_name_.emplace(std::tie(function.domain, function.name, function.overload), &function);
    }
  }

  bool run() {
    if (model_.functions.empty()) return false;
    for_each_graph(model_, [this](Graph& graph) { visit(graph); });
    rewriter_.finish();
    const auto called = called_functions();
    for (const auto& [function, because] : stays_) {
      if (!called.contains(function)) continue;
      env_.diagnostics.note(
          codes::kFunctionStays,
          fmt::format("function '{}' stays one node where it is called: {}", function->name, because),
          {model_.file});
    }
    if (opened_.empty()) return false;
    std::vector<Function> kept;
    for (Function& function : model_.functions) {
      if (!opened_.contains(&function) || called.contains(&function)) kept.push_back(std::move(function));
    }
    model_.functions = std::move(kept);
    return true;
  }

 private:
  const Function* function_of(const Node& node) const {
    const auto at = by_name_.find(std::tie(node.domain(), node.op(), node.overload()));
    return at == by_name_.end() ? nullptr : at->second;
  }

  void visit(Graph& graph) {
    for (auto at = graph.nodes().begin(); at != graph.nodes().end();) {
      Node& call = *at;
      const Function* function = function_of(call);
      Because because = function && !is_fake_quantize(call) ? why_not(*function, call) : "";
      if (!function || is_fake_quantize(call) || !because.empty()) {
        if (!because.empty()) stay(*function, std::move(because));
        ++at;
        continue;
      }
      // What it calls is opened next.
      auto before = at == graph.nodes().begin() ? graph.nodes().end() : std::prev(at);
      open(*function, call);
      at = before == graph.nodes().end() ? graph.nodes().begin() : std::next(before);
    }
  }

  void stay(const Function& function, Because because) {
    const auto known = std::find_if(stays_.begin(), stays_.end(),
                                    [&](const auto& entry) { return entry.first == &function; });
    if (known == stays_.end()) stays_.emplace_back(&function, std::move(because));
  }

  Because why_not(const Function& function, const Node& call) {
    if (calls_itself(function)) return "it calls itself";
    if (made_ + function.body->nodes().size() > kMostNodes) return "the graph would become too large";
    if (call.input_count() > function.body->inputs().size() ||
        call.output_count() > function.body->outputs().size()) {
      return fmt::format("'{}' gives or takes more than it has", call.label());
    }
    for (const Node& node : function.body->nodes()) {
      if (!node.overload().empty()) return fmt::format("it calls an overload of {}", node.op());
      const auto wanted = version_in(function.opsets, node.domain());
      const auto given = version_in(model_.opsets, node.domain());
      if (!function_of(node) && given && wanted != given) {
        return fmt::format("its {} is of operator set {}, and the model has {}", node.op(),
                           wanted.value_or(0), *given);
      }
      for (const Attribute& attribute : node.attributes()) {
        if (Because because = why_not(function, call, attribute); !because.empty()) return because;
      }
    }
    return "";
  }

  static Because why_not(const Function& function, const Node& call, const Attribute& attribute) {
    if (attribute.reference.empty()) {
      return copy_of(attribute.value)
                 ? ""
                 : fmt::format("'{}' in it holds a body, or what only the file knows", attribute.name);
    }
    const Attribute* given = call.attribute(attribute.reference);
    const auto& without_default = function.attributes;
    const bool may_miss = std::find(without_default.begin(), without_default.end(), attribute.reference) !=
                          without_default.end();
    if (given ? !given->reference.empty() || !copy_of(given->value) : !may_miss) {
      return fmt::format("'{}' leaves its attribute '{}' open", call.label(), attribute.reference);
    }
    return "";
  }

  bool calls_itself(const Function& function) {
    const auto [at, is_new] = calls_itself_.try_emplace(&function, true);  // while it is looked at
    if (!is_new) return at->second;
    bool does = false;
    for (const Node& node : function.body->nodes()) {
      const Function* called = function_of(node);
      does = does || (called && calls_itself(*called));
    }
    return calls_itself_[&function] = does;
  }

  void open(const Function& function, Node& call) {
    Graph& graph = call.graph();
    std::unordered_map<const Value*, Value*> copies;
    for (std::size_t i = 0; i < function.body->inputs().size(); ++i) {
      copies[function.body->inputs()[i]] = call.input(i);
    }
    for (const Node& node : function.body->nodes()) copy(node, call, copies);
    for (std::size_t i = 0; i < call.output_count(); ++i) {
      Value& result = call.output(i);
      if (result.name().empty()) continue;
      Value* made = copies.at(function.body->outputs()[i]);
      if (!made_here_.contains(made) || named_.contains(made)) made = &identity(call, made);
      hand_over(graph, result, *made);
    }
    for (const auto& [domain, version] : function.opsets) {
      if (!version_in(model_.opsets, domain)) model_.opsets.emplace(domain, version);
    }
    opened_.insert(&function);
    rewriter_.erase(call, "was opened; the names of its nodes begin with its own");
  }

  void copy(const Node& node, Node& call, std::unordered_map<const Value*, Value*>& copies) {
    const std::string& own = node.name().empty() ? node.op() : node.name();
    NodeSpec spec{.op = node.op(), .name = call.label() + "/" + own, .domain = node.domain()};
    for (const Value* input : node.inputs()) spec.inputs.push_back(input ? copies.at(input) : nullptr);
    Node& made = call.graph().insert(&call, std::move(spec));
    ++made_;
    for (const std::string& place : call.places()) made.add_place(place);
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      const std::string& name = node.output(i).name();
      NameTable& names = call.graph().names().values;
      Value& output = made.add_output(name.empty() ? "" : names.fresh(call.label() + "/" + name));
      copies[&node.output(i)] = &output;
      made_here_.insert(&output);
    }
    for (const Attribute& attribute : node.attributes()) {
      const Attribute* from = attribute.reference.empty() ? &attribute : call.attribute(attribute.reference);
      if (from) made.set_attribute(attribute.name, std::move(*copy_of(from->value)));
    }
  }

  Value& identity(Node& call, Value* value) {
    Node& node = call.graph().insert(&call, {.op = "Identity",
                                             .inputs = {value},
                                             .outputs = {call.label() + "/result"},
                                             .name = call.label() + "/Identity"});
    return node.output(0);
  }

  /// Result: what read the call's result reads what was made instead, which bears its name.
  void hand_over(Graph& graph, Value& result, Value& made) {
    const std::string name = result.name();
    if (result.type().kind != Type::Kind::kUnknown) made.set_type(result.type());
    graph.replace_uses(result, made);
    graph.names().values.release(made.name());
    if (result.is_graph_output()) {
      const auto at = std::find(graph.outputs().begin(), graph.outputs().end(), &result);
      graph.redirect_output(static_cast<std::size_t>(at - graph.outputs().begin()), made);
      graph.names().values.release(result.name());
    } else {
      graph.rename(result, name);  // it keeps none that anything else bears
      graph.names().values.release(result.name());
      graph.set_name(made, name);
    }
    named_.insert(&made);
  }

  std::unordered_set<const Function*> called_functions() const {
    std::unordered_set<const Function*> called;
    const auto mark = [&](const auto& self, const Graph& graph) -> void {
      for (const Node& node : graph.nodes()) {
        const Function* function = function_of(node);
        if (function && called.insert(function).second) self(self, *function->body);
        for (const Graph* body : node.bodies()) self(self, *body);
      }
    };
    mark(mark, *model_.graph);
    return called;
  }

  using Key = std::tuple<const std::string&, const std::string&, const std::string&>;

  Model& model_;
  Env& env_;
  Rewriter rewriter_;
  std::map<Key, const Function*> by_name_;
  std::unordered_map<const Function*, bool> calls_itself_;
  std::unordered_set<const Function*> opened_;
  std::unordered_set<const Value*> made_here_;  // by copies of nodes
  std::unordered_set<const Value*> named_;      // values that bear the name of a result
  std::vector<std::pair<const Function*, Because>> stays_;
  std::size_t made_ = 0;
};

}  // namespace

bool inline_functions(Model& model, Env& env) { return Inliner(model, env).run(); }

}  // namespace qprep
