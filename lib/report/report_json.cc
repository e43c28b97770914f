#include "report/report.h"

namespace qprep {
namespace {

using nlohmann::ordered_json;

ordered_json slots(const std::vector<ReportSlot>& slots) {
  ordered_json list = ordered_json::array();
  for (const ReportSlot& slot : slots) {
    if (slot.name.empty()) {
      list.push_back(nullptr);
      continue;
    }
    ordered_json entry = {{"name", slot.name}, {"dtype", slot.dtype}};
    if (slot.spec) {
      entry["ch_axis"] = slot.spec->channel_axis;
      entry["observer"] = slot.spec->observer;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json node(const ReportNode& node) {
  ordered_json entry = {{"name", node.name}, {"op", node.op}, {"device", to_text(node.device)}};
  entry["segment"] = node.segment ? ordered_json(*node.segment) : ordered_json(nullptr);
  entry["inputs"] = slots(node.inputs);
  entry["outputs"] = slots(node.outputs);
  entry["because"] = {{"device", text_or_null(node.device_because)},
                      {"output", text_or_null(node.output_because)},
                      {"weight", text_or_null(node.weight_because)}};
  if (!node.absorbed.empty()) entry["absorbed"] = node.absorbed;
  return entry;
}

std::string_view word_of(Severity severity) {
  switch (severity) {
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      break;
  }
  return "error";
}

ordered_json diagnostic(const Diagnostic& diagnostic) {
  ordered_json entry = {
      {"severity", word_of(diagnostic.severity)}, {"code", diagnostic.code}, {"message", diagnostic.message}};
  if (!diagnostic.where.file.empty()) entry["file"] = diagnostic.where.file;
  if (diagnostic.where.line > 0) entry["line"] = diagnostic.where.line;
  if (diagnostic.where.column > 0) entry["column"] = diagnostic.where.column;
  return entry;
}

}  // namespace

ordered_json to_json(const Report& report) {
  ordered_json json = {{"model", report.model}, {"march", report.march}};
  json["inputs"] = slots(report.inputs);
  json["outputs"] = slots(report.outputs);
  json["nodes"] = ordered_json::array();
  for (const ReportNode& entry : report.nodes) json["nodes"].push_back(node(entry));
  json["diagnostics"] = ordered_json::array();
  for (const Diagnostic& entry : report.diagnostics) json["diagnostics"].push_back(diagnostic(entry));
  return json;
}

}  // namespace qprep
