#include "driver/count_plan.h"

#include <algorithm>
#include <string>
#include <vector>

#include "plan/listed.h"
#include "quant/fake_quant.h"

namespace qprep {
namespace {

DtypeCounts& counts_of(PrepareResult& result, Role role) {
  return role == Role::kWeight     ? result.weights
         : role == Role::kConstant ? result.constants
                                   : result.activations;
}

}  // namespace

void uncount(PrepareResult& result, const Decision& decision) {
  DtypeCounts& counts = counts_of(result, decision.role);
  const auto at = counts.find(std::string(to_text(decision.spec)));
  if (at != counts.end() && --at->second == 0) counts.erase(at);
}

void count_plan(const Plan& plan, const Report& report, const Composites& composites, PrepareResult& result) {
  const auto count = [&](const Decision& decision) {
    ++counts_of(result, decision.role)[std::string(to_text(decision.spec))];
  };
  for (const auto& [value, decision] : plan.values) count(decision);
  for (const auto& [value, decision] : plan.carried) {
    const Node& maker = *value->producer();
    if (is_fake_quantize(maker) || maker.is("DequantizeLinear")) count(decision);
  }
  for (const ReportNode& node : report.nodes) {
    ++(node.device == Device::kBpu ? result.bpu_nodes : result.cpu_nodes);
    if (node.segment)
      result.segments = std::max(result.segments, static_cast<std::size_t>(*node.segment) + 1);
  }
  result.fuses_nothing = !report.fuses_nothing.empty();
  for (const ReportGroup& unit : report.units) {
    result.fused += unit.kind == ReportGroup::Kind::kSequence ? 1 : 0;
    result.composites += unit.kind == ReportGroup::Kind::kComposite ? 1 : 0;
  }
  const std::vector<CompositePattern>& patterns = composites.patterns;
  for (const Miss& miss : plan.misses) {
    if (miss.pattern == kListed) continue;
    const bool composite = std::any_of(patterns.begin(), patterns.end(), [&](const CompositePattern& each) {
      return each.name == miss.pattern;
    });
    ++(composite ? result.missed_composites : result.not_fused);
  }
}

}  // namespace qprep
