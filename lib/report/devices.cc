#include "report/devices.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "report/checks.h"
#include "report/cpu_reasons.h"
#include "report/page.h"
#include "report/table.h"
#include "support/text.h"

namespace qprep {
namespace {

using Align = Table::Align;
using nlohmann::ordered_json;

bool is_constant(const ReportNode& node) { return node.op == "Constant"; }

std::string dtype_of(const ReportSlot* slot) { return slot ? slot->dtype : "-"; }

/// "qint8/qint8": of the data that enter first, and of what leaves as whoever reads it gets it, both as in
/// the rest of the report. What the CPU makes in float may be quantised on its way, too.
std::string in_and_out(const ReportNode& node) {
  const std::vector<const ReportSlot*> data = data_inputs(node);
  const ReportSlot* in = data.empty() ? nullptr : data.front();
  const ReportSlot* out = node.outputs.empty() ? nullptr : &node.outputs.front();
  return fmt::format("{}/{}", dtype_of(in), dtype_of(out));
}

std::string formats_of(const ReportNode& node) {
  if (node.inputs.size() < 2) return "?";
  return fmt::format("{}*{}", node.inputs[0].dtype, node.inputs[1].dtype);
}

std::int64_t saturated(std::int64_t a, std::int64_t b) {
  return a > std::numeric_limits<std::int64_t>::max() - b ? std::numeric_limits<std::int64_t>::max() : a + b;
}

struct Devices {
  std::size_t bpu = 0, cpu = 0, segments = 0;
};

Devices count_devices(const Report& report) {
  Devices devices;
  for (const ReportNode& node : report.nodes) {
    if (is_constant(node)) continue;
    ++(node.device == Device::kBpu ? devices.bpu : devices.cpu);
    if (node.segment)
      devices.segments = std::max(devices.segments, static_cast<std::size_t>(*node.segment) + 1);
  }
  return devices;
}

void work(const Report& report, Page& page) {
  Table table{{"multiplications", "ON", "formats", "nodes"},
              {},
              {Align::kRight, Align::kLeft, Align::kLeft, Align::kRight}};
  for (const Work& each : work_of(report)) {
    std::string macs = with_commas(static_cast<std::uint64_t>(each.macs));
    if (each.unknown > 0) macs += fmt::format(" and those of {} of unknown sizes", each.unknown);
    table.rows.push_back(
        {std::move(macs), std::string(to_text(each.device)), each.formats, with_commas(each.nodes)});
  }
  if (table.rows.empty()) return;
  page.line("");
  page.simple(std::move(table));
}

void crossings(const Report& report, Page& page) {
  if (report.crossings.empty()) return;
  std::uint64_t bytes = 0;
  std::size_t unknown = 0;
  Table table{{"tensor", "from", "to", "dtype", "shape", "bytes"}, {}, {}};
  table.align.assign(table.headers.size(), Align::kLeft);
  table.align.back() = Align::kRight;
  for (const Crossing& each : report.crossings) {
    bytes += static_cast<std::uint64_t>(each.bytes.value_or(0));
    unknown += !each.bytes;
    const std::string maker = each.made_by.empty() ? "" : fmt::format(" of {}", each.made_by);
    table.rows.push_back({each.tensor + maker, each.from, each.to, each.dtype, each.shape,
                          each.bytes ? with_commas(static_cast<std::uint64_t>(*each.bytes)) : "?"});
  }
  page.line(fmt::format(
      "{} {} between devices or segments, {} bytes{}:", counted(report.crossings.size(), "tensor", "tensors"),
      report.crossings.size() == 1 ? "crosses" : "cross", with_commas(bytes),
      unknown > 0 ? fmt::format(" and those of {} of unknown sizes", unknown) : ""));
  page.simple(std::move(table));
}

void accumulators(const Report& report, Page& page) {
  if (report.accumulators.empty()) return;
  Table table{{"node", "formats", "products", "worst case", "with its weights"},
              {},
              {Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kRight}};
  const auto times = [](double sum) {
    return fmt::format("{:.2f}", sum / static_cast<double>(kLargestAccumulator));
  };
  for (const AccumulatorRisk& each : report.accumulators) {
    table.rows.push_back({cell_text(each.node), each.formats,
                          with_commas(static_cast<std::uint64_t>(each.products)), times(each.worst),
                          each.bound ? times(*each.bound) : "?"});
  }
  page.line(fmt::format("{} could sum up more than an int32 accumulator holds, in times of what it holds:",
                        counted(report.accumulators.size(), "layer", "layers")));
  page.simple(std::move(table));
}

void reasons(const Report& report, Page& page) {
  const std::vector<CpuReason> all = cpu_reasons(report);
  if (!all.empty()) page.line("On the CPU:");
  for (const CpuReason& reason : all) {
    std::vector<std::string> ops;
    for (const auto& [op, times] : reason.ops) ops.push_back(fmt::format("{} {}", times, op));
    page.line(fmt::format("  {}: {}", first_of(ops), cell_text(first_of(reason.nodes))));
    page.line("    " + cell_text(reason.because));
    if (!reason.remedy.empty()) page.line("    remedy: " + cell_text(reason.remedy));
  }
}

void undecided(const Report& report, Page& page) {
  const std::vector<OpenOperator> all = open_operators(report);
  if (all.empty()) return;
  std::size_t nodes = 0;
  for (const OpenOperator& each : all) nodes += each.nodes.size();
  page.line(fmt::format("Limits of {} could not be decided and are taken to hold:",
                        counted(nodes, "node", "nodes")));
  for (const OpenOperator& each : all) {
    page.line(cell_text(fmt::format("  {} {}: {}", each.nodes.size(), each.op, first_of(each.nodes))));
    page.line(cell_text(fmt::format("    {}{}{}", first_of(each.axes),
                                    each.axes.empty() ? "" : " unknown: ", join(each.limits, "; "))));
  }
  if (!report.sizes_remedy.empty()) page.line("    remedy: " + cell_text(report.sizes_remedy));
}

}  // namespace

bool only_quantises(const ReportNode& node) {
  const std::string_view op = node.op;
  return op.ends_with("QuantizeLinear") || op.ends_with("DequantizeLinear") || op.ends_with("FakeQuantize") ||
         op.ends_with("HzQuantize") || op.ends_with("HzDequantize");
}

std::string where_nodes_run(const Report& report) {
  const Devices devices = count_devices(report);
  const std::size_t with_data = fallbacks(report).size();
  const auto quantisers = std::ranges::count_if(report.nodes, [](const ReportNode& node) {
    return node.device == Device::kBpu && only_quantises(node);
  });
  return fmt::format(
      "{} on the BPU in {}{}, {} on the CPU{}", counted(devices.bpu, "node", "nodes"),
      counted(devices.segments, "segment", "segments"),
      quantisers > 0 ? fmt::format(" ({} only quantise)", quantisers) : "", with_commas(devices.cpu),
      with_data == devices.cpu ? ""
                               : fmt::format(", {} with the model's data",
                                             counted(with_data, "of them computes", "of them compute")));
}

std::vector<Work> work_of(const Report& report) {
  std::vector<Work> all;
  for (const ReportNode& node : report.nodes) {
    if (node.macs == 0) continue;
    const std::string formats = formats_of(node);
    auto at = std::ranges::find_if(
        all, [&](const Work& work) { return work.device == node.device && work.formats == formats; });
    if (at == all.end()) at = all.insert(all.end(), Work{.device = node.device, .formats = formats});
    ++at->nodes;
    at->unknown += !node.macs;
    at->macs = saturated(at->macs, node.macs.value_or(0));
  }
  std::ranges::stable_sort(all, {}, [](const Work& work) { return work.device != Device::kBpu; });
  return all;
}

std::vector<const ReportNode*> fallbacks(const Report& report) {
  std::vector<const ReportNode*> nodes;
  for (const ReportNode& node : report.nodes) {
    if (node.device == Device::kCpu && node.reads_data && !node.passive && !is_constant(node))
      nodes.push_back(&node);
  }
  return nodes;
}

std::string device_table(const Report& report) {
  Table table{{"Node", "ON", "Subgraph", "Type", "In/Out DataType"}, {}};
  for (const ReportNode& node : report.nodes) {
    if (is_constant(node)) continue;
    table.rows.push_back({cell_text(node.name), std::string(to_text(node.device)),
                          node.segment ? fmt::format("id({})", *node.segment) : "--", cell_text(node.op),
                          in_and_out(node)});
  }
  return to_simple(table);
}

std::string device_summary(const Report& report) {
  Page page;
  page.line(where_nodes_run(report));
  work(report, page);
  crossings(report, page);
  accumulators(report, page);
  if (const std::string risks = to_text(report.risks); !risks.empty()) page.line(risks);
  reasons(report, page);
  undecided(report, page);
  return page.take();
}

ordered_json devices_json(const Report& report) {
  const Devices devices = count_devices(report);
  ordered_json json;
  json["nodes"] = {{"bpu", devices.bpu},
                   {"cpu", devices.cpu},
                   {"cpu_with_data", fallbacks(report).size()},
                   {"segments", devices.segments}};
  json["work"] = ordered_json::array();
  for (const Work& work : work_of(report)) {
    json["work"].push_back({{"device", to_text(work.device)},
                            {"formats", work.formats},
                            {"macs", work.macs},
                            {"nodes", work.nodes},
                            {"nodes_of_unknown_size", work.unknown}});
  }
  json["crossings"] = ordered_json::array();
  for (const Crossing& crossing : report.crossings) json["crossings"].push_back(to_json(crossing));
  json["accumulators"] = ordered_json::array();
  for (const AccumulatorRisk& risk : report.accumulators) json["accumulators"].push_back(to_json(risk));
  json["risks"] = ordered_json::array();
  for (const NumericRisk& risk : report.risks) json["risks"].push_back(to_json(risk));
  json["cpu"] = ordered_json::array();
  for (const CpuReason& reason : cpu_reasons(report)) {
    json["cpu"].push_back(
        {{"because", reason.because},
         {"remedy", reason.remedy.empty() ? ordered_json(nullptr) : ordered_json(reason.remedy)},
         {"nodes", reason.nodes}});
  }
  json["table"] = ordered_json::array();
  for (const ReportNode& node : report.nodes) {
    if (is_constant(node)) continue;
    json["table"].push_back(
        {{"name", node.name},
         {"device", to_text(node.device)},
         {"segment", node.segment ? ordered_json(*node.segment) : ordered_json(nullptr)},
         {"op", node.op},
         {"dtype", in_and_out(node)},
         {"because", node.device_because},
         {"undecided", node.undecided.empty() ? ordered_json(nullptr) : ordered_json(node.undecided)}});
  }
  return json;
}

std::string deploy_devices(const Report& report) {
  Table table{{"name", "deploy device", "type"}, {}};
  for (const ReportNode& node : report.nodes) {
    if (is_constant(node)) continue;
    table.rows.push_back({cell_text(node.name), std::string(to_text(node.device)), cell_text(node.op)});
  }
  return to_simple(table);
}

}  // namespace qprep
