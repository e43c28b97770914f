#include "report/report_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <map>
#include <unordered_map>

#include "report/checks.h"
#include "report/page.h"
#include "report/structure_text.h"

namespace qprep {
namespace {

constexpr const char* kQuantStub = "QuantStub";
constexpr const char* kDeQuantStub = "DeQuantStub";

std::string quoted_list(const std::vector<std::string>& dtypes) {
  return dtypes.empty() ? "[]" : fmt::format("['{}']", fmt::join(dtypes, "', '"));
}

std::string observer_text(const QuantSpec& spec) {
  std::string name;
  bool start = true;
  for (const char c : spec.observer) {
    if (c != '_') name += start && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    start = c == '_';
  }
  return fmt::format("{}Observer(averaging_constant={})", name, spec.averaging_constant);
}

/// A row of the tables over modules: the model's quantised inputs, its nodes, and its float results.
struct Module {
  std::string name, type;
  std::vector<std::string> inputs, outputs;  // dtypes
  const QuantSpec* spec = nullptr;           // of its first quantised output
  std::string_view device;
};

class TextWriter {
 public:
  explicit TextWriter(const Report& report) : report_(report) {
    for (const ReportSlot& input : report.inputs) {
      if (input.spec)
        modules_.push_back({input.name, kQuantStub, {"float32"}, {input.dtype}, &*input.spec, "CPU"});
    }
    for (const ReportNode& node : report.nodes) {
      if (node.op != "Constant") modules_.push_back(module(node));
    }
    for (const ReportSlot& output : report.outputs) {
      if (output.spec || output.dtype == "float32") {
        modules_.push_back({output.name, kDeQuantStub, {output.dtype}, {"float32"}, nullptr, "CPU"});
      }
    }
  }

  std::string text() {
    write_structure(report_, page_);
    shared();
    statistics("input dtype statistics:", &Module::inputs);
    statistics("output dtype statistics:", &Module::outputs);
    layer_outputs();
    weights();
    hints();
    abnormal();
    devices();
    graph();
    reasons();
    return page_.take();
  }

 private:
  static Module module(const ReportNode& node) {
    Module module{node.name, node.op, {}, {}, nullptr, to_text(node.device)};
    for (const ReportSlot* slot : data_inputs(node)) module.inputs.push_back(slot->dtype);
    for (const ReportSlot& slot : node.outputs) {
      if (slot.name.empty()) continue;
      module.outputs.push_back(slot.dtype);
      if (slot.spec && !module.spec) module.spec = &*slot.spec;
    }
    return module;
  }

  void shared() {
    if (report_.shared.empty() && report_.loops.empty()) {
      page_.line("All modules in the model run exactly once.\n");
      return;
    }
    page_.line("Modules below are used multi times:");
    Table table{{"name", "called times", "nodes"}, {}, {Table::Align::kLeft, Table::Align::kRight}};
    const auto add = [&](const std::string& name, const std::optional<std::int64_t>& calls,
                         const std::vector<std::string>& nodes) {
      table.rows.push_back(
          {name, calls ? fmt::format("{}", *calls) : "n unknown", fmt::format("{}", fmt::join(nodes, ", "))});
    };
    for (const ReportLoop& loop : report_.loops)
      add(fmt::format("{} ({})", loop.name, loop.op), loop.turns, loop.nodes);
    for (const SharedWeight& weight : report_.shared) add(weight.name, weight.calls, weight.nodes);
    page_.simple(table);
  }

