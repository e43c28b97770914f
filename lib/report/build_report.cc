#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "ir/held.h"
#include "ir/operator_name.h"
#include "ir/walk.h"
#include "report/ends.h"
#include "report/gone.h"
#include "report/members.h"
#include "report/not_replaced.h"
#include "report/open_sizes.h"
#include "report/region.h"
#include "report/report.h"
#include "report/segments.h"
#include "report/standing_norms.h"
#include "report/sums.h"
#include "report/work.h"
#include "support/parallel.h"
#include "target/capability.h"

namespace qprep {
namespace {

std::string dtype_text(const Type& type) {
  switch (type.kind) {
    case Type::Kind::kTensor:
      return to_text(type.dtype);
    case Type::Kind::kOther:
      return "other";
    case Type::Kind::kUnknown:
      break;
  }
  return "?";
}

ReportSlot float_slot(const Value& value) {
  const Tensor* constant = constant_of(value);
  // An initializer has its dtype even where nothing else says its type.
  const std::string dtype = value.type().kind == Type::Kind::kUnknown && constant ? to_text(constant->dtype())
                                                                                  : dtype_text(value.type());
  return {.name = value.name(), .dtype = dtype, .constant = constant != nullptr};
}

ReportSlot quantised_slot(const Value& value, const Decision& decision) {
  return {.name = value.name(),
          .dtype = std::string(to_text(decision.spec)),
          .spec = decision.spec,
          .role = decision.role,
          .constant = constant_of(value) != nullptr};
}

/// What an output of a node, or an input of the model, holds for its readers.
ReportSlot defined_slot(const Value& value, const Plan& plan) {
  const Decision* decision = plan.decision_of(value);
  if (!decision) decision = plan.carried_for(value);
  if (!decision) return float_slot(value);
  ReportSlot slot = quantised_slot(value, *decision);
  const auto known = plan.known_scales.find(&value);
  if (decision->fixed && known != plan.known_scales.end()) {
    slot.fixed_scale = known->second.scale.at<float>(0);
  }
  return slot;
}

ReportSlot read_slot(const Node& node, std::size_t i, const Plan& plan) {
  const Value* value = node.input(i);
  if (!value) return {};
  const NodePlan* decided = plan.of(node);
  const Decision* decision = decided && decided->reads_quantised(i) ? plan.decision_of(*value) : nullptr;
  if (decision) return quantised_slot(*value, *decision);
  const auto carried = plan.carried.find(value);
  return carried != plan.carried.end() ? quantised_slot(*value, carried->second) : float_slot(*value);
}

/// The weight of a node that the plan says has one: the input that is quantised as a weight, else the
/// constant that it multiplies.
std::optional<std::size_t> weight_of(const ReportNode& node) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i].spec && node.inputs[i].role == Role::kWeight) return i;
  }
  if (node.weight_because.empty()) return std::nullopt;
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    if (node.inputs[i].constant) return i;
  }
  return std::nullopt;
}

struct AttributeText {
  std::string operator()(std::monostate) const { return "<kept>"; }
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(float value) const { return fmt::format("{}", value); }
  std::string operator()(const std::string& value) const { return fmt::format("'{}'", value); }
  std::string operator()(const Tensor& value) const {
    return fmt::format("<{}[{}]>", to_text(value.dtype()), fmt::join(value.dims(), ","));
  }
  std::string operator()(const std::unique_ptr<Graph>&) const { return "<graph>"; }
  std::string operator()(const std::vector<std::int64_t>& values) const {
    return fmt::format("[{}]", fmt::join(values, ", "));
  }
  std::string operator()(const std::vector<float>& values) const {
    return fmt::format("[{}]", fmt::join(values, ", "));
  }
  std::string operator()(const std::vector<std::string>& values) const {
    return values.empty() ? "[]" : fmt::format("['{}']", fmt::join(values, "', '"));
  }
  std::string operator()(const std::vector<std::unique_ptr<Graph>>& values) const {
    return fmt::format("<{} graphs>", values.size());
  }
};

class Builder {
 public:
  Builder(const Model& model, const Plan& plan, const Capabilities* table, Report& report)
      : model_(model),
        plan_(plan),
        held_(model),
        in_file_(model),
        ends_(model, plan),
        report_(report),
        segments_(bpu_segments(model, plan)),
        table_(table) {
    for (const Value* input : model.graph->inputs()) {
      if (!input->initializer()) report_.inputs.push_back(defined_slot(*input, plan));
    }
    for (const Value* output : model.graph->outputs()) report_.outputs.push_back(output_slot(*output));
    for (const Miss& miss : plan.misses) {
      add(miss);
      if (!miss.nodes.empty()) missed_.insert(miss.nodes.front());
    }
    report_.fuses_nothing = plan.fuses_nothing;
    report_.batch_norms = standing_norm_rows(model, plan);
    list_rows(*model.graph, 0);
    report_.nodes.resize(rows_.size());
    make_parts();
    add_gone(model, report_);
    report_.not_replaced = not_replaced(model);
    report_.sizes_remedy = sizes_remedy(*model.graph);
    for (const Block& block : plan.blocks) {
      report_.blocks.push_back(row(block.name, block.nodes, ReportGroup::Kind::kBlock));
    }
    add_loops(*model.graph, 1);
    add_shared_weights();
  }

