#include "report/report.h"

namespace qprep {
namespace {

const std::string kNoScale = "float, since the samples give it no scale: ";

}  // namespace

void leave_float(Report& report, const std::map<std::string, std::string, std::less<>>& because) {
  const auto visit = [&](ReportSlot& slot) -> const std::string* {
    const auto found = because.find(slot.name);
    if (found == because.end() || !slot.spec) return nullptr;
    slot.dtype = "float32";
    slot.spec.reset();
    return &found->second;
  };
  for (auto* slots : {&report.inputs, &report.outputs}) {
    for (ReportSlot& slot : *slots) {
      if (const std::string* why = visit(slot)) slot.because = kNoScale + *why;
    }
  }
  for (ReportNode& node : report.nodes) {
    for (ReportSlot& slot : node.inputs) visit(slot);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const std::string* why = visit(node.outputs[i]);
      if (why && i == 0) node.output_because = kNoScale + *why;
    }
  }
}

}  // namespace qprep
