#include "report/flow_levels.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <queue>

namespace qprep {
namespace {

/// Branches in branches: each turn joins the innermost. One that joins less than this part of all is the
/// last.
constexpr int kMostTurns = 30;
constexpr std::size_t kWorthATurn = 50;

using Groups = std::vector<std::size_t>;  // of each box: the first box of its group
using Neighbours = std::vector<std::vector<std::size_t>>;

/// The boxes beside each box, as data flow. What is computed from shapes alone is beside none: it may go back
/// to a segment that the shape came from.
struct Ways {
  Neighbours before, behind;

  explicit Ways(const Flow& flow) : before(flow.boxes.size()), behind(flow.boxes.size()) {
    for (const FlowArrow& arrow : flow.arrows) {
      if (arrow.from == FlowArrow::kCaller || arrow.to == FlowArrow::kCaller) continue;
      if (!flow.boxes[arrow.from].reads_data || !flow.boxes[arrow.to].reads_data) continue;
      before[arrow.to].push_back(arrow.from);
      behind[arrow.from].push_back(arrow.to);
    }
    for (Neighbours* side : {&before, &behind}) {
      for (std::vector<std::size_t>& boxes : *side) {
        std::ranges::sort(boxes);
        const auto same = std::ranges::unique(boxes);
        boxes.erase(same.begin(), same.end());
      }
    }
  }
};

class Joiner {
 public:
  explicit Joiner(std::size_t count) : group_(count) { std::iota(group_.begin(), group_.end(), 0); }
  std::size_t find(std::size_t i) {
    for (; group_[i] != i; i = group_[i]) group_[i] = group_[group_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) {
    a = find(a);
    b = find(b);
    if (a != b) group_[std::max(a, b)] = std::min(a, b);
    joined_ |= a != b;
  }
  bool joined() const { return joined_; }
  Groups take() {
    for (std::size_t i = 0; i < group_.size(); ++i) group_[i] = find(i);
    return std::move(group_);
  }

 private:
  Groups group_;
  bool joined_ = false;
};

/// Each box behind those before it, the first of the old order first; on a cycle, as it stood.
std::vector<std::size_t> sorted(const Ways& ways) {
  const std::size_t count = ways.before.size();
  std::vector<std::size_t> waiting(count), order;
  std::vector<bool> done(count, false);
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < count; ++i) {
    waiting[i] = ways.before[i].size();
    if (waiting[i] == 0) ready.push(i);
  }
  std::size_t next = 0;  // the first that is not done
  while (order.size() < count) {
    if (ready.empty()) {
      while (done[next]) ++next;
      ready.push(next);
    }
    const std::size_t box = ready.top();
    ready.pop();
    if (done[box]) continue;
    done[box] = true;
    order.push_back(box);
    for (const std::size_t reader : ways.behind[box]) {
      if (--waiting[reader] == 0 && !done[reader]) ready.push(reader);
    }
  }
  return order;
}

/// The flow whose boxes are these, in another order.
Flow moved(Flow flow, const std::vector<std::size_t>& order) {
  std::vector<std::size_t> place(order.size());
  std::vector<FlowBox> boxes;
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
    boxes.push_back(std::move(flow.boxes[order[i]]));
  }
  flow.boxes = std::move(boxes);
  for (FlowArrow& arrow : flow.arrows) {
    if (arrow.from != FlowArrow::kCaller) arrow.from = place[arrow.from];
    if (arrow.to != FlowArrow::kCaller) arrow.to = place[arrow.to];
  }
  std::ranges::sort(flow.arrows);
  return flow;
}

/// Tensors that cross no border any more are gone.
void drop_unused_tensors(Flow& flow) {
  std::vector<int> now(flow.tensors.size(), -1);
  std::vector<Crossing> kept;
  for (FlowArrow& arrow : flow.arrows) {
    if (arrow.tensor < 0) continue;
    int& at = now[static_cast<std::size_t>(arrow.tensor)];
    if (at < 0) {
      at = static_cast<int>(kept.size());
      kept.push_back(std::move(flow.tensors[static_cast<std::size_t>(arrow.tensor)]));
    }
    arrow.tensor = at;
  }
  flow.tensors = std::move(kept);
}

Flow merged(Flow flow, const Groups& group) {
  constexpr std::size_t kNone = ~std::size_t{0};
  std::vector<std::size_t> now(flow.boxes.size(), kNone);
  std::vector<FlowBox> boxes;
  for (std::size_t i = 0; i < flow.boxes.size(); ++i) {
    if (group[i] == i) {
      now[i] = boxes.size();
      boxes.push_back(std::move(flow.boxes[i]));
    } else {
      now[i] = now[group[i]];
      boxes[now[i]].take_in(std::move(flow.boxes[i]));
    }
  }
  flow.boxes = std::move(boxes);
  std::vector<FlowArrow> arrows;
  for (FlowArrow arrow : flow.arrows) {
    if (arrow.from != FlowArrow::kCaller) arrow.from = now[arrow.from];
    if (arrow.to != FlowArrow::kCaller) arrow.to = now[arrow.to];
    if (arrow.from != arrow.to || arrow.from == FlowArrow::kCaller) arrows.push_back(arrow);
  }
  std::ranges::sort(arrows);
  const auto same = std::ranges::unique(arrows);
  arrows.erase(same.begin(), same.end());
  flow.arrows = std::move(arrows);
  drop_unused_tensors(flow);
  const std::vector<std::size_t> order = sorted(Ways(flow));
  return moved(std::move(flow), order);
}

bool only(const std::vector<std::size_t>& boxes, std::size_t box) {
  return boxes.size() == 1 && boxes.front() == box;
}

bool is_cpu(const FlowBox& box) { return box.segment == FlowBox::kCpu; }

bool one_reason(const FlowBox& a, const FlowBox& b) {
  if (!is_cpu(a)) return true;
  return a.reads_data == b.reads_data && a.reasons.size() == 1 && b.reasons.size() == 1 &&
         a.reasons.front().general == b.reasons.front().general;
}

bool may_join(const Flow& flow, std::size_t a, std::size_t b) {
  return flow.boxes[a].same_place(flow.boxes[b]) && one_reason(flow.boxes[a], flow.boxes[b]);
}

/// One step to fewer boxes. No step makes a cycle. False: nothing was left to join.
using Step = bool (*)(const Flow&, const Ways&, Joiner&);

/// What stands in a row: the first has no other reader, the second reads no other.
bool rows(const Flow& flow, const Ways& ways, Joiner& joiner) {
  for (std::size_t i = 0; i < flow.boxes.size(); ++i) {
    if (ways.before[i].size() != 1) continue;
    const std::size_t first = ways.before[i].front();
    if (only(ways.behind[first], i) && may_join(flow, first, i)) joiner.join(first, i);
  }
  return joiner.joined();
}

/// Branches from one box that meet again in another, with the latter.
bool branches(const Flow& flow, const Ways& ways, Joiner& joiner) {
  for (std::size_t end = 0; end < flow.boxes.size(); ++end) {
    const std::vector<std::size_t>& inner = ways.before[end];
    if (inner.size() < 2) continue;
    const auto lies_between = [&](std::size_t begin) {
      return std::ranges::all_of(inner, [&](std::size_t box) {
        return box == begin ||
               (only(ways.before[box], begin) && only(ways.behind[box], end) && may_join(flow, box, end));
      });
    };
    const std::size_t first = inner.front();  // the begin itself, if a branch is empty
    std::optional<std::size_t> begin;
    if (lies_between(first)) begin = first;
    if (!begin && ways.before[first].size() == 1 && lies_between(ways.before[first].front()))
      begin = ways.before[first].front();
    if (!begin || !may_join(flow, *begin, end)) continue;
    for (const std::size_t box : inner) {
      if (box != *begin) joiner.join(box, end);
    }
  }
  return joiner.joined();
}

/// Each with the one box that reads it.
bool into_reader(const Flow& flow, const Ways& ways, Joiner& joiner) {
  for (std::size_t i = 0; i < flow.boxes.size(); ++i) {
    if (ways.behind[i].size() == 1 && may_join(flow, i, ways.behind[i].front()))
      joiner.join(i, ways.behind[i].front());
  }
  return joiner.joined();
}

/// Each with the one box that it reads.
bool into_maker(const Flow& flow, const Ways& ways, Joiner& joiner) {
  for (std::size_t i = 0; i < flow.boxes.size(); ++i) {
    if (ways.before[i].size() == 1 && may_join(flow, i, ways.before[i].front()))
      joiner.join(i, ways.before[i].front());
  }
  return joiner.joined();
}

void take_step(Flow& flow, Step step) {
  Joiner joiner(flow.boxes.size());
  if (step(flow, Ways(flow), joiner)) flow = merged(std::move(flow), joiner.take());
}

bool rows_on_cpu(const Flow& flow, const Ways& ways, Joiner& joiner) {
  for (std::size_t i = 0; i < flow.boxes.size(); ++i) {
    if (!is_cpu(flow.boxes[i]) || ways.before[i].size() != 1) continue;
    const std::size_t first = ways.before[i].front();
    if (only(ways.behind[first], i) && may_join(flow, first, i)) joiner.join(first, i);
  }
  return joiner.joined();
}

/// What is computed from shapes alone, as far as it hangs together. It is no part of the ways.
bool shapes(const Flow& flow, const Ways&, Joiner& joiner) {
  for (const FlowArrow& arrow : flow.arrows) {
    if (arrow.from == FlowArrow::kCaller || arrow.to == FlowArrow::kCaller) continue;
    const FlowBox& maker = flow.boxes[arrow.from];
    const FlowBox& reader = flow.boxes[arrow.to];
    if (maker.reads_data || reader.reads_data || !is_cpu(maker)) continue;
    if (may_join(flow, arrow.from, arrow.to)) joiner.join(arrow.from, arrow.to);
  }
  return joiner.joined();
}

/// Result: what computes from shapes alone and makes no output of the model is gone. How many nodes that was.
std::size_t leave_out_shapes(Flow& flow) {
  std::vector<bool> stays(flow.boxes.size());
  for (std::size_t i = 0; i < flow.boxes.size(); ++i) stays[i] = flow.boxes[i].reads_data;
  for (const FlowArrow& arrow : flow.arrows) {
    if (arrow.to == FlowArrow::kCaller && arrow.from != FlowArrow::kCaller) stays[arrow.from] = true;
  }
  std::size_t left_out = 0, count = 0;
  std::vector<std::size_t> now(flow.boxes.size(), FlowArrow::kCaller);
  for (std::size_t i = 0; i < flow.boxes.size(); ++i) {
    if (!stays[i]) {
      left_out += flow.boxes[i].nodes.size();
      continue;
    }
    if (count != i) flow.boxes[count] = std::move(flow.boxes[i]);
    now[i] = count++;
  }
  flow.boxes.resize(count);
  std::erase_if(flow.arrows, [&](FlowArrow& arrow) {
    for (std::size_t* end : {&arrow.from, &arrow.to}) {
      if (*end == FlowArrow::kCaller) continue;
      *end = now[*end];
      if (*end == FlowArrow::kCaller) return true;
    }
    return false;
  });
  drop_unused_tensors(flow);
  return left_out;
}

/// How often the place changes on the way to each box, at most.
std::vector<std::size_t> stages_of(const Flow& flow) {
  const Ways ways(flow);
  std::vector<std::size_t> stage(flow.boxes.size(), 0);
  for (std::size_t i = 0; i < flow.boxes.size(); ++i) {
    for (const std::size_t source : ways.before[i]) {
      if (source >= i) continue;
      const bool same = flow.boxes[source].segment == flow.boxes[i].segment;
      stage[i] = std::max(stage[i], stage[source] + (same ? 0 : 1));
    }
  }
  return stage;
}

Flow by_segments(Flow flow) {
  const std::vector<std::size_t> stage = stages_of(flow);
  Joiner joiner(flow.boxes.size());
  std::map<int, std::size_t> first;  // of each segment
  for (std::size_t i = 0; i < flow.boxes.size(); ++i) {
    if (is_cpu(flow.boxes[i])) continue;
    joiner.join(first.emplace(flow.boxes[i].segment, i).first->second, i);
  }
  for (const FlowArrow& arrow : flow.arrows) {
    if (arrow.from == FlowArrow::kCaller || arrow.to == FlowArrow::kCaller) continue;
    if (!is_cpu(flow.boxes[arrow.from]) || !flow.boxes[arrow.from].same_place(flow.boxes[arrow.to])) continue;
    if (stage[arrow.from] == stage[arrow.to]) joiner.join(arrow.from, arrow.to);
  }
  return merged(std::move(flow), joiner.take());
}

/// Given: as by_segments left it. Result: a box for each of the first and last stages, and one for those
/// between.
Flow by_stages(Flow flow, std::size_t most) {
  const std::vector<std::size_t> stage = stages_of(flow);
  const std::size_t count = stage.empty() ? 0 : *std::ranges::max_element(stage) + 1;
  const std::size_t side = most / 4;
  const auto band = [&](std::size_t at) {
    return count <= 2 * side + 1 || at < side ? at : at + side >= count ? at - (count - 2 * side - 1) : side;
  };
  Joiner joiner(flow.boxes.size());
  std::map<std::pair<std::size_t, bool>, std::size_t> first;
  for (std::size_t i = 0; i < flow.boxes.size(); ++i) {
    const std::size_t at = band(stage[i]);
    const bool between = count > 2 * side + 1 && at == side;
    joiner.join(first.emplace(std::pair(at, !between && is_cpu(flow.boxes[i])), i).first->second, i);
  }
  return merged(std::move(flow), joiner.take());
}

/// How many rows the arrows between boxes pass, if each box stands in the first row behind all that it reads.
std::size_t rows_passed(const Flow& flow) {
  std::vector<std::size_t> row(flow.boxes.size(), 0);
  std::size_t passed = 0;
  const Ways ways(flow);
  for (std::size_t i = 0; i < flow.boxes.size(); ++i) {
    for (const std::size_t source : ways.before[i]) {
      if (source < i) row[i] = std::max(row[i], row[source] + 1);
    }
    for (const std::size_t source : ways.before[i]) passed += row[i] - std::min(row[i], row[source]);
  }
  return passed;
}

bool fits(const Flow& flow, const FlowLimits& limits) {
  if (flow.boxes.size() > limits.items || flow.arrows.size() > 10 * limits.arrows) return false;
  const std::vector<FlowBundle> bundles = bundles_of(flow);
  std::size_t arrows = 0;
  for (const FlowBundle& bundle : bundles) arrows += bundle.from.size() + bundle.to.size();
  for (const FlowArrow& arrow : flow.arrows) arrows += arrow.tensor < 0;
  return flow.boxes.size() + bundles.size() <= limits.items && arrows <= limits.arrows &&
         rows_passed(flow) <= limits.rows;
}

}  // namespace

