#include "report/structure_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "report/by_reason.h"
#include "report/cpu_reasons.h"

namespace qprep {
namespace {

using Align = Table::Align;

constexpr std::size_t kMostCrossings = 20;  // of a border
constexpr std::size_t kMostAlike = 4;       // sequences that are listed of those that one reason keeps apart

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

/// Sequences of one pattern that one reason keeps apart, in the order in which the first of each comes.
std::vector<std::vector<const ReportSequence*>> by_pattern_and_reason(
    const std::vector<ReportSequence>& sequences) {
  std::vector<std::vector<const ReportSequence*>> groups;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> at;
  for (const ReportSequence& each : sequences) {
    const auto [known, is_new] =
        at.emplace(std::pair<std::string_view, std::string_view>(each.pattern, each.because), groups.size());
    if (is_new) groups.emplace_back();
    groups[known->second].push_back(&each);
  }
  return groups;
}

void fusable(const Report& report, Page& page) {
  if (report.fusable.empty()) {
    return page.line(report.fuses_nothing.empty()
                         ? "All fusable modules are fused in model!\n"
                         : fmt::format("Nothing is fused in model: {}, and no sequence could be one unit.\n",
                                       report.fuses_nothing));
  }
  page.line("Fusable modules are listed below:");
  Table table{{"name", "type", "why not fused"}, {}};
  for (const std::vector<const ReportSequence*>& alike : by_pattern_and_reason(report.fusable)) {
    for (std::size_t i = 0; i < std::min(alike.size(), kMostAlike); ++i) {
      if (!table.rows.empty()) table.rows.push_back({"", "", ""});
      const ReportSequence& sequence = *alike[i];
      bool first = true;
      for (const auto& [name, type] : sequence.nodes) {
        table.rows.push_back(
            {first && sequence.shared ? name + "(shared)" : name, type, first ? sequence.because : ""});
        first = false;
      }
    }
    if (alike.size() <= kMostAlike) continue;
    table.rows.push_back({"", "", ""});
    table.rows.push_back({fmt::format("and {} more", alike.size() - kMostAlike), alike.front()->pattern,
                          alike.front()->because});
  }
  page.simple(std::move(table));
}

void batch_norms(const Report& report, Page& page) {
  if (report.batch_norms.empty()) return;
  Table table{{"times", "batch norms", "why not folded"}, {}, {Align::kRight}};
  for (const ReportStandingNorms& each : report.batch_norms) {
    table.rows.push_back({fmt::format("{}", each.nodes.size()), first_of(each.nodes), each.because});
  }
  page.line("Batch norms below are folded into no layer:");
  page.simple(std::move(table));
}

/// What `fuse: none` leaves together, so that nobody takes it for a fusion.
void no_fusions(const Report& report, Page& page) {
  std::set<std::string_view> kinds;
  for (const ReportGroup& unit : report.units) kinds.insert(to_text(unit.kind));
  if (report.fuses_nothing.empty() || kinds.empty()) return;
  std::string what;
  if (kinds.contains(to_text(ReportGroup::Kind::kComposite))) what = "The nodes that spell out one operator";
  if (kinds.contains(to_text(ReportGroup::Kind::kLayer))) {
    what += what.empty() ? "A layer and the Add that is its bias"
                         : ", and a layer with the Add that is its bias,";
  }
  if (!what.empty()) page.line(what + " are one unit all the same, since that is no fusion.\n");
}

/// The kinds of units in the order in which they first come.
void how_many_units(const Report& report, Page& page) {
  if (report.units.empty()) return;
  struct Count {
    const ReportGroup* first;
    std::size_t on_bpu = 0, on_cpu = 0;
  };
  std::vector<Count> counts;
  for (const ReportGroup& unit : report.units) {
    auto known = std::find_if(counts.begin(), counts.end(), [&](const Count& count) {
      return count.first->pattern == unit.pattern && count.first->kind == unit.kind;
    });
    if (known == counts.end()) known = counts.insert(known, {&unit});
    ++(unit.device == Device::kBpu ? known->on_bpu : known->on_cpu);
  }
  Table table{{"unit", "what it is", "on the BPU", "on the CPU"},
              {},
              {Align::kLeft, Align::kLeft, Align::kRight, Align::kRight}};
  for (const auto& [first, on_bpu, on_cpu] : counts) {
    table.rows.push_back({first->pattern, std::string(to_text(first->kind)), fmt::format("{}", on_bpu),
                          fmt::format("{}", on_cpu)});
  }
  page.line("Units of several modules:");
  page.simple(std::move(table));
}

void ends(const Report& report, Page& page) {
  if (report.ends.empty()) return;
  Table table{{"unit", "before", "times", "layers"}, {}, {Align::kLeft, Align::kLeft, Align::kRight}};
  for (const ReportEnd& end : report.ends) {
    table.rows.push_back(
        {end.pattern, joined(end.before), fmt::format("{}", end.layers.size()), first_of(end.layers)});
  }
  page.line("Units of layers end before what no sequence goes on with:");
  page.simple(std::move(table));
}

void sums(const Report& report, Page& page) {
  if (report.sums.empty()) return;
  Table table{{"name", "unit", "layer", "why no layer adds it"}, {}};
  for (const ReportSum& sum : report.sums) {
    table.rows.push_back({sum.name, sum.unit, sum.layer, sum.because});
  }
  page.line("Modules below add two results, in the unit of a layer or in one of their own:");
  page.simple(std::move(table));
}

/// By the name of each node that a replacement put in, the user's node that it is made for.
using Owners = std::unordered_map<std::string_view, std::string_view>;

Owners owners_of(const Report& report) {
  Owners owners;
  for (const ReportNode& node : report.nodes) {
    if (!node.made_for.empty()) owners.emplace(node.name, node.made_for);
  }
  return owners;
}

/// "softmax and 5 made for it": those that a replacement put in are counted at their node where it is there.
std::string members_text(const std::vector<std::string>& nodes, const Owners& owners) {
  std::map<std::string_view, std::size_t> made;
  for (const std::string& node : nodes) {
    if (const auto owner = owners.find(node); owner != owners.end()) ++made[owner->second];
  }
  if (made.empty()) return joined(nodes);
  std::vector<std::string> texts;
  for (const std::string& node : nodes) {
    if (owners.contains(node)) continue;
    const auto at = made.find(node);
    texts.push_back(at == made.end() ? node : fmt::format("{} and {} made for it", node, at->second));
    if (at != made.end()) made.erase(at);
  }
  for (const auto& [owner, times] : made) texts.push_back(fmt::format("{} made for {}", times, owner));
  return joined(texts);
}

void groups(const std::vector<const ReportGroup*>& rows, std::string_view title, std::string_view what,
            const Owners& owners, Page& page) {
  if (rows.empty()) return;
  Table table{{"name", std::string(what), "nodes"}, {}};
  for (const ReportGroup* row : rows) {
    table.rows.push_back({row->name, row->pattern, members_text(row->nodes, owners)});
  }
  page.line(title);
  page.simple(std::move(table));
}

/// Those of the block that run on the CPU, and compute: what of it is not quantised.
std::string on_cpu_of(const ReportGroup& block, const std::unordered_set<std::string_view>& on_cpu) {
  std::vector<std::string> names;
  std::ranges::copy_if(block.nodes, std::back_inserter(names),
                       [&](const std::string& name) { return on_cpu.contains(name); });
  if (names.empty()) return "";
  return names.size() == block.nodes.size() ? "all" : joined(names);
}

/// A block is no unit: each of its nodes, or units, is quantised as if it was not there, or runs on the CPU.
void blocks(const Report& report, const Owners& owners, Page& page) {
  if (!report.seeks_blocks) {
    page.line(
        "Blocks are not looked for: method 'eager' recognises nothing that the configuration does not "
        "list.\n");
  }
  if (report.blocks.empty()) return;
  std::unordered_set<std::string_view> on_cpu;
  for (const ReportNode& node : report.nodes) {
    if (node.device == Device::kCpu && node.op != "Constant") on_cpu.insert(node.name);
  }
  Table table{{"name", "block", "nodes", "on the CPU, in float"}, {}};
  for (const ReportGroup& block : report.blocks) {
    table.rows.push_back(
        {block.name, block.pattern, members_text(block.nodes, owners), on_cpu_of(block, on_cpu)});
  }
  const auto runs = [](const std::vector<std::string>& row) { return row.back().empty(); };
  if (std::ranges::all_of(table.rows, runs)) {
    table.headers.pop_back();
    for (std::vector<std::string>& row : table.rows) row.pop_back();
    page.line("Modules below form a block; each is quantised by itself:");
  } else {
    page.line("Modules below form a block; each is quantised, or runs on the CPU, by itself:");
  }
  page.simple(std::move(table));
}

void units_and_blocks(const Report& report, Page& page) {
  const Owners owners = owners_of(report);
  std::vector<const ReportGroup*> on_bpu, on_cpu;
  for (const ReportGroup& unit : report.units) {
    (unit.device == Device::kBpu ? on_bpu : on_cpu).push_back(&unit);
  }
  groups(on_bpu, "Modules below run as one kernel; nothing inside is quantised:", "unit", owners, page);
  groups(on_cpu, "Modules below are one unit, too, but run on the CPU, in float, each by itself:", "unit",
         owners, page);
  blocks(report, owners, page);
}

/// What the user looks for in his file in vain.
void put_in(const Report& report, Page& page) {
  std::vector<ReportPutIn> nodes;
  for (const ReportNode& node : report.nodes) {
    if (!node.made_for.empty()) nodes.push_back({node.name, node.op, node.made_for});
  }
  if (nodes.empty()) return;
  page.line("Modules below are not in the file; replacements put them in for others:");
  page.simple(table_of(nodes));
}

void unnamed(const Report& report, Page& page) {
  if (report.unnamed.empty()) return;
  page.line(
      fmt::format("Modules that have no name in the file are called by their operator and a number: {}\n",
                  cell_text(first_of(report.unnamed))));
}

/// Those that are gone for one reason are one row, which names the first of them.
void gone(const Report& report, Page& page) {
  if (report.gone.empty()) return;
  ByReason reasons;
  for (const ReportGone& gone : report.gone) reasons.add("", gone.because, gone.name);
  Table table{{"gone because it", "times", "nodes"}, {}, {Align::kLeft, Align::kRight}};
  for (const auto& [of, because, names] : reasons.rows()) {
    table.rows.push_back({because, fmt::format("{}", names.size()), first_of(names)});
  }
  page.line("Modules below are not in the model any more:");
  page.simple(std::move(table));
}

void became(const Report& report, Page& page) {
  if (report.became.empty()) return;
  ByReason reasons;
  for (const ReportBecame& each : report.became) reasons.add(each.op, each.because, each.name);
  Table table{
      {"type", "what became of it", "times", "nodes"}, {}, {Align::kLeft, Align::kLeft, Align::kRight}};
  for (const auto& [op, because, names] : reasons.rows()) {
    table.rows.push_back({op, because, fmt::format("{}", names.size()), first_of(names)});
  }
  page.line("Modules below became other operators, or the same otherwise:");
  page.simple(std::move(table));
}

void not_replaced(const Report& report, Page& page) {
  if (report.not_replaced.empty()) return;
  Table table{{"replacement", "times", "nodes", "because"}, {}, {Align::kLeft, Align::kRight}};
  std::vector<std::string> idle;
  for (const ReportNotReplaced& each : report.not_replaced) {
    if (each.nodes.empty()) {
      idle.push_back(each.replacement);
      continue;
    }
    table.rows.push_back(
        {each.replacement, fmt::format("{}", each.nodes.size()), first_of(each.nodes), each.because});
  }
  if (!table.rows.empty()) {
    page.line("Replacements below were asked for and not made:");
    page.simple(std::move(table));
  }
  if (!idle.empty()) {
    page.line(fmt::format("Replacements that were asked for and are for no node: {}\n", joined(idle)));
  }
}

/// "3 operators behind them stay float, and 2 that compute from none of them".
std::string left_float(const ReportBorder& border) {
  const auto operators = [](std::size_t count) {
    return fmt::format("{} operator{}", count, count == 1 ? "" : "s");
  };
  const bool one = border.crossings.size() == 1;
  std::string text;
  if (border.beyond > 0) {
    text = fmt::format("{} {} {} {} float", operators(border.beyond), border.begins ? "before" : "behind",
                       one ? "it" : "them", border.beyond == 1 ? "stays" : "stay");
  }
  if (border.beside == 0) return text;
  const char* verb = border.beside == 1 ? "s" : "";
  const std::string others =
      border.begins ? fmt::format("lead{} to {}", verb, one ? "another tensor" : "none of them")
                    : fmt::format("compute{} from {}", verb, one ? "another tensor" : "none of them");
  return text.empty() ? fmt::format("{} that {} stay{} float", operators(border.beside), others, verb)
                      : fmt::format("{}, and {} that {}", text, border.beside, others);
}

void region(const Report& report, Page& page) {
  const std::vector<ReportBorder>& borders = report.region.borders;
  if (borders.empty()) {
    return page.line("The whole graph may be quantised; no head, tail or stub leaves a part of it float.\n");
  }
  page.line(
      "Only a region of the graph may be quantised; the rules of head and tail, or stubs, leave the rest "
      "float.");
  if (report.region.cpu_within) {
    page.line("For other reasons, listed below, modules within it run on the CPU, too.");
  }
  if (!borders.front().begins) page.line("It begins at the inputs of the model.");
  for (const ReportBorder& border : borders) {
    const bool one = border.crossings.size() == 1;
    page.line(fmt::format("It {} at {} below; {}:", border.begins ? "begins" : "ends",
                          one ? "the tensor" : "the tensors", left_float(border)));
    Table table{{"tensor", border.begins ? "read by" : "made by", "type", "on", "since"}, {}};
    for (const auto& [tensor, node, op, made_for, device, because] : border.crossings) {
      if (table.rows.size() == kMostCrossings) break;
      const std::string_view end = border.begins ? "an input of the model" : "an output of the model";
      table.rows.push_back({tensor, made_for.empty() ? node : fmt::format("{} for {}", node, made_for), op,
                            std::string(to_text(device)), because.empty() ? std::string(end) : because});
    }
    if (const std::size_t more = border.crossings.size() - table.rows.size(); more > 0) {
      table.rows.push_back({fmt::format("and {} more", more), "", "", "", ""});
    }
    page.simple(std::move(table));
  }
  if (borders.back().begins) page.line("It ends at the outputs of the model.\n");
}

void on_cpu(const Report& report, Page& page) {
  const std::vector<CpuReason> reasons = cpu_reasons(report);
  if (reasons.empty()) return;
  const bool any_remedy =
      std::ranges::any_of(reasons, [](const CpuReason& reason) { return !reason.remedy.empty(); });
  Table table{{"times", "types", "nodes", "because"}, {}, {Align::kRight}};
  if (any_remedy) table.headers.emplace_back("remedy");
  for (const CpuReason& reason : reasons) {
    std::vector<std::string> ops;
    for (const auto& [op, times] : reason.ops) ops.push_back(fmt::format("{} {}", times, op));
    table.rows.push_back(
        {fmt::format("{}", reason.nodes.size()), first_of(ops), first_of(reason.nodes), reason.because});
    if (any_remedy) table.rows.back().push_back(reason.remedy);
  }
  page.line("Modules below run on the CPU, in float where they compute:");
  page.simple(std::move(table));
}

void undecided(const Report& report, Page& page) {
  const std::vector<OpenOperator> all = open_operators(report);
  if (all.empty()) return;
  Table table{{"times", "type", "nodes", "unknown", "limits"}, {}, {Align::kRight}};
  for (const OpenOperator& each : all) {
    table.rows.push_back({fmt::format("{}", each.nodes.size()), each.op, first_of(each.nodes),
                          first_of(each.axes), fmt::format("{}", fmt::join(each.limits, "; "))});
  }
  page.line(
      "Modules below run on the BPU only if limits hold that could not be decided; they are taken to hold:");
  page.simple(std::move(table));
  if (!report.sizes_remedy.empty()) page.line(fmt::format("Remedy: {}.\n", cell_text(report.sizes_remedy)));
}

}  // namespace

Table table_of(const std::vector<ReportPutIn>& put_in) {
  struct Row {
    std::string op;
    std::vector<std::string> nodes, owners;
  };
  std::vector<Row> rows;
  for (const ReportPutIn& each : put_in) {
    auto row = std::ranges::find(rows, each.op, &Row::op);
    if (row == rows.end()) row = rows.insert(row, {each.op, {}, {}});
    row->nodes.push_back(each.name);
    // Those for one node follow one another.
    if (row->owners.empty() || row->owners.back() != each.made_for) row->owners.push_back(each.made_for);
  }
  Table table{{"type", "times", "nodes", "for"}, {}, {Align::kLeft, Align::kRight}};
  for (const Row& row : rows) {
    table.rows.push_back(
        {row.op, fmt::format("{}", row.nodes.size()), first_of(row.nodes), first_of(row.owners)});
  }
  return table;
}

void write_structure(const Report& report, Page& page) {
  fusable(report, page);
  batch_norms(report, page);
  no_fusions(report, page);
  how_many_units(report, page);
  ends(report, page);
  sums(report, page);
  units_and_blocks(report, page);
  unnamed(report, page);
  gone(report, page);
  became(report, page);
  put_in(report, page);
  not_replaced(report, page);
  region(report, page);
  on_cpu(report, page);
  undecided(report, page);
}

}  // namespace qprep
