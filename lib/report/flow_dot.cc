#include "report/flow_dot.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <set>

#include "report/flow_columns.h"
#include "report/page.h"
#include "report/table.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::size_t kLongestName = 34;  // columns of a name in a box
constexpr std::size_t kLongestLine = 40;
constexpr std::size_t kLongestRule = 90;
constexpr std::size_t kMostLines = 4;
constexpr std::size_t kMostNamed = 12;  // in a tooltip
constexpr std::size_t kMostForms = 4;   // in a bundle of tensors
constexpr std::size_t kLongestPeriod = 12;

/// Graphviz knows the widths of the first; the others stand in for it.
constexpr std::string_view kFont = "Arial,Helvetica,Liberation Sans,sans-serif";

constexpr std::array<std::string_view, 8> kColours = {"#d3e5f7", "#d9efd5", "#fbe3cb", "#e6dbf3",
                                                      "#f8d9e0", "#d2efec", "#f4eebf", "#e8dfd2"};

/// What may stand between quotes in a file of Graphviz, which takes a backslash for the beginning of an
/// escape and & for that of an entity; control characters, and what XML cannot hold, as \xNN.
std::string quoted(const std::string& text, std::string_view backslash = "\\\\") {
  std::string result;
  const std::string plain = cell_text(text);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const std::string_view rest = std::string_view(plain).substr(i);
    if (rest.starts_with("\xef\xbf\xbe") || rest.starts_with("\xef\xbf\xbf")) {  // U+FFFE, U+FFFF
      result += "\xef\xbf\xbd";
      i += 2;
    } else if (plain[i] == '&') {
      result += "&amp;";
    } else if (plain[i] == '\\') {
      result += backslash;
    } else if (plain[i] == '"') {
      result += "\\\"";
    } else {
      result += plain[i];
    }
  }
  return result;
}

/// Lines of a tooltip, whose escapes Graphviz replaces twice.
std::string hint(const std::vector<std::string>& lines) {
  std::vector<std::string> parts;
  for (const std::string& line : lines) parts.push_back(quoted(line, "\\\\\\\\"));
  return join(parts, "&#10;");
}

/// Lines of a label.
std::string label(const std::vector<std::string>& lines) {
  std::vector<std::string> parts;
  for (const std::string& line : lines) parts.push_back(quoted(line));
  return join(parts, "\\n");
}

/// The end of a long text, which tells more than its beginning.
std::string end_of(const std::string& whole, std::size_t columns) {
  const std::string text = cell_text(whole);
  if (display_width(text) <= columns) return text;
  std::size_t at = text.size() - std::min(text.size(), 4 * columns);  // a character has at most four bytes
  const auto is_inside = [&] {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
  };
  while (is_inside()) ++at;
  while (display_width(std::string_view(text).substr(at)) + 1 > columns) {
    do ++at;
    while (is_inside());
  }
  return "…" + text.substr(at);
}

std::string short_name(const std::string& name) { return end_of(name, kLongestName); }

/// In lines that end with a comma.
std::vector<std::string> wrapped(const std::string& text, std::size_t longest = kLongestLine) {
  std::vector<std::string> lines;
  std::string line;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find(", ", at);
    end = end == std::string::npos ? text.size() : end + 2;
    const std::string part = text.substr(at, end - at);
    if (!line.empty() && display_width(line) + display_width(part) > longest)
      lines.push_back(std::exchange(line, ""));
    line += part;
    at = end;
  }
  if (!line.empty()) lines.push_back(line);
  for (std::string& each : lines) {
    while (each.ends_with(' ')) each.pop_back();
  }
  return lines;
}

/// "24 × conv-relu, 12 × add, and 8 of 3 other kinds".
std::string counts_text(const FlowBox& box, const Flow& flow) {
  std::map<int, std::size_t> counts;
  for (const int kind : box.kinds) ++counts[kind];
  std::vector<std::pair<int, std::size_t>> all(counts.begin(), counts.end());
  std::ranges::stable_sort(all, std::ranges::greater(), [](const auto& each) { return each.second; });
  constexpr std::size_t kMostKinds = 5;
  std::vector<std::string> parts;
  std::size_t others = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i < kMostKinds) {
      parts.push_back(
          fmt::format("{} × {}", all[i].second, flow.kinds[static_cast<std::size_t>(all[i].first)]));
    } else {
      others += all[i].second;
    }
  }
  if (others > 0) parts.push_back(fmt::format("{} of {} other kinds", others, all.size() - kMostKinds));
  return join(parts, ", ");
}