DrawnFlow drawn_flow(Flow flow, const FlowLimits& limits) {
  using Level = DrawnFlow::Level;
  DrawnFlow drawn{std::move(flow), Level::kUnits};
  Flow& now = drawn.flow;
  drawn.units = now.boxes.size();
  take_step(now, rows_on_cpu);
  take_step(now, shapes);
  if (now.boxes.size() <= limits.readable && fits(now, limits)) return drawn;

  drawn.level = Level::kRuns;
  drawn.left_out = leave_out_shapes(now);
  const auto small = [&] { return now.boxes.size() <= limits.readable; };
  const std::pair<Step, Step> ways_to_join[] = {{rows, branches}, {into_reader, into_maker}};
  for (const auto& [first, second] : ways_to_join) {
    for (int turn = 0; turn < kMostTurns && !small(); ++turn) {
      const std::size_t before = now.boxes.size();
      take_step(now, first);
      if (!small()) take_step(now, second);
      if (before - now.boxes.size() <= before / kWorthATurn) break;
    }
  }
  if (fits(now, limits)) return drawn;

  drawn.level = Level::kSegments;
  now = by_segments(std::move(now));
  if (fits(now, limits)) return drawn;

  drawn.level = Level::kStages;
  now = by_stages(std::move(now), limits.readable);
  return drawn;
}

}  // namespace qprep
