#include "report/structure_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "report/by_reason.h"
#include "report/cpu_reasons.h"
#include "report/region.h"

namespace qprep {
namespace {

using Align = Table::Align;

constexpr std::size_t kMostAlike = 4;  // sequences that are listed of those that one reason keeps apart

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
  if (report.fusable.empty()) return page.line("All fusable modules are fused in model!\n");
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

/// The kinds of units in the order in which they first come.
void how_many_units(const Report& report, Page& page) {
  if (report.units.empty()) return;
  struct Count {
    const ReportGroup* first;
    std::size_t times = 1;
  };
  std::vector<Count> counts;
  for (const ReportGroup& unit : report.units) {
    const auto known = std::find_if(counts.begin(), counts.end(), [&](const Count& count) {
      return count.first->pattern == unit.pattern && count.first->kind == unit.kind;
    });
    if (known == counts.end()) {
      counts.push_back({&unit});
    } else {
      ++known->times;
    }
  }
  Table table{{"unit", "what it is", "times"}, {}, {Align::kLeft, Align::kLeft, Align::kRight}};
  for (const auto& [first, times] : counts) {
    table.rows.push_back({first->pattern, std::string(to_text(first->kind)), fmt::format("{}", times)});
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

void groups(const std::vector<ReportGroup>& rows, std::string_view title, std::string_view what, Page& page) {
  if (rows.empty()) return;
  Table table{{"name", std::string(what), "nodes"}, {}};
  for (const ReportGroup& row : rows) table.rows.push_back({row.name, row.pattern, joined(row.nodes)});
  page.line(title);
  page.simple(std::move(table));
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

void region(const Report& report, Page& page) {
  if (report.region.empty()) return;
  page.line("Only a region of the graph is quantised:");
  for (const ReportBorder& border : report.region) page.line("  " + cell_text(to_text(border)));
  page.line("");
}

void on_cpu(const Report& report, Page& page) {
  Table table{{"times", "types", "nodes", "because"}, {}, {Align::kRight}};
  for (const CpuReason& reason : cpu_reasons(report)) {
    std::vector<std::string> ops;
    for (const auto& [op, times] : reason.ops) ops.push_back(fmt::format("{} {}", times, op));
    table.rows.push_back(
        {fmt::format("{}", reason.nodes.size()), first_of(ops), first_of(reason.nodes), reason.because});
  }
  if (table.rows.empty()) return;
  page.line("Modules below run on the CPU, in float where they compute:");
  page.simple(std::move(table));
}

}  // namespace

void write_structure(const Report& report, Page& page) {
  fusable(report, page);
  how_many_units(report, page);
  ends(report, page);
  sums(report, page);
  groups(report.units, "Modules below run as one kernel; nothing inside is quantised:", "unit", page);
  groups(report.blocks, "Modules below form a block; each is quantised by itself:", "block", page);
  gone(report, page);
  became(report, page);
  not_replaced(report, page);
  region(report, page);
  on_cpu(report, page);
}

}  // namespace qprep