 private:
  /// What a caller of the model gets.
  ReportSlot output_slot(const Value& value) const {
    ReportSlot slot = defined_slot(value, plan_);
    slot.producer = source_of(value);
    return slot;
  }

  struct Row {
    const Node* node;
    int depth;
  };

  void list_rows(const Graph& graph, int depth) {
    for (const Node& node : graph.nodes()) {
      rows_.push_back({&node, depth});
      for (const Graph* body : node.bodies()) list_rows(*body, depth + 1);
    }
  }

  /// The rows, and whatever else takes time for each node; none writes what another reads.
  void make_parts() {
    constexpr std::size_t kOfBlock = 1024;
    const std::array<std::function<void()>, 6> others = {
        [this] { add_units(); },
        [this] { report_.risks = NumericRisks(model_, plan_, table_).found(nullptr); },
        [this] { report_.accumulators = accumulator_risks(model_, plan_); },
        [this] { report_.sums = sums_of(*model_.graph, plan_); },
        [this] { report_.crossings = crossings_of(model_, plan_, segments_); },
        [this] { report_.region = region_of(model_, plan_, segments_.without_data); }};
    const std::size_t blocks = (rows_.size() + kOfBlock - 1) / kOfBlock;
    parallel_for(others.size() + blocks, blocks > 1 ? 0 : 1, [&](std::size_t part) {
      if (part < others.size()) return others[part]();
      const std::size_t first = (part - others.size()) * kOfBlock;
      const std::size_t end = std::min(first + kOfBlock, rows_.size());
      for (std::size_t i = first; i < end; ++i) report_.nodes[i] = row(*rows_[i].node, rows_[i].depth);
    });
  }

  void add_units() {
    for (const Row& each : rows_) {
      const Node& node = *each.node;
      if (node.name().empty() && node.origin() != kNoOrigin && !node.is("Constant")) {
        report_.unnamed.push_back(node.label());
      }
      const Unit* unit = plan_.unit_of(node);
      if (unit && &node == unit->nodes.back() && (unit->nodes.size() > 1 || unit->is_composite())) {
        report_.units.push_back(row(unit->pattern, unit->nodes, kind_of(*unit)));
      }
      if (unit && &node == unit->nodes.back()) add_end(*unit);
    }
  }

  void add_end(const Unit& unit) {
    if (missed_.contains(unit.nodes.front())) return;
    const std::vector<std::string> before = ends_.before(unit);
    if (before.empty()) return;
    const std::string key = fmt::format("{}>{}", unit.pattern, fmt::join(before, ","));
    const auto [known, is_new] = end_at_.emplace(key, report_.ends.size());
    if (is_new) report_.ends.push_back({unit.pattern, before, {}});
    report_.ends[known->second].layers.push_back(unit.nodes.front()->label());
  }