  /// How often each type of module has each dtype; types and dtypes in the order in which they first come.
  void statistics(std::string_view title, std::vector<std::string> Module::*dtypes) {
    std::vector<std::string> types, columns;
    std::map<std::pair<std::string, std::string>, std::size_t> counts;
    std::map<std::string, std::size_t> totals;
    const auto note = [](std::vector<std::string>& seen, const std::string& word) {
      if (std::find(seen.begin(), seen.end(), word) == seen.end()) seen.push_back(word);
    };
    for (const Module& module : modules_) {
      note(types, module.type);
      for (const std::string& dtype : module.*dtypes) {
        note(columns, dtype);
        ++counts[{module.type, dtype}];
        ++totals[dtype];
      }
    }
    Table table{{"module type"}, {}, {Table::Align::kLeft}};
    table.headers.insert(table.headers.end(), columns.begin(), columns.end());
    table.align.resize(table.headers.size(), Table::Align::kRight);
    const auto row = [&](const std::string& name,
                         const std::function<std::size_t(const std::string&)>& count) {
      table.rows.push_back({name});
      for (const std::string& dtype : columns) table.rows.back().push_back(fmt::format("{}", count(dtype)));
    };
    for (const std::string& type : types) {
      row(type, [&](const std::string& dtype) { return counts[{type, dtype}]; });
    }
    row("total", [&](const std::string& dtype) { return totals[dtype]; });
    page_.line(title);
    page_.psql(table);
  }

  void layer_outputs() {
    Table table{{"Module Name", "Module Type", "Input dtype", "out dtype", "ch_axis", "observer"}, {}};
    for (const Module& module : modules_) {
      const std::string ch_axis = module.spec                   ? fmt::format("{}", module.spec->channel_axis)
                                  : module.type == kDeQuantStub ? "qconfig = None"
                                                                : "activation = None";
      table.rows.push_back({module.name, module.type, quoted_list(module.inputs), quoted_list(module.outputs),
                            ch_axis, module.spec ? observer_text(*module.spec) : ""});
    }
    page_.line("Each layer out qconfig:");
    page_.psql(table);
  }

  void weights() {
    Table table{{"Module Name", "Module Type", "weight dtype", "ch_axis", "observer"}, {}};
    for (const ReportNode& node : report_.nodes) {
      if (!node.weight) continue;
      const ReportSlot& weight = node.inputs[*node.weight];
      table.rows.push_back({node.name, node.op, weight.dtype,
                            weight.spec ? fmt::format("{}", weight.spec->channel_axis) : "weight = None",
                            weight.spec ? observer_text(*weight.spec) : ""});
    }
    page_.line("Weight qconfig:");
    page_.psql(table);
  }

  void hints() {
    Table table{{"Module Name", "Module Type", "Msg"}, {}};
    for (Hint& hint : qconfig_hints(report_)) {
      table.rows.push_back({std::move(hint.name), std::move(hint.op), std::move(hint.message)});
    }
    if (table.rows.empty()) {
      page_.line("No OP has a qconfig that needs a look.\n");
      return;
    }
    page_.line("Please check if these OPs qconfigs are expected..");
    page_.psql(table);
  }

  void abnormal() {
    Table table{{"name", "type", "compute type"}, {}};
    for (Hint& hint : abnormal_compute_types(report_)) {
      table.rows.push_back({std::move(hint.name), std::move(hint.op), std::move(hint.message)});
    }
    if (!table.rows.empty()) {
      page_.line("Abnormal compute types:");
      page_.simple(table);
    }
    if (const std::string risks = to_text(report_.risks); !risks.empty()) page_.line(risks);
    if (report_.calibrated.any()) page_.line(to_text(report_.calibrated));
    if (report_.sensitivity.any()) page_.line(to_text(report_.sensitivity, report_.sensitivity_advice));
  }

  void devices() {
    Table table{{"name", "deploy device", "type"}, {}};
    for (const Module& module : modules_)
      table.rows.push_back({module.name, std::string(module.device), module.type});
    page_.line("Deploy device:");
    page_.simple(table);
  }

