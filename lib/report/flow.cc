#include "report/flow.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "ir/walk.h"
#include "report/segments.h"
#include "support/without_names.h"

namespace qprep {
namespace {

void add_reason(std::vector<FlowReason>& reasons, FlowReason reason) {
  const auto known = std::ranges::find(reasons, reason.general, &FlowReason::general);
  if (known == reasons.end()) {
    reasons.push_back(std::move(reason));
  } else if (known->text != reason.text) {
    known->text = without_names(reason.text);
  }
}

class FlowBuilder {
 public:
  FlowBuilder(const Model& model, const Plan& plan)
      : model_(model), plan_(plan), segments_(bpu_segments(model, plan)) {}

  Flow take() {
    flow_.segments = static_cast<std::size_t>(segments_.count);
    flow_.bodies.emplace_back();
    for (const Graph* graph : graphs_with_bodies(*model_.graph)) look_at_body(*graph);
    const std::vector<const Node*> nodes = nodes_with_bodies(*model_.graph);
    make_boxes(nodes);
    for (const Value* input : model_.graph->inputs()) {
      if (!input->initializer()) add_arrows(*input, FlowArrow::kCaller);
    }
    for (const Node* node : nodes) {
      const auto box = box_of_.find(node);
      if (box == box_of_.end()) continue;
      for (std::size_t i = 0; i < node->output_count(); ++i) add_arrows(node->output(i), box->second);
    }
    for (const Value* output : model_.graph->outputs()) leave(*output);
    std::ranges::sort(flow_.arrows);
    const auto same = std::ranges::unique(flow_.arrows);
    flow_.arrows.erase(same.begin(), same.end());
    return std::move(flow_);
  }

 private:
  void look_at_body(const Graph& graph) {
    const Node* holder = graph.holder();
    if (!holder) return;
    if (const auto [at, is_new] = body_of_.emplace(holder, static_cast<int>(flow_.bodies.size())); is_new) {
      flow_.bodies.push_back(holder->label());
    }
    for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
      if (const Value* fed = fed_to(graph, i)) entered_[fed].push_back(graph.inputs()[i]);
    }
    for (const Value* output : graph.outputs()) handed_out_[output].push_back(holder);
  }

  int kind_of(const Node& node, const Unit* unit) {
    const std::string& kind = unit ? unit->pattern : node.op();
    const auto [at, is_new] = kind_at_.emplace(kind, static_cast<int>(flow_.kinds.size()));
    if (is_new) flow_.kinds.push_back(kind);
    return at->second;
  }

  int segment_of(const Node& node) const {
    const auto at = segments_.of.find(&node);
    return at == segments_.of.end() ? -1 : at->second;
  }

  /// A unit's box stands where its last node does: behind all that it reads.
  void make_boxes(const std::vector<const Node*>& nodes) {
    for (const Node* node : nodes) {
      if (node->is("Constant")) continue;
      ++(segment_of(*node) < 0 ? flow_.cpu_nodes : flow_.bpu_nodes);
      const Unit* unit = plan_.unit_of(*node);
      if (unit && node != unit->nodes.back()) {
        if (segment_of(*node) == segment_of(*unit->nodes.back())) continue;
        unit = nullptr;
      }
      FlowBox box;
      box.segment = segment_of(*node);
      if (box.segment >= 0) box.segments.push_back(box.segment);
      box.reads_data = !segments_.without_data.contains(node);
      const auto body = body_of_.find(node->graph().holder());
      if (body != body_of_.end()) box.body = body->second;
      box.kinds.push_back(kind_of(*node, unit));
      if (unit) {
        for (const Node* part : unit->nodes) put(*part, box);
      } else {
        put(*node, box);
      }
      flow_.boxes.push_back(std::move(box));
    }
  }

  void put(const Node& node, FlowBox& box) {
    if (segment_of(node) != box.segment || !box_of_.emplace(&node, flow_.boxes.size()).second) return;
    box.nodes.push_back(node.label());
    if (box.segment >= 0) return;
    const NodePlan* decided = plan_.of(node);
    std::string because = decided ? decided->device_because.text : "nothing was decided for it";
    const int next = static_cast<int>(reason_at_.size());
    const int general = reason_at_.emplace(without_names(because), next).first->second;
    add_reason(box.reasons, {general, std::move(because)});
  }

