#include "report/checks.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "plan/listed.h"
#include "report/devices.h"
#include "report/page.h"

namespace qprep {
namespace {

/// The averaging constant of a FakeQuantize that follows its data while it is trained.
constexpr float kUsualAveraging = 0.01F;

bool is_float(const ReportSlot& slot) {
  return slot.dtype == "float32" || slot.dtype == "float16" || slot.dtype == "bfloat16" ||
         slot.dtype == "float64";
}

/// ['qint8', 'qint16']
std::string list_text(const std::vector<std::string>& dtypes) {
  return dtypes.empty() ? "[]" : fmt::format("['{}']", fmt::join(dtypes, "', '"));
}

/// What enters and leaves a kernel: a unit, or a node that is in none.
struct Kernel {
  std::vector<const ReportNode*> nodes;
  std::vector<std::string> inputs;   // dtypes of the data from outside that are quantised or float
  std::vector<std::string> outputs;  // of its last node

  const ReportNode& last() const { return *nodes.back(); }
};

std::vector<Kernel> kernels_on_bpu(const Report& report) {
  std::vector<Kernel> kernels;
  std::unordered_map<int, std::size_t> of_unit;
  for (const ReportNode& node : report.nodes) {
    if (node.device != Device::kBpu) continue;
    const std::size_t next = kernels.size();
    const std::size_t at = node.unit ? of_unit.emplace(*node.unit, next).first->second : next;
    if (at == next) kernels.emplace_back();
    kernels[at].nodes.push_back(&node);
  }
  for (Kernel& kernel : kernels) {
    std::set<std::string> inside;
    for (const ReportNode* node : kernel.nodes) {
      for (const ReportSlot* slot : data_inputs(*node)) {
        if ((slot->spec || is_float(*slot)) && !inside.contains(slot->name))
          kernel.inputs.push_back(slot->dtype);
      }
      for (const ReportSlot& slot : node->outputs) inside.insert(slot.name);
    }
    for (const ReportSlot& slot : kernel.last().outputs) {
      if (slot.spec || is_float(slot)) kernel.outputs.push_back(slot.dtype);
    }
  }
  return kernels;
}

bool is_quantised(const std::string& dtype) { return dtype.starts_with("qint"); }

Verdict verdict(std::string topic, bool ok, std::string sentence) {
  return {std::move(topic), ok ? "ok" : "check", std::move(sentence)};
}

std::set<std::string_view> read_on_bpu(const Report& report) {
  std::set<std::string_view> read;
  for (const ReportNode& node : report.nodes) {
    if (node.device != Device::kBpu) continue;
    for (const ReportSlot& slot : node.inputs) read.insert(slot.name);
  }
  return read;
}

/// It has a layer that can have a high-precision output, and nothing on the BPU reads what it makes.
bool ends_segment(const Kernel& kernel, const std::set<std::string_view>& read_on_bpu) {
  const ReportNode& last = kernel.last();
  const bool layer =
      std::ranges::any_of(kernel.nodes, [](const ReportNode* node) { return node->weight.has_value(); });
  const bool can = std::ranges::all_of(
      kernel.nodes, [](const ReportNode* node) { return !node->weight || node->makes_int32; });
  return layer && can && last.segment && std::ranges::none_of(last.outputs, [&](const ReportSlot& slot) {
           return read_on_bpu.contains(slot.name);
         });
}

}  // namespace

std::vector<const ReportSlot*> data_inputs(const ReportNode& node) {
  std::vector<const ReportSlot*> data;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const ReportSlot& slot = node.inputs[i];
    const bool is_parameter = slot.constant && !(slot.spec && slot.role != Role::kWeight);
    if (!slot.name.empty() && i != node.weight && !is_parameter) data.push_back(&slot);
  }
  return data;
}

std::vector<Hint> qconfig_hints(const Report& report) {
  std::map<const ReportNode*, std::vector<std::string>> messages;
  const std::set<std::string_view> read = read_on_bpu(report);
  for (const Kernel& kernel : kernels_on_bpu(report)) {
    const ReportNode& last = kernel.last();
    const bool float_output = std::any_of(kernel.outputs.begin(), kernel.outputs.end(),
                                          [](const auto& d) { return !is_quantised(d); });
    if (float_output) {
      messages[&last].push_back(last.feeds_output ? "activation is None. Maybe output layer?"
                                                  : "activation is None.");
    }
    if (!float_output && ends_segment(kernel, read)) {
      messages[&last].push_back(fmt::format("No high-precision output at the end of id({}).", *last.segment));
    }
    std::set<std::string> formats(kernel.inputs.begin(), kernel.inputs.end());
    const bool mixed_inputs = formats.size() > 1;
    if (!float_output) formats.insert(kernel.outputs.begin(), kernel.outputs.end());
    if (mixed_inputs || formats.size() > 1) {
      messages[&last].push_back(fmt::format("Mixed input dtype {} and output dtype {}",
                                            list_text(kernel.inputs), list_text(kernel.outputs)));
    }
  }
  std::vector<Hint> hints;
  for (const ReportNode& node : report.nodes) {
    if (node.weight && node.inputs[*node.weight].dtype == "qint16")
      messages[&node].insert(messages[&node].begin(), "qint16 weight!");
    for (const ReportSlot& slot : node.outputs) {
      if (slot.spec && slot.spec->averaging_constant != kUsualAveraging) {
        messages[&node].push_back(fmt::format("averaging_constant={}", slot.spec->averaging_constant));
      }
      if (slot.fixed_scale) messages[&node].push_back(fmt::format("Fixed scale {}", *slot.fixed_scale));
    }
    const auto found = messages.find(&node);
    if (found == messages.end()) continue;
    for (std::string& message : found->second) hints.push_back({node.name, node.op, std::move(message)});
  }
  return hints;
}