std::vector<std::string> box_lines(const FlowBox& box, const Flow& flow) {
  std::vector<std::string> lines;
  if (box.kinds.size() == 1) {
    lines = {flow.kinds[static_cast<std::size_t>(box.kinds.front())], short_name(box.nodes.back())};
  } else {
    lines = wrapped(repeats_text(box.kinds, flow.kinds));
    if (lines.size() > kMostLines) lines = wrapped(counts_text(box, flow));
    lines.push_back(counted(box.nodes.size(), "node", "nodes"));
  }
  if (box.segment == FlowBox::kSeveral) {
    const std::size_t segments = box.segments.size();
    lines.insert(lines.begin(), box.reasons.empty()
                                    ? counted(segments, "segment", "segments")
                                    : fmt::format("{} and CPU", counted(segments, "segment", "segments")));
  }
  return lines;
}

std::vector<std::string> box_hint(const FlowBox& box, const Flow& flow) {
  std::vector<std::string> lines;
  if (box.nodes.size() == 1) {
    lines.push_back(
        fmt::format("{} {}", flow.kinds[static_cast<std::size_t>(box.kinds.front())], box.nodes.front()));
  } else {
    lines.push_back(box.kinds.size() == 1
                        ? fmt::format("{}: one kernel of {} nodes",
                                      flow.kinds[static_cast<std::size_t>(box.kinds.front())],
                                      box.nodes.size())
                        : fmt::format("{} nodes", with_commas(box.nodes.size())));
  }
  for (std::size_t i = 0; i < std::min(box.reasons.size(), kMostNamed); ++i)
    lines.push_back("CPU: " + box.reasons[i].text);
  if (box.reasons.size() > kMostNamed)
    lines.push_back(fmt::format("and {} other reasons", box.reasons.size() - kMostNamed));
  if (!flow.bodies[static_cast<std::size_t>(box.body)].empty())
    lines.push_back(fmt::format("in a body of {}", flow.bodies[static_cast<std::size_t>(box.body)]));
  if (box.nodes.size() == 1) return lines;
  for (std::size_t i = 0; i < std::min(box.nodes.size(), kMostNamed); ++i) lines.push_back(box.nodes[i]);
  if (box.nodes.size() > kMostNamed)
    lines.push_back(fmt::format("and {} more", box.nodes.size() - kMostNamed));
  return lines;
}

/// Of each box, about, in points.
std::vector<double> heights_of(const Flow& flow) {
  constexpr double kOfLine = 13, kOfFrame = 8;
  std::vector<double> heights;
  for (const FlowBox& box : flow.boxes) {
    heights.push_back(kOfFrame + kOfLine * static_cast<double>(box_lines(box, flow).size()));
  }
  return heights;
}

class Writer {
 public:
  Writer(const DrawnFlow& drawn, const std::string& model, const std::string& march)
      : drawn_(drawn),
        flow_(drawn.flow),
        bundles_(bundles_of(flow_)),
        columns_(columns_of(flow_, heights_of(flow_))) {
    for (const std::size_t column : columns_) column_count_ = std::max(column_count_, column + 1);
    out_ = "digraph segments {\n";
    head(model, march);
    if (column_count_ > 1) column_heads();
    boxes();
    for (std::size_t i = 0; i < bundles_.size(); ++i) tensors(i);
    plain_arrows();
    out_ += "}\n";
  }
  std::string take() { return std::move(out_); }

 private:
  template <typename... Arguments>
  void line(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    out_ += "  ";
    fmt::format_to(std::back_inserter(out_), text, std::forward<Arguments>(arguments)...);
    out_ += '\n';
  }

  void head(const std::string& model, const std::string& march) {
    std::size_t crossing = 0;
    for (const FlowBundle& bundle : bundles_) {
      if (!bundle.from.empty() && !bundle.to.empty()) crossing += bundle.tensors.size();
    }
    std::vector<std::string> lines{march.empty() ? model : fmt::format("{} for {}", model, march)};
    lines.push_back(fmt::format(
        "{} on the BPU in {} (coloured), {} on the CPU (grey)", counted(flow_.bpu_nodes, "node", "nodes"),
        counted(flow_.segments, "segment", "segments"), with_commas(flow_.cpu_nodes)));
    if (crossing > 0) {
      lines.push_back(fmt::format("{} between devices or segments (orange)",
                                  counted(crossing, "tensor goes", "tensors go")));
    }
    for (std::string& each : wrapped(rule(), kLongestRule)) lines.push_back(std::move(each));
    if (column_count_ > 1) {
      lines.push_back(
          fmt::format("in {} columns: what a column takes from another has a dashed border", column_count_));
    }
    std::string text;
    for (const std::string& each : lines) text += quoted(each) + "\\l";
    line(
        "graph [label=\"{}\", labelloc=t, labeljust=l, rankdir=TB, nodesep=0.2, ranksep=0.3, nslimit=4, "
        "nslimit1=4, fontname=\"{}\", fontsize=13, tooltip=\" \"]",
        text, kFont);
    line(
        "node [shape=box, style=filled, fillcolor=white, color=\"#666666\", fontname=\"{}\", fontsize=11, "
        "margin=\"0.08,0.04\", height=0.3, tooltip=\" \"]",
        kFont);
    line("edge [color=\"#777777\", arrowsize=0.6, tooltip=\" \"]");
  }