  ReportNode row(const Node& node, int depth) const {
    ReportNode row;
    row.name = node.label();
    row.op = operator_name(node);
    row.absorbed = held_.by(node);
    row.made_for = node.made_for();
    row.depth = depth;
    if (const NodePlan* decided = plan_.of(node)) {
      row.device = decided->device;
      row.device_because = decided->device_because.text;
      row.output_because = decided->output_because.text;
      row.weight_because = decided->weight_because.text;
      row.passive = decided->passive;
      row.remedy = decided->remedy;
      row.undecided = decided->undecided;
      if (decided->unit >= 0) row.unit = decided->unit;
    } else {
      row.device_because = "nothing was decided for it";
    }
    const auto segment = segments_.of.find(&node);
    if (segment != segments_.of.end()) row.segment = segment->second;
    row.reads_data = !segments_.without_data.contains(&node);
    row.macs = macs_of(node);
    const Capability* capability = table_ ? table_->of(node) : nullptr;
    row.makes_int32 = !capability || capability->output.empty() ||
                      std::ranges::find(capability->output, DType::kInt32) != capability->output.end();
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      row.inputs.push_back(read_slot(node, i, plan_));
      if (const Value* value = node.input(i)) row.inputs.back().producer = source_of(*value);
    }
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      row.outputs.push_back(node.output(i).name().empty() ? ReportSlot{}
                                                          : defined_slot(node.output(i), plan_));
      row.feeds_output |= node.output(i).is_graph_output();
    }
    row.weight = weight_of(row);
    if (row.weight && row.weight_because.empty()) {
      const Decision* carried = plan_.carried_for(*node.input(*row.weight));
      if (carried) row.weight_because = carried->because.text;
    }
    for (const Attribute& attribute : node.attributes()) {
      row.attributes.emplace_back(attribute.name, std::visit(AttributeText{}, attribute.value));
    }
    return row;
  }

  /// How the graph table calls a value: the node that makes it, with [i] behind it for outputs after the
  /// first.
  static std::string source_of(const Value& value) {
    const Node* producer = value.producer();
    if (!producer) return value.name();
    return value.producer_output() == 0 ? producer->label()
                                        : fmt::format("{}[{}]", producer->label(), value.producer_output());
  }

  void add(const Miss& miss) {
    ReportSequence sequence{miss.pattern, members_of(model_, in_file_, miss.nodes), miss.because};
    const Node& first = *miss.nodes.front();
    sequence.shared = first.output_count() > 0 && !first.output(0).has_single_use();
    report_.fusable.push_back(std::move(sequence));
  }

  static ReportGroup::Kind kind_of(const Unit& unit) {
    if (unit.is_composite()) return ReportGroup::Kind::kComposite;
    const std::vector<Value*> last = unit.nodes.back()->inputs();
    const bool ends_with_bias = unit.bias && std::find(last.begin(), last.end(), unit.bias) != last.end();
    return ends_with_bias ? ReportGroup::Kind::kLayer : ReportGroup::Kind::kSequence;
  }

  ReportGroup row(const std::string& pattern, const std::vector<const Node*>& nodes,
                  ReportGroup::Kind kind) const {
    const NodePlan* decided = plan_.of(*nodes.back());
    return {nodes.back()->label(), pattern, labels_of(model_, nodes), kind,
            decided ? decided->device : Device::kCpu};
  }

  void add_shared_weights() {
    std::unordered_map<std::string, std::size_t> at;  // the weight's place in `all`
    std::vector<SharedWeight> all;
    for (const ReportNode& node : report_.nodes) {
      if (!node.weight) continue;
      const std::string& name = node.inputs[*node.weight].name;
      const auto [place, is_new] = at.emplace(name, all.size());
      if (is_new) all.push_back({name, {}});
      SharedWeight& weight = all[place->second];
      weight.nodes.push_back(node.name);
      const auto turns = turns_.find(node.name);
      if (turns == turns_.end()) {
        if (weight.calls) ++*weight.calls;
      } else {
        weight.calls = sum(weight.calls, turns->second);
      }
    }
    std::copy_if(all.begin(), all.end(), std::back_inserter(report_.shared),
                 [](const SharedWeight& weight) { return weight.nodes.size() > 1; });
  }

  void add_loops(const Graph& graph, const std::optional<std::int64_t>& around) {
    for (const Node& node : graph.nodes()) {
      if (graph.holder()) turns_.emplace(node.label(), around);
      if (!is_control_flow(node)) continue;
      const std::optional<std::int64_t> turns = turns_of(node);
      if (!node.is("If")) report_.loops.push_back({node.label(), node.op(), turns, {}});
      const std::size_t row = report_.loops.size() - 1;
      for (const Graph* body : node.bodies()) {
        for (const Node& inner : body->nodes()) {
          if (!node.is("If") && !inner.is("Constant")) report_.loops[row].nodes.push_back(inner.label());
        }
        add_loops(*body, product(around, turns));
      }
    }
  }

  using Count = std::optional<std::int64_t>;
  static constexpr std::int64_t kMostTurns = std::int64_t{1} << 31;
  static Count sum(const Count& a, const Count& b) {
    return a && b && *a <= kMostTurns && *b <= kMostTurns ? Count(*a + *b) : std::nullopt;
  }
  static Count product(const Count& a, const Count& b) {
    return a && b && *a <= kMostTurns && *b <= kMostTurns ? Count(*a * *b) : std::nullopt;
  }

  std::unordered_map<std::string, Count> turns_;  // of the nodes in bodies, how often each runs
  const Model& model_;
  const Plan& plan_;
  Held held_;
  OperatorsInFile in_file_;
  Ends ends_;
  std::unordered_set<const Node*> missed_;               // the first nodes of what is not fused
  std::unordered_map<std::string, std::size_t> end_at_;  // its place in Report::ends, by pattern and readers
  Report& report_;
  Segments segments_;
  const Capabilities* table_;
  std::vector<Row> rows_;  // each node before those of its bodies
};

}  // namespace

std::string_view to_text(ReportGroup::Kind kind) {
  switch (kind) {
    case ReportGroup::Kind::kSequence:
      return "sequence";
    case ReportGroup::Kind::kLayer:
      return "layer and bias";
    case ReportGroup::Kind::kComposite:
      return "composite operator";
    case ReportGroup::Kind::kBlock:
      return "block";
  }
  return "";
}

Report build_report(const Model& model, const Plan& plan, std::string model_name, std::string march,
                    std::span<const Diagnostic> diagnostics, const Capabilities* table) {
  Report report;
  report.model = std::move(model_name);
  report.march = std::move(march);
  report.diagnostics.assign(diagnostics.begin(), diagnostics.end());
  Builder(model, plan, table, report);
  return report;
}

}  // namespace qprep