std::vector<Hint> abnormal_compute_types(const Report& report) {
  std::vector<Hint> found;
  for (const ReportNode& node : report.nodes) {
    const std::vector<const ReportSlot*> data = data_inputs(node);
    if (!node.weight || data.empty()) continue;
    const ReportSlot& weight = node.inputs[*node.weight];
    if (is_quantised(weight.dtype) != is_quantised(data.front()->dtype)) {
      found.push_back({node.name, node.op, fmt::format("{}*{}", data.front()->dtype, weight.dtype)});
    }
  }
  return found;
}

std::vector<Hint> float_inputs(const Report& report) {
  std::vector<Hint> found;
  for (const Kernel& kernel : kernels_on_bpu(report)) {
    if (only_quantises(*kernel.nodes.front())) continue;
    const bool reads_float = std::any_of(kernel.inputs.begin(), kernel.inputs.end(),
                                         [](const auto& d) { return !is_quantised(d); });
    if (reads_float)
      found.push_back({kernel.nodes.front()->name, kernel.nodes.front()->op, list_text(kernel.inputs)});
  }
  return found;
}

namespace {

/// How many batch norms could be folded, and how many of these stand in sequences that could be one unit.
std::pair<std::size_t, std::size_t> foldable_norms(const Report& report) {
  std::unordered_set<std::string_view> missed;
  for (const ReportSequence& sequence : report.fusable) {
    for (const auto& [name, op] : sequence.nodes) missed.insert(name);
  }
  std::size_t foldable = 0, in_sequences = 0;
  for (const ReportStandingNorms& each : report.batch_norms) {
    if (!each.foldable) continue;
    foldable += each.nodes.size();
    in_sequences += static_cast<std::size_t>(
        std::ranges::count_if(each.nodes, [&](const std::string& name) { return missed.contains(name); }));
  }
  return {foldable, in_sequences};
}

/// So that nobody adds them up.
std::string where_they_stand(std::size_t norms, std::size_t in_sequences) {
  if (in_sequences == 0) return "";
  if (norms == 1) return ", in one of these sequences";
  return in_sequences == norms ? ", each in one of these sequences"
                               : fmt::format(", {} of them in these sequences", in_sequences);
}

}  // namespace

std::vector<Verdict> summary(const Report& report) {
  std::size_t averaging = 0, without_weights = 0;
  for (const ReportNode& node : report.nodes) {
    for (const ReportSlot& slot : node.outputs)
      averaging += slot.spec && slot.spec->averaging_constant != kUsualAveraging;
    without_weights += node.weight && !node.inputs[*node.weight].spec;
  }
  const std::size_t hints = qconfig_hints(report).size() + abnormal_compute_types(report).size();
  const std::size_t floats = float_inputs(report).size();
  const auto listed =
      static_cast<std::size_t>(std::count_if(report.fusable.begin(), report.fusable.end(),
                                             [](const auto& each) { return each.pattern == kListed; }));
  const std::size_t missed = report.fusable.size() - listed;
  const auto [foldable, in_sequences] = foldable_norms(report);
  const auto missed_text = [&]() -> std::string {
    if (missed > 0) {
      return counted(missed, "sequence or composite operator could be one unit and is",
                     "sequences and composite operators could be one unit and are") +
             " not";
    }
    return report.fuses_nothing.empty() ? "all fusable sequences are fused"
                                        : "nothing is fused, as the configuration says; no sequence could be";
  };
  std::string fused = missed_text();
  if (foldable > 0) {
    fused += "; " +
             counted(foldable, "batch norm could be folded and is", "batch norms could be folded and are") +
             " not";
    fused += where_they_stand(foldable, in_sequences);
  }
  if (listed > 0) {
    fused += "; " + counted(listed, "list of 'fuse' is no sequence", "lists of 'fuse' are no sequences") +
             " that the target fuses";
  }
  return {
      verdict("device", fallbacks(report).empty(), where_nodes_run(report)),
      verdict("fuse", report.fusable.empty() && foldable == 0, std::move(fused)),
      verdict("share", report.shared.empty(),
              report.shared.empty()
                  ? "no weight serves several nodes"
                  : counted(report.shared.size(), "weight serves", "weights serve") +
                        " several nodes: a risk only where the ranges of their data differ"),
      verdict("qconfig", hints == 0 && without_weights == 0,
              hints + without_weights == 0
                  ? "every output and weight on the BPU is quantised in one format"
                  : fmt::format("{} to confirm, {} float", counted(hints, "hint", "hints"),
                                counted(without_weights, "weight is", "weights are"))),
      verdict("averaging_constant", averaging == 0,
              averaging == 0
                  ? fmt::format("{} everywhere", kUsualAveraging)
                  : counted(averaging, "output has", "outputs have") + " another one: 0 is a frozen scale"),
      verdict("float inputs", floats == 0,
              floats == 0
                  ? "no kernel on the BPU reads a float tensor"
                  : counted(floats, "kernel on the BPU reads", "kernels on the BPU read") + " float tensors"),
  };
}

}  // namespace qprep