  /// From where the value is made to all that read it, inside of bodies that it is handed to as well.
  void add_arrows(const Value& value, std::size_t from) {
    std::map<int, int> crossing;
    std::set<const Value*> seen;
    std::vector<const Value*> names{&value};  // that it has in bodies
    while (!names.empty()) {
      const Value& name = *names.back();
      names.pop_back();
      if (!seen.insert(&name).second) continue;
      for (const Use& use : name.uses()) add_arrow(value, from, *use.node, use.input, crossing);
      if (const auto inside = entered_.find(&name); inside != entered_.end()) {
        names.insert(names.end(), inside->second.begin(), inside->second.end());
      }
      const auto holders = handed_out_.find(&name);
      if (holders == handed_out_.end()) continue;
      for (const Node* holder : holders->second)
        add_arrow(value, from, *holder, holder->input_count(), crossing);
    }
  }

  /// `crossing`: the tensor, by the place that it goes to.
  void add_arrow(const Value& value, std::size_t from, const Node& reader, std::size_t input,
                 std::map<int, int>& crossing) {
    const auto to = box_of_.find(&reader);
    if (to == box_of_.end() || to->second == from) return;
    FlowArrow arrow{from, to->second, -1};
    const bool enters = from == FlowArrow::kCaller;
    const int place = flow_.boxes[to->second].segment;
    if (enters || (flow_.boxes[from].reads_data && flow_.boxes[from].segment != place)) {
      const int next = static_cast<int>(flow_.tensors.size());
      const auto [known, is_new] = crossing.emplace(enters ? 0 : place, next);
      if (is_new) flow_.tensors.push_back(tensor_as_read(value, reader, input, plan_));
      arrow.tensor = known->second;
    }
    flow_.arrows.push_back(arrow);
  }

  void leave(const Value& output) {
    const auto box = output.producer() ? box_of_.find(output.producer()) : box_of_.end();
    const std::size_t from = box == box_of_.end() ? FlowArrow::kCaller : box->second;
    flow_.arrows.push_back({from, FlowArrow::kCaller, static_cast<int>(flow_.tensors.size())});
    flow_.tensors.push_back(tensor_as_made(output, plan_));
  }

  const Model& model_;
  const Plan& plan_;
  const Segments segments_;
  std::unordered_map<const Node*, int> body_of_;                           // by the node that holds it
  std::unordered_map<const Value*, std::vector<const Value*>> entered_;    // by what control flow reads
  std::unordered_map<const Value*, std::vector<const Node*>> handed_out_;  // by a body's output
  std::unordered_map<const Node*, std::size_t> box_of_;
  std::unordered_map<std::string, int> kind_at_;
  std::unordered_map<std::string, int> reason_at_;  // by the sentence without names
  Flow flow_;
};

}  // namespace

void FlowBox::take_in(FlowBox&& other) {
  kinds.insert(kinds.end(), other.kinds.begin(), other.kinds.end());
  std::ranges::move(other.nodes, std::back_inserter(nodes));
  for (FlowReason& reason : other.reasons) add_reason(reasons, std::move(reason));
  for (const int each : other.segments) {
    if (segments.empty() || (segments.back() != each && std::ranges::find(segments, each) == segments.end()))
      segments.push_back(each);
  }
  if (segment != other.segment) segment = kSeveral;
  reads_data |= other.reads_data;
}

std::vector<FlowBundle> bundles_of(const Flow& flow) {
  struct Way {
    std::vector<std::size_t> from, to;
    auto operator<=>(const Way&) const = default;
  };
  std::vector<Way> ways(flow.tensors.size());
  for (const FlowArrow& arrow : flow.arrows) {
    if (arrow.tensor < 0) continue;
    Way& way = ways[static_cast<std::size_t>(arrow.tensor)];
    if (arrow.from != FlowArrow::kCaller && (way.from.empty() || way.from.back() != arrow.from))
      way.from.push_back(arrow.from);
    if (arrow.to != FlowArrow::kCaller) way.to.push_back(arrow.to);
  }
  std::map<Way, std::size_t> known;
  std::vector<FlowBundle> bundles;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const auto [at, is_new] = known.emplace(ways[i], bundles.size());
    if (is_new) bundles.push_back({ways[i].from, ways[i].to, {}});
    bundles[at->second].tensors.push_back(static_cast<int>(i));
  }
  return bundles;
}

Flow flow_of(const Model& model, const Plan& plan) { return FlowBuilder(model, plan).take(); }

}  // namespace qprep