  std::string rule() const {
    using Level = DrawnFlow::Level;
    if (drawn_.level == Level::kUnits) return "";
    std::string text = fmt::format("{} are drawn as {}, ", counted(drawn_.units, "unit", "units"),
                                   counted(flow_.boxes.size(), "box", "boxes"));
    switch (drawn_.level) {
      case Level::kUnits:
      case Level::kRuns:
        text += "with those in a row, or on branches that meet again, as one box";
        break;
      case Level::kSegments:
        text += "one for each segment, and one for what runs on the CPU between segments";
        break;
      case Level::kStages:
        text += "one for all that runs on one device before the next has its turn, and one for the middle";
        break;
    }
    if (drawn_.left_out > 0) {
      text += fmt::format(", without {} from shapes alone",
                          counted(drawn_.left_out, "node that computes", "nodes that compute"));
    }
    return text;
  }

  /// Each above whatever reads nothing in its column, of which nothing hangs together with another: Graphviz
  /// puts what does not from left to right, as it comes.
  void column_heads() {
    std::vector<bool> reads(flow_.boxes.size(), false);
    for (const FlowArrow& arrow : flow_.arrows) {
      if (arrow.from == FlowArrow::kCaller || arrow.to == FlowArrow::kCaller) continue;
      if (columns_[arrow.from] == columns_[arrow.to]) reads[arrow.to] = true;
    }
    std::string heads;
    for (std::size_t column = 0; column < column_count_; ++column) {
      line("c{} [label=\"column {}\", shape=plaintext, style=\"\", fontsize=14]", column, column + 1);
      heads += fmt::format(" c{};", column);
    }
    line("{{ rank=min;{} }}", heads);
    for (std::size_t i = 0; i < reads.size(); ++i) {
      if (!reads[i]) line("c{} -> n{} [style=invis]", columns_[i], i);
    }
  }

  /// The columns of these boxes but that one, ascending, each once.
  std::vector<std::size_t> other_columns(const std::vector<std::size_t>& boxes, std::size_t home) const {
    std::vector<std::size_t> columns;
    for (const std::size_t i : boxes) {
      if (columns_[i] != home) columns.push_back(columns_[i]);
    }
    std::ranges::sort(columns);
    const auto same = std::ranges::unique(columns);
    columns.erase(same.begin(), same.end());
    return columns;
  }

  /// "goes on in columns 2, 3".
  static std::string goes_on(const std::vector<std::size_t>& columns) {
    std::vector<std::string> numbers;
    for (const std::size_t column : columns) numbers.push_back(fmt::to_string(column + 1));
    return fmt::format("goes on in {} {}", columns.size() == 1 ? "column" : "columns", join(numbers, ", "));
  }

  static std::string_view colour(int segment) {
    return kColours[static_cast<std::size_t>(segment) % kColours.size()];
  }

  /// `alone`: no cluster around it says its segment.
  void box(std::size_t i, bool alone) {
    const FlowBox& box = flow_.boxes[i];
    std::vector<std::string> lines = box_lines(box, flow_);
    std::string look;
    if (box.segment == FlowBox::kCpu) {
      look = box.reads_data ? ", fillcolor=\"#d5d5d5\""
                            : ", fillcolor=\"#eeeeee\", style=\"filled,dashed\", fontcolor=\"#555555\"";
    } else if (box.segment == FlowBox::kSeveral) {
      look = fmt::format(", fillcolor=\"{}\", peripheries=2",
                         box.reasons.empty() ? kColours.front() : std::string_view("#d5d5d5"));
    } else if (alone) {
      look = fmt::format(", fillcolor=\"{}\"", colour(box.segment));
      lines.insert(lines.begin(), fmt::format("id({})", box.segment));
    }
    line("n{} [label=\"{}\", tooltip=\"{}\"{}]", i, label(lines), hint(box_hint(box, flow_)), look);
  }

