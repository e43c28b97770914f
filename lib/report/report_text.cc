#include "report/report_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <map>
#include <unordered_map>

#include "report/checks.h"
#include "report/table.h"

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

void clean(Table& table) {
  for (std::vector<std::string>& row : table.rows) {
    for (std::string& cell : row) cell = cell_text(std::move(cell));
  }
}

/// How many names of a long list are shown.
constexpr std::size_t kNamed = 4;

/// "a, b, c, d, and 7 more" of `count` names, of which at least the first few are in the list.
std::string first_of(const std::vector<std::string>& names, std::size_t count) {
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kNamed));
  std::string text = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  return count > kNamed ? text + fmt::format(", and {} more", count - kNamed) : text;
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
    for (const ReportNode& node : report.nodes) modules_.push_back(module(node));
    for (const ReportSlot& output : report.outputs) {
      if (output.spec || output.dtype == "float32") {
        modules_.push_back({output.name, kDeQuantStub, {output.dtype}, {"float32"}, nullptr, "CPU"});
      }
    }
  }

  std::string text() {
    fusable();
    how_many_units();
    ends();
    groups(report_.units, "Modules below run as one kernel; nothing inside is quantised:", "unit");
    groups(report_.blocks, "Modules below form a block; each is quantised by itself:", "block");
    gone();
    region();
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
    return std::move(out_);
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

  void line(std::string_view text) {
    out_ += text;
    out_ += '\n';
  }

  void simple(Table table) {
    clean(table);
    append_simple(out_, table);
    out_ += '\n';
  }

  void psql(Table table) {
    clean(table);
    append_psql(out_, table);
    out_ += '\n';
  }

  void fusable() {
    if (report_.fusable.empty()) {
      line("All fusable modules are fused in model!\n");
      return;
    }
    line("Fusable modules are listed below:");
    Table table{{"name", "type", "why not fused"}, {}};
    for (const ReportSequence& sequence : report_.fusable) {
      if (!table.rows.empty()) table.rows.push_back({"", "", ""});
      bool first = true;
      for (const auto& [name, type] : sequence.nodes) {
        table.rows.push_back({name, type, first ? sequence.because : ""});
        first = false;
      }
    }
    simple(table);
  }

  /// The kinds of units in the order in which they first come.
  void how_many_units() {
    if (report_.units.empty()) return;
    std::vector<std::pair<std::string, std::size_t>> counts;
    for (const ReportGroup& unit : report_.units) {
      const auto known = std::find_if(counts.begin(), counts.end(),
                                      [&](const auto& count) { return count.first == unit.pattern; });
      known == counts.end() ? (void)counts.emplace_back(unit.pattern, 1) : (void)++known->second;
    }
    Table table{{"unit", "times"}, {}, {Table::Align::kLeft, Table::Align::kRight}};
    for (const auto& [pattern, times] : counts) table.rows.push_back({pattern, fmt::format("{}", times)});
    line("Units that were fused:");
    simple(std::move(table));
  }

  void ends() {
    if (report_.ends.empty()) return;
    Table table{{"unit", "before", "times", "layers"},
                {},
                {Table::Align::kLeft, Table::Align::kLeft, Table::Align::kRight}};
    for (const ReportEnd& end : report_.ends) {
      table.rows.push_back({end.pattern, fmt::format("{}", fmt::join(end.before, ", ")),
                            fmt::format("{}", end.layers.size()), first_of(end.layers, end.layers.size())});
    }
    line("Units of layers end before what no sequence goes on with:");
    simple(std::move(table));
  }

  void groups(const std::vector<ReportGroup>& rows, std::string_view title, std::string_view what) {
    if (rows.empty()) return;
    Table table{{"name", std::string(what), "nodes"}, {}};
    for (const ReportGroup& row : rows) {
      table.rows.push_back({row.name, row.pattern, fmt::format("{}", fmt::join(row.nodes, ", "))});
    }
    line(title);
    simple(std::move(table));
  }

  /// Those that are gone for one reason are one row, which names the first of them.
  void gone() {
    if (report_.gone.empty()) return;
    struct Row {
      std::string because;
      std::vector<std::string> names;
      std::size_t times = 0;
    };
    std::vector<Row> rows;
    std::unordered_map<std::string_view, std::size_t> at;
    for (const ReportGone& gone : report_.gone) {
      const auto [known, is_new] = at.emplace(gone.because, rows.size());
      if (is_new) rows.push_back({gone.because, {}});
      Row& row = rows[known->second];
      if (++row.times <= kNamed) row.names.push_back(gone.name);
    }
    Table table{{"gone because it", "times", "nodes"}, {}, {Table::Align::kLeft, Table::Align::kRight}};
    for (const Row& row : rows) {
      table.rows.push_back({row.because, fmt::format("{}", row.times), first_of(row.names, row.times)});
    }
    line("Modules below are not in the model any more:");
    simple(std::move(table));
  }

  void region() {
    if (report_.region.empty()) return;
    line("Only a region of the graph is quantised:");
    for (const std::string& border : report_.region) line("  " + cell_text(border));
    line("");
  }

  void shared() {
    if (report_.shared.empty() && report_.loops.empty()) {
      line("All modules in the model run exactly once.\n");
      return;
    }
    line("Modules below are used multi times:");
    Table table{{"name", "called times", "nodes"}, {}, {Table::Align::kLeft, Table::Align::kRight}};
    const auto add = [&](const std::string& name, const std::optional<std::int64_t>& calls,
                         const std::vector<std::string>& nodes) {
      table.rows.push_back(
          {name, calls ? fmt::format("{}", *calls) : "n unknown", fmt::format("{}", fmt::join(nodes, ", "))});
    };
    for (const ReportLoop& loop : report_.loops)
      add(fmt::format("{} ({})", loop.name, loop.op), loop.turns, loop.nodes);
    for (const SharedWeight& weight : report_.shared) add(weight.name, weight.calls, weight.nodes);
    simple(table);
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
    line(title);
    psql(table);
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
    line("Each layer out qconfig:");
    psql(table);
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
    line("Weight qconfig:");
    psql(table);
  }

  void hints() {
    Table table{{"Module Name", "Module Type", "Msg"}, {}};
    for (Hint& hint : qconfig_hints(report_)) {
      table.rows.push_back({std::move(hint.name), std::move(hint.op), std::move(hint.message)});
    }
    if (table.rows.empty()) {
      line("No OP has a qconfig that needs a look.\n");
      return;
    }
    line("Please check if these OPs qconfigs are expected..");
    psql(table);
  }

  void abnormal() {
    Table table{{"name", "type", "compute type"}, {}};
    for (Hint& hint : abnormal_compute_types(report_)) {
      table.rows.push_back({std::move(hint.name), std::move(hint.op), std::move(hint.message)});
    }
    if (table.rows.empty()) return;
    line("Abnormal compute types:");
    simple(table);
  }

  void devices() {
    Table table{{"name", "deploy device", "type"}, {}};
    for (const Module& module : modules_)
      table.rows.push_back({module.name, std::string(module.device), module.type});
    line("Deploy device:");
    simple(table);
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
    line("Graph:");
    simple(table);
  }

  static std::string tuple(const std::vector<std::string>& items) {
    return fmt::format("({}{})", fmt::join(items, ", "), items.size() == 1 ? "," : "");
  }

  void reasons() {
    line("Reasons:");
    for (const ReportSlot& input : report_.inputs) {
      if (input.because.empty()) continue;
      line(fmt::format("{} (input)", cell_text(input.name)));
      reason(input.dtype, input.because);
    }
    for (const ReportNode& node : report_.nodes) {
      line(fmt::format("{} ({})", cell_text(node.name), cell_text(node.op)));
      if (!node.absorbed.empty())
        line(cell_text(fmt::format("  does the work of: {}", fmt::join(node.absorbed, ", "))));
      const std::string segment = node.segment ? fmt::format(", segment {}", *node.segment) : "";
      reason(fmt::format("{}{}", to_text(node.device), segment), node.device_because);
      reason(fmt::format("output {}", quoted_list(module(node).outputs)), node.output_because);
      if (node.weight) reason(fmt::format("weight {}", node.inputs[*node.weight].dtype), node.weight_because);
    }
    line("");
  }

  void reason(const std::string& what, const std::string& because) {
    line(cell_text(because.empty() ? fmt::format("  {}", what) : fmt::format("  {}: {}", what, because)));
  }

  const Report& report_;
  std::vector<Module> modules_;
  std::string out_;
};

}  // namespace

std::string text_of_plan(const Report& report) { return TextWriter(report).text(); }

std::string text_of_diagnostics(const Report& report) {
  if (report.diagnostics.empty()) return "";
  std::string text = "Messages:\n";
  for (const Diagnostic& each : report.diagnostics) text += cell_text(to_text(each)) + "\n";
  return text + "\n";
}

std::string text_of_summary(const Report& report) {
  Table table{{"topic", "state", "finding"}, {}};
  for (const Verdict& verdict : summary(report))
    table.rows.push_back({verdict.topic, verdict.state, verdict.sentence});
  clean(table);
  const std::string target = report.march.empty() ? "" : fmt::format(" for {}", report.march);
  return fmt::format("Summary of {}{}:\n", cell_text(report.model), target) + to_simple(table);
}

}  // namespace qprep
