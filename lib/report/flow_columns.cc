#include "report/flow_columns.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qprep {
namespace {

/// Where a box begins, and where it ends, if each stands right below all that it reads.
struct Extent {
  double top = 0, bottom = 0;
};

std::vector<Extent> extents_of(const Flow& flow, const std::vector<double>& heights,
                               const ColumnLimits& limits) {
  std::vector<std::vector<FlowArrow>> into(flow.boxes.size());
  for (const FlowArrow& arrow : flow.arrows) {
    if (arrow.from < arrow.to && arrow.to != FlowArrow::kCaller) into[arrow.to].push_back(arrow);
  }
  std::vector<Extent> extents(flow.boxes.size());
  for (std::size_t i = 0; i < extents.size(); ++i) {
    for (const FlowArrow& arrow : into[i]) {
      const double between = limits.between + (arrow.tensor >= 0 ? limits.tensor_height : 0);
      extents[i].top = std::max(extents[i].top, extents[arrow.from].bottom + between);
    }
    extents[i].bottom = extents[i].top + heights[i];
  }
  return extents;
}

std::size_t arrows_over(double at, const Flow& flow, const std::vector<Extent>& extents) {
  return static_cast<std::size_t>(std::ranges::count_if(flow.arrows, [&](const FlowArrow& arrow) {
    if (arrow.from == FlowArrow::kCaller || arrow.to == FlowArrow::kCaller) return false;
    return extents[arrow.from].top < at && extents[arrow.to].top >= at;
  }));
}

/// The top of a box near `ideal` over which the fewest arrows pass; of several, the nearest.
double best_break(double ideal, double reach, const Flow& flow, const std::vector<Extent>& extents) {
  double best = ideal;
  std::size_t fewest = arrows_over(ideal, flow, extents);
  for (const Extent& each : extents) {
    const double distance = std::abs(each.top - ideal);
    if (distance > reach) continue;
    const std::size_t passed = arrows_over(each.top, flow, extents);
    if (passed > fewest || (passed == fewest && distance >= std::abs(best - ideal))) continue;
    best = each.top;
    fewest = passed;
  }
  return best;
}

}  // namespace

std::vector<std::size_t> columns_of(const Flow& flow, const std::vector<double>& heights,
                                    const ColumnLimits& limits) {
  std::vector<std::size_t> columns(flow.boxes.size(), 0);
  const std::vector<Extent> extents = extents_of(flow, heights, limits);
  double height = 0;
  for (const Extent& each : extents) height = std::max(height, each.bottom);
  if (height <= limits.tallest) return columns;
  const double beside = std::max(1.0, std::accumulate(heights.begin(), heights.end(), 0.0) / height);
  const double ideal = std::max(limits.least, std::sqrt(height * 2 * beside * limits.box_width));
  const auto count = static_cast<std::size_t>(std::ceil(height / ideal));
  const double share = height / static_cast<double>(count);
  constexpr double kReach = 0.2;  // of a column
  std::vector<double> breaks;
  for (std::size_t i = 1; i < count; ++i) {
    breaks.push_back(best_break(share * static_cast<double>(i), kReach * share, flow, extents));
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i] = static_cast<std::size_t>(
        std::ranges::count_if(breaks, [&](double at) { return at <= extents[i].top; }));
  }
  return columns;
}

}  // namespace qprep
