#include "report/report_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "report/checks.h"
#include "report/cpu_reasons.h"
#include "report/diagnostics_json.h"

namespace qprep {
namespace {

using nlohmann::ordered_json;

ordered_json slot(const ReportSlot& slot) {
  if (slot.name.empty()) return nullptr;
  ordered_json entry = {{"name", slot.name}, {"dtype", slot.dtype}};
  if (slot.spec) {
    entry["ch_axis"] = slot.spec->channel_axis;
    entry["observer"] = slot.spec->observer;
  }
  if (!slot.because.empty()) entry["because"] = slot.because;
  return entry;
}

ordered_json slots(const std::vector<ReportSlot>& slots) {
  ordered_json list = ordered_json::array();
  for (const ReportSlot& each : slots) list.push_back(slot(each));
  return list;
}

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json node(const ReportNode& node) {
  ordered_json entry = {{"name", node.name}, {"op", node.op}, {"device", to_text(node.device)}};
  entry["segment"] = node.segment ? ordered_json(*node.segment) : ordered_json(nullptr);
  entry["macs"] = node.macs ? ordered_json(*node.macs) : ordered_json(nullptr);
  entry["inputs"] = slots(node.inputs);
  entry["outputs"] = slots(node.outputs);
  entry["because"] = {{"device", text_or_null(node.device_because)},
                      {"output", text_or_null(node.output_because)},
                      {"weight", text_or_null(node.weight_because)}};
  if (!node.absorbed.empty()) entry["absorbed"] = node.absorbed;
  if (!node.made_for.empty()) entry["made_for"] = node.made_for;
  return entry;
}

ordered_json sequence(const ReportSequence& sequence) {
  ordered_json nodes = ordered_json::array();
  for (const auto& [name, op] : sequence.nodes) nodes.push_back(name);
  return {{"pattern", sequence.pattern},
          {"nodes", std::move(nodes)},
          {"shared", sequence.shared},
          {"because", sequence.because}};
}

ordered_json group(const ReportGroup& group) {
  return {{"name", group.name}, {"pattern", group.pattern}, {"nodes", group.nodes}};
}

ordered_json unit(const ReportGroup& unit) {
  ordered_json entry = group(unit);
  entry["kind"] = to_text(unit.kind);
  entry["device"] = to_text(unit.device);
  return entry;
}

ordered_json sum(const ReportSum& sum) {
  return {{"name", sum.name},
          {"unit", text_or_null(sum.unit)},
          {"layer", text_or_null(sum.layer)},
          {"because", text_or_null(sum.because)}};
}

ordered_json batch_norms(const ReportStandingNorms& norms) {
  ordered_json row = {{"because", norms.because}, {"times", norms.nodes.size()}, {"nodes", norms.nodes}};
  if (!norms.each.empty()) row["each"] = norms.each;
  return row;
}

ordered_json cpu_reason(const CpuReason& reason) {
  ordered_json ops = ordered_json::object();
  for (const auto& [op, times] : reason.ops) ops[op] = times;
  return {{"because", reason.because},
          {"remedy", text_or_null(reason.remedy)},
          {"times", reason.nodes.size()},
          {"operators", std::move(ops)},
          {"nodes", reason.nodes}};
}

ordered_json put_in(const ReportPutIn& each) {
  return {{"name", each.name}, {"op", each.op}, {"made_for", each.made_for}};
}

ordered_json rewritten(const ReportRewritten& rewritten) {
  return {{"name", rewritten.name},
          {"op", rewritten.op},
          {"pattern", rewritten.composite},
          {"nodes", rewritten.nodes},
          {"folded", rewritten.folded}};
}

ordered_json end(const ReportEnd& end) {
  return {{"pattern", end.pattern}, {"before", end.before}, {"layers", end.layers}};
}

ordered_json gone(const ReportGone& gone) {
  return {{"name", gone.name}, {"op", gone.op}, {"because", gone.because}};
}

ordered_json became(const ReportBecame& each) {
  return {{"name", each.name}, {"op", each.op}, {"now", each.now}, {"because", each.because}};
}

ordered_json border(const ReportBorder& border) {
  ordered_json tensors = ordered_json::array();
  for (const auto& [tensor, node, op, made_for, device, because] : border.crossings) {
    tensors.push_back({{"name", tensor}, {"node", node}, {"op", op}, {"device", to_text(device)}});
    tensors.back()["because"] = text_or_null(because);
    if (!made_for.empty()) tensors.back()["made_for"] = made_for;
  }
  return {{"side", border.begins ? "from" : "to"},
          {"beyond", border.beyond},
          {"beside", border.beside},
          {"tensors", std::move(tensors)}};
}

ordered_json not_replaced(const ReportNotReplaced& each) {
  return {{"replacement", each.replacement},
          {"because", each.because},
          {"times", each.nodes.size()},
          {"nodes", each.nodes}};
}

ordered_json shared_weight(const SharedWeight& weight) {
  return {{"name", weight.name},
          {"calls", weight.calls ? ordered_json(*weight.calls) : ordered_json(nullptr)},
          {"nodes", weight.nodes}};
}

ordered_json loop(const ReportLoop& loop) {
  return {{"name", loop.name},
          {"op", loop.op},
          {"turns", loop.turns ? ordered_json(*loop.turns) : ordered_json(nullptr)},
          {"nodes", loop.nodes}};
}

ordered_json hint(const Hint& hint) {
  return {{"name", hint.name}, {"op", hint.op}, {"message", hint.message}};
}

ordered_json verdict(const Verdict& verdict) {
  return {{"topic", verdict.topic}, {"state", verdict.state}, {"finding", verdict.sentence}};
}

std::string line_of(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

/// A member of the outermost object: an array with an element on each line.
template <typename Elements, typename ToJson>
void add_lines(std::string& out, const char* name, const Elements& elements, const ToJson& to_json) {
  out += fmt::format("  \"{}\": [", name);
  const char* separator = "\n";
  for (const auto& element : elements) {
    out += separator;
    out += "    ";
    out += line_of(to_json(element));
    separator = ",\n";
  }
  out += elements.empty() ? "]" : "\n  ]";
}

}  // namespace

std::string json_of_plan(const Report& report) {
  std::string out = "{\n";
  out += fmt::format("  \"model\": {},\n", line_of(report.model));
  out += fmt::format("  \"march\": {},\n", report.march.empty() ? "null" : line_of(report.march));
  for (const auto& [name, ports] :
       {std::pair("inputs", &report.inputs), std::pair("outputs", &report.outputs)}) {
    add_lines(out, name, *ports, slot);
    out += ",\n";
  }
  add_lines(out, "nodes", report.nodes, node);
  out += ",\n";
  add_lines(out, "not_fused", report.fusable, sequence);
  out += ",\n";
  add_lines(out, "batch_norms", report.batch_norms, batch_norms);
  out += ",\n";
  add_lines(out, "units", report.units, unit);
  out += ",\n";
  add_lines(out, "ends", report.ends, end);
  out += ",\n";
  add_lines(out, "sums", report.sums, sum);
  out += ",\n";
  add_lines(out, "blocks", report.blocks, group);
  out += ",\n";
  add_lines(out, "gone", report.gone, gone);
  out += ",\n";
  add_lines(out, "became", report.became, became);
  out += ",\n";
  add_lines(out, "not_replaced", report.not_replaced, not_replaced);
  out += ",\n";
  add_lines(out, "shared_weights", report.shared, shared_weight);
  out += ",\n";
  add_lines(out, "loops", report.loops, loop);
  out += ",\n";
  add_lines(out, "accumulators", report.accumulators,
            [](const AccumulatorRisk& each) { return to_json(each); });
  out += ",\n";
  add_lines(out, "risks", report.risks, [](const NumericRisk& each) { return to_json(each); });
  out += ",\n";
  add_lines(out, "calibrated", report.calibrated.tensors,
            [](const CalibratedTensor& each) { return to_json(each); });
  out += ",\n";
  add_lines(out, "results_compared", report.calibrated.results,
            [](const std::string& each) -> ordered_json { return each; });
  out += ",\n";
  add_lines(out, "methods_compared", report.calibrated.trials,
            [](const MethodTrial& each) { return to_json(each); });
  out += ",\n";
  add_lines(out, "rounded_weights", report.calibrated.rounded,
            [](const std::string& each) -> ordered_json { return each; });
  out += ",\n";
  add_lines(out, "corrected_biases", report.calibrated.corrected,
            [](const std::string& each) -> ordered_json { return each; });
  out += ",\n";
  add_lines(out, "not_corrected", report.calibrated.not_corrected,
            [](const UncorrectedBias& each) { return to_json(each); });
  out += ",\n";
  out += fmt::format("  \"sensitivity\": {},\n",
                     report.sensitivity.any() ? to_json(report.sensitivity).dump() : "null");
  add_lines(out, "crossings", report.crossings, [](const Crossing& each) { return to_json(each); });
  out += ",\n";
  add_lines(out, "region", report.region.borders, border);
  out += ",\n";
  add_lines(out, "on_cpu", cpu_reasons(report), cpu_reason);
  out += ",\n";
  add_lines(out, "undecided", undecided_limits(report), [](const UndecidedLimits& each) -> ordered_json {
    return {{"because", each.because}, {"times", each.nodes.size()}, {"nodes", each.nodes}};
  });
  out += ",\n";
  out += fmt::format("  \"sizes_remedy\": {},\n", line_of(text_or_null(report.sizes_remedy)));
  add_lines(out, "hints", qconfig_hints(report), hint);
  out += ",\n";
  add_lines(out, "abnormal_compute_types", abnormal_compute_types(report), hint);
  out += ",\n";
  add_lines(out, "summary", summary(report), verdict);
  out += ",\n";
  return out;
}

std::string json_of_run(const Report& report) {
  std::string out;
  add_lines(out, "rewritten", report.rewritten, rewritten);
  out += ",\n";
  add_lines(out, "put_in", report.put_in, put_in);
  out += ",\n";
  add_lines(out, "diagnostics", report.diagnostics, [](const Diagnostic& each) { return to_json(each); });
  return out + "\n}\n";
}

}  // namespace qprep