  void boxes() {
    std::map<std::pair<int, std::size_t>, std::vector<std::size_t>> inside;  // of each segment and column
    std::map<int, std::size_t> nodes;                                        // of each segment
    for (std::size_t i = 0; i < flow_.boxes.size(); ++i) {
      const FlowBox& each = flow_.boxes[i];
      if (each.segment >= 0) {
        inside[{each.segment, columns_[i]}].push_back(i);
        nodes[each.segment] += each.nodes.size();
      } else {
        box(i, true);
      }
    }
    for (const auto& [place, members] : inside) {
      if (members.size() == 1) {
        box(members.front(), true);
      } else {
        cluster(place.first, nodes[place.first], members);
      }
    }
  }

  /// Given: `members` stand in one column.
  void cluster(int segment, std::size_t nodes, const std::vector<std::size_t>& members) {
    const std::string name = fmt::format("id({}): {}", segment, counted(nodes, "node", "nodes"));
    const std::string& body = flow_.bodies[static_cast<std::size_t>(flow_.boxes[members.front()].body)];
    std::vector<std::string> title{name};
    if (!body.empty()) title.push_back("in a body of " + short_name(body));
    const std::size_t column = columns_[members.front()];
    line("subgraph cluster_{}{} {{", segment, column > 0 ? fmt::format("_{}", column) : "");
    line(
        "graph [label=\"{}\", style=\"filled,rounded\", color=\"{}\", fontsize=12, margin=8, tooltip=\"{}\"]",
        label(title), colour(segment), hint({name}));
    for (const std::size_t i : members) box(i, false);
    line("}}");
  }

  /// What the tensors of a bundle are, with how many of each; and their bytes together, or "?".
  struct Forms {
    std::vector<std::pair<std::string, std::size_t>> counts;
    std::string bytes;
    std::vector<std::string> hints;
  };

  Forms forms_of(const FlowBundle& bundle) const {
    Forms forms;
    std::map<std::string, std::size_t> at;
    std::int64_t bytes = 0;
    bool unknown = false;
    for (const int i : bundle.tensors) {
      const Crossing& tensor = flow_.tensors[static_cast<std::size_t>(i)];
      const std::string form = fmt::format("{} {}", tensor.dtype, tensor.shape);
      const auto [known, is_new] = at.emplace(form, forms.counts.size());
      if (is_new) forms.counts.emplace_back(form, 0);
      ++forms.counts[known->second].second;
      unknown |= !tensor.bytes || __builtin_add_overflow(bytes, *tensor.bytes, &bytes);
      if (forms.hints.size() < kMostNamed) forms.hints.push_back(fmt::format("{}: {}", tensor.tensor, form));
    }
    if (bundle.tensors.size() > kMostNamed)
      forms.hints.push_back(fmt::format("and {} more", bundle.tensors.size() - kMostNamed));
    forms.bytes = unknown ? "? bytes" : counted(static_cast<std::uint64_t>(bytes), "byte", "bytes");
    return forms;
  }

  void tensors(std::size_t number) {
    const FlowBundle& bundle = bundles_[number];
    const Forms forms = forms_of(bundle);
    const bool of_model = bundle.from.empty() || bundle.to.empty();
    const std::string what = bundle.from.empty() ? "input" : bundle.to.empty() ? "output" : "tensor";
    std::vector<std::string> lines;
    if (bundle.tensors.size() > 1) {
      lines.push_back(fmt::format("{} {}s", with_commas(bundle.tensors.size()), what));
    } else {
      const Crossing& only = flow_.tensors[static_cast<std::size_t>(bundle.tensors.front())];
      lines.push_back((of_model ? what + " " : "") + short_name(only.tensor));
    }
    for (std::size_t i = 0; i < std::min(forms.counts.size(), kMostForms); ++i) {
      const auto& [form, times] = forms.counts[i];
      const std::size_t shape = form.find(' ') + 1;
      const std::string text = form.substr(0, shape) + short_name(form.substr(shape));
      lines.push_back(times == 1 ? text : fmt::format("{} × {}", times, text));
    }
    if (forms.counts.size() > kMostForms)
      lines.push_back(fmt::format("and {} other forms", forms.counts.size() - kMostForms));
    lines.push_back(forms.bytes);
    const std::size_t home = columns_[bundle.from.empty() ? bundle.to.front() : bundle.from.front()];
    const std::vector<std::size_t> elsewhere = other_columns(bundle.to, home);
    if (!elsewhere.empty()) lines.push_back(goes_on(elsewhere));
    line("t{} [label=\"{}\", tooltip=\"{}\", {}]", number, label(lines), hint(forms.hints),
         of_model ? "style=\"filled,rounded\", penwidth=1.5, color=\"#333333\""
                  : "shape=note, color=\"#d97b1e\", fillcolor=\"#fff4e3\", fontsize=10");
    const char* look = of_model ? "color=\"#333333\"" : "color=\"#d97b1e\", penwidth=1.4";
    for (const std::size_t from : bundle.from) line("n{} -> t{} [{}, arrowhead=none]", from, number, look);
    for (const std::size_t to : bundle.to) {
      if (columns_[to] == home) line("t{} -> n{} [{}]", number, to, look);
    }
    for (const std::size_t column : elsewhere) {
      lines.back() = fmt::format("from column {}", home + 1);
      line("t{}_{} [label=\"{}\", tooltip=\"{}\", style=\"filled,dashed\", shape=note, fontsize=10{}]",
           number, column, label(lines), hint(forms.hints),
           of_model ? "" : ", color=\"#d97b1e\", fillcolor=\"#fff4e3\"");
      line("c{} -> t{}_{} [style=invis]", column, number, column);
      for (const std::size_t to : bundle.to) {
        if (columns_[to] == column) line("t{}_{} -> n{} [{}]", number, column, to, look);
      }
    }
  }

