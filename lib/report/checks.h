#pragma once

#include <string>
#include <vector>

#include "report/report.h"

/// What in a report a person should look at. A hint is never an error.
namespace qprep {

struct Hint {
  std::string name, op, message;
};

/// The inputs of a node that carry data: computed tensors, and constants that are quantised as such. Weights,
/// biases, shapes and other parameters are none.
std::vector<const ReportSlot*> data_inputs(const ReportNode& node);

/// "Please check if these OPs qconfigs are expected": in graph order.
std::vector<Hint> qconfig_hints(const Report& report);

/// Nodes that multiply data of one format with a weight of another: name, operator, "float32*qint8".
std::vector<Hint> abnormal_compute_types(const Report& report);

/// Nodes on the BPU that read a float tensor from outside their unit.
std::vector<Hint> float_inputs(const Report& report);

/// A line of the summary: what was looked at, "ok" or "check", and the sentence.
struct Verdict {
  std::string topic, state, sentence;
};
std::vector<Verdict> summary(const Report& report);

}  // namespace qprep
