#include "report/inspect.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

#include "ir/operator_name.h"
#include "report/page.h"
#include "report/segments.h"
#include "report/table.h"

namespace qprep {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostReasons = 12;

void for_each_graph(const Graph& graph, const std::function<void(const Graph&)>& f) {
  f(graph);
  for (const Node& node : graph.nodes()) {
    for (const Graph* body : node.bodies()) for_each_graph(*body, f);
  }
}

/// The same reason for many nodes is one: what stands in quotes becomes '...'.
std::string without_names(const std::string& reason) {
  std::string text;
  std::size_t at = 0;
  for (std::size_t open = reason.find('\''); open != std::string::npos; open = reason.find('\'', at)) {
    const std::size_t close = reason.find('\'', open + 1);
    if (close == std::string::npos) break;
    text.append(reason, at, open - at).append("'...'");
    at = close + 1;
  }
  return text.append(reason, at);
}

void count_graph(const Graph& graph, const Plan& plan, InspectResult& result,
                 std::map<std::string, std::size_t>& reasons) {
  for (const Node& node : graph.nodes()) {
    ++result.nodes;
    ++result.operators[operator_name(node)];
    const NodePlan* decided = plan.of(node);
    const bool bpu = decided && decided->device == Device::kBpu;
    ++(bpu ? result.bpu_nodes : result.cpu_nodes);
    if (decided && !bpu) ++reasons[without_names(decided->device_because.text)];
  }
  for (const Value* initializer : graph.initializers()) {
    const Tensor& tensor = *initializer->initializer();
    ++result.initializers;
    result.payload_bytes += tensor.payload().size();
    result.bytes_by_type[to_text(tensor.dtype())] += tensor.payload().size();
  }
}

std::string counts_text(const std::map<std::string, std::size_t>& counts, const std::string& what) {
  std::string text;
  for (const auto& [dtype, count] : counts)
    text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", count, dtype, what);
  return text;
}

/// Operators, the most frequent first, equals by name.
std::vector<std::pair<std::string, std::size_t>> most_frequent(
    const std::map<std::string, std::size_t>& counts) {
  std::vector<std::pair<std::string, std::size_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

Table two_columns(std::string first, std::string second,
                  const std::vector<std::pair<std::string, std::size_t>>& rows) {
  Table table{{std::move(first), std::move(second)}, {}, {Table::Align::kLeft, Table::Align::kRight}};
  for (const auto& [name, count] : rows) table.rows.push_back({cell_text(name), with_commas(count)});
  return table;
}

Table port_table(std::string title, const std::vector<InspectResult::Port>& ports) {
  Table table{{std::move(title), "type"}, {}};
  for (const InspectResult::Port& port : ports)
    table.rows.push_back({cell_text(port.name), cell_text(port.type)});
  return table;
}

ordered_json ports_json(const std::vector<InspectResult::Port>& ports) {
  ordered_json list = ordered_json::array();
  for (const InspectResult::Port& port : ports) list.push_back({{"name", port.name}, {"type", port.type}});
  return list;
}

}  // namespace

InspectResult inspect(const Model& model, const Plan& plan) {
  InspectResult result;
  result.file = model.file;
  result.ir_version = model.ir_version;
  result.opsets = model.opsets;
  result.functions = model.functions.size();
  for (const Value* input : model.graph->inputs()) {
    if (!input->initializer()) result.inputs.push_back({input->name(), to_text(input->type())});
  }
  for (const Value* output : model.graph->outputs())
    result.outputs.push_back({output->name(), to_text(output->type())});

  std::map<std::string, std::size_t> reasons;
  for_each_graph(*model.graph, [&](const Graph& graph) { count_graph(graph, plan, result, reasons); });
  result.segments = static_cast<std::size_t>(bpu_segments(model, plan).count);
  for (const auto& [value, decision] : plan.values) {
    auto& counts = decision.role == Role::kWeight     ? result.weights
                   : decision.role == Role::kConstant ? result.constants
                                                      : result.activations;
    ++counts[std::string(to_text(decision.spec))];
  }
  result.float_because = most_frequent(reasons);
  return result;
}

std::string to_text(const InspectResult& result) {
  std::vector<std::string> opsets;
  for (const auto& [domain, version] : result.opsets) {
    opsets.push_back(fmt::format("{} {}", domain.empty() ? "ai.onnx" : cell_text(domain), version));
  }
  std::string text = fmt::format("{}\nIR {}, opset {}\n", cell_text(result.file), result.ir_version,
                                 fmt::join(opsets, ", "));
  text += fmt::format("{} nodes, {} initializers of {} bytes", with_commas(result.nodes),
                      with_commas(result.initializers), with_commas(result.payload_bytes));
  if (result.functions > 0) text += fmt::format(", {} functions", result.functions);
  text += "\n\n" + to_simple(port_table("input", result.inputs));
  text += "\n" + to_simple(port_table("output", result.outputs));
  text += "\n" + to_simple(two_columns("operator", "nodes", most_frequent(result.operators)));
  if (!result.bytes_by_type.empty()) {
    text += "\n" + to_simple(two_columns("initializers", "bytes",
                                         {result.bytes_by_type.begin(), result.bytes_by_type.end()}));
  }

  std::vector<std::string> quantised;
  for (const auto& [counts, what] :
       {std::pair(&result.activations, "activations"), std::pair(&result.weights, "weights"),
        std::pair(&result.constants, "constants")}) {
    if (!counts->empty()) quantised.push_back(counts_text(*counts, what));
  }
  text += fmt::format("\nprepare would quantise {}\n",
                      quantised.empty() ? "nothing" : fmt::format("{}", fmt::join(quantised, ", ")));
  text += fmt::format("{} nodes on the BPU in {} {}, {} on the CPU\n", with_commas(result.bpu_nodes),
                      result.segments, result.segments == 1 ? "segment" : "segments",
                      with_commas(result.cpu_nodes));
  if (!result.float_because.empty()) {
    std::vector<std::pair<std::string, std::size_t>> reasons = result.float_because;
    std::size_t rest = 0;
    while (reasons.size() > kMostReasons) {
      rest += reasons.back().second;
      reasons.pop_back();
    }
    if (rest > 0) reasons.emplace_back("other reasons", rest);
    text += "\n" + to_simple(two_columns("on the CPU because", "nodes", reasons));
  }
  return text;
}

ordered_json to_json(const InspectResult& result) {
  ordered_json json = {{"model", result.file}, {"ir_version", result.ir_version}};
  json["opsets"] = ordered_json::object();
  for (const auto& [domain, version] : result.opsets)
    json["opsets"][domain.empty() ? "ai.onnx" : domain] = version;
  json["inputs"] = ports_json(result.inputs);
  json["outputs"] = ports_json(result.outputs);
  json["nodes"] = result.nodes;
  json["functions"] = result.functions;
  json["operators"] = result.operators;
  json["initializers"] = {{"count", result.initializers},
                          {"bytes", result.payload_bytes},
                          {"bytes_by_dtype", result.bytes_by_type}};
  json["prepare"] = {{"activations", result.activations}, {"weights", result.weights},
                     {"constants", result.constants},     {"bpu_nodes", result.bpu_nodes},
                     {"segments", result.segments},       {"cpu_nodes", result.cpu_nodes}};
  json["prepare"]["cpu_because"] = ordered_json::array();
  for (const auto& [reason, count] : result.float_because) {
    json["prepare"]["cpu_because"].push_back({{"reason", reason}, {"nodes", count}});
  }
  return json;
}

}  // namespace qprep