  void plain_arrows() {
    std::pair<std::size_t, std::size_t> last{FlowArrow::kCaller, FlowArrow::kCaller};
    for (const FlowArrow& arrow : flow_.arrows) {
      if (arrow.tensor >= 0 || last == std::pair(arrow.from, arrow.to)) continue;
      last = {arrow.from, arrow.to};
      const bool shape = !flow_.boxes[arrow.from].reads_data || !flow_.boxes[arrow.to].reads_data;
      const char* look = shape ? " [style=dashed, color=\"#bbbbbb\"]" : "";
      if (columns_[arrow.from] == columns_[arrow.to]) {
        line("n{} -> n{}{}", arrow.from, arrow.to, look);
      } else {
        over_break(arrow, look);
      }
    }
  }

  /// An arrow from column to column is drawn as one to a sign that tells where it goes on, and one from a
  /// sign that tells where it comes from. Given: those of one box come one after the other.
  void over_break(const FlowArrow& arrow, const char* look) {
    constexpr std::string_view kSign = "shape=box, style=\"filled,dashed\", color=\"#999999\", fontsize=10";
    const std::size_t from = columns_[arrow.from], to = columns_[arrow.to];
    if (!signs_.insert({arrow.from, to}).second)
      return line("s{}_{} -> n{}{}", arrow.from, to, arrow.to, look);
    const std::string name = short_name(flow_.boxes[arrow.from].nodes.back());
    line("e{}_{} [label=\"{}\", {}]", arrow.from, to, label({goes_on({to})}), kSign);
    line("n{} -> e{}_{}{}", arrow.from, arrow.from, to, look);
    line("s{}_{} [label=\"{}\", {}]", arrow.from, to, label({name, fmt::format("from column {}", from + 1)}),
         kSign);
    line("c{} -> s{}_{} [style=invis]", to, arrow.from, to);
    line("s{}_{} -> n{}{}", arrow.from, to, arrow.to, look);
  }

  const DrawnFlow& drawn_;
  const Flow& flow_;
  const std::vector<FlowBundle> bundles_;
  const std::vector<std::size_t> columns_;  // of each box
  std::size_t column_count_ = 1;
  std::set<std::pair<std::size_t, std::size_t>> signs_;  // boxes, and columns into which their arrows go
  std::string out_;
};

}  // namespace

std::string repeats_text(const std::vector<int>& kinds, const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < kinds.size();) {
    std::size_t best = 1, times = 1;
    for (std::size_t period = 1; period <= kLongestPeriod && at + 2 * period <= kinds.size(); ++period) {
      std::size_t end = at + period;
      while (end < kinds.size() && kinds[end] == kinds[end - period]) ++end;
      const std::size_t found = (end - at) / period;
      if (found >= 2 && found * period > best * times) {
        best = period;
        times = found;
      }
    }
    const std::vector<int> one(kinds.begin() + static_cast<std::ptrdiff_t>(at),
                               kinds.begin() + static_cast<std::ptrdiff_t>(at + best));
    const std::string text =
        best == 1 ? names[static_cast<std::size_t>(one.front())] : repeats_text(one, names);
    parts.push_back(times == 1  ? text
                    : best == 1 ? fmt::format("{} × {}", times, text)
                                : fmt::format("{} × ({})", times, text));
    at += best * times;
  }
  return join(parts, ", ");
}

std::string to_dot(const DrawnFlow& drawn, const std::string& model, const std::string& march) {
  return Writer(drawn, model, march).take();
}

}  // namespace qprep