  void graph() {
    Table table{{"opcode", "name", "target", "args", "kwargs"}, {}};
    for (const ReportSlot& input : report_.inputs)
      table.rows.push_back({"placeholder", input.name, input.name, "()", "{}"});
    for (const ReportNode& node : report_.nodes) {
      std::vector<std::string> args, kwargs;
      for (const ReportSlot& slot : node.inputs) args.push_back(slot.name.empty() ? "None" : slot.producer);
      for (const auto& [name, value] : node.attributes)
        kwargs.push_back(fmt::format("'{}': {}", name, value));
      table.rows.push_back({node.weight ? "call_module" : "call_function", node.name, node.op, tuple(args),
                            fmt::format("{{{}}}", fmt::join(kwargs, ", "))});
    }
    std::vector<std::string> results;
    for (const ReportSlot& output : report_.outputs) results.push_back(output.producer);
    table.rows.push_back({"output", "output", "output", fmt::format("({},)", tuple(results)), "{}"});
    page_.line("Graph:");
    page_.simple(table);
  }

  static std::string tuple(const std::vector<std::string>& items) {
    return fmt::format("({}{})", fmt::join(items, ", "), items.size() == 1 ? "," : "");
  }

  void reasons() {
    page_.line("Reasons:");
    for (const ReportSlot& input : report_.inputs) {
      if (input.because.empty()) continue;
      page_.line(fmt::format("{} (input)", cell_text(input.name)));
      reason(input.dtype, input.because);
    }
    for (const ReportNode& node : report_.nodes) {
      page_.line(fmt::format("{} ({})", cell_text(node.name), cell_text(node.op)));
      if (!node.made_for.empty())
        page_.line(cell_text(fmt::format("  put in by a replacement, for: {}", node.made_for)));
      if (!node.absorbed.empty())
        page_.line(cell_text(fmt::format("  does the work of: {}", fmt::join(node.absorbed, ", "))));
      const std::string segment = node.segment ? fmt::format(", segment {}", *node.segment) : "";
      reason(fmt::format("{}{}", to_text(node.device), segment), node.device_because);
      reason(fmt::format("output {}", quoted_list(module(node).outputs)), node.output_because);
      if (node.weight) reason(fmt::format("weight {}", node.inputs[*node.weight].dtype), node.weight_because);
    }
    page_.line("");
  }

  void reason(const std::string& what, const std::string& because) {
    page_.line(
        cell_text(because.empty() ? fmt::format("  {}", what) : fmt::format("  {}: {}", what, because)));
  }

  const Report& report_;
  std::vector<Module> modules_;
  Page page_;
};

}  // namespace

std::string text_of_plan(const Report& report) { return TextWriter(report).text(); }

std::string text_of_run(const Report& report) {
  Page page;
  if (!report.rewritten.empty()) {
    const bool any_folded =
        std::ranges::any_of(report.rewritten, [](const auto& each) { return !each.folded.empty(); });
    Table table{{"name", "operator", "instead of", "nodes"}, {}};
    if (any_folded) table.headers.emplace_back("folded into these");
    for (const ReportRewritten& each : report.rewritten) {
      table.rows.push_back(
          {each.name, each.op, each.composite, fmt::format("{}", fmt::join(each.nodes, ", "))});
      if (any_folded) table.rows.back().push_back(fmt::format("{}", fmt::join(each.folded, ", ")));
    }
    page.line("Modules below are one operator of ONNX each in the models that are written:");
    page.simple(std::move(table));
  }
  if (!report.put_in.empty()) {
    page.line(
        "Modules below are not in the file; the operator set of the models that are written needs them:");
    page.simple(table_of(report.put_in));
  }
  if (!report.diagnostics.empty()) {
    page.line("Messages:");
    for (const Diagnostic& each : report.diagnostics) page.line(cell_text(to_text(each)));
    page.line("");
  }
  return page.take();
}

std::string text_of_summary(const Report& report) {
  Table table{{"topic", "state", "finding"}, {}};
  for (const Verdict& verdict : summary(report))
    table.rows.push_back({verdict.topic, verdict.state, cell_text(verdict.sentence)});
  const std::string target = report.march.empty() ? "" : fmt::format(" for {}", report.march);
  return fmt::format("Summary of {}{}:\n", cell_text(report.model), target) + to_simple(table);
}

}  // namespace qprep
