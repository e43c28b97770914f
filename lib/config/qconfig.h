#pragma once

#include <string>
#include <vector>

#include "config/reading.h"
#include "plan/setting.h"

namespace qprep {

/// What a qconfig says of one slot, and where.
struct Said {
  Slot slot = Slot::kOutput;
  Says says = Precision::kInt8;
  Where where;
  std::string key;  // "activation", "output_activation"
};

/// How activations and weights are quantised: a QConfig of PyTorch, or a QuantizationConfig of a quantizer.
struct Qconfig {
  bool skip = false;  // null: what it is for stays float
  Where where;
  std::vector<Said> said;
};

/// Reads a QConfig: null, a dtype (of the activation), the name of a predefined one, or a map of `activation`
/// and `weight`, or of the arguments of get_default_qconfig and get_default_qat_qconfig. `what` names it in
/// messages.
Qconfig read_qconfig(const YamlNode& node, const std::string& what, const Reading& reading);

/// Appends what it says of the nodes that the selector names; null for all nodes is float activations and
/// weights.
void append_settings(const Selector& selector, const Qconfig& qconfig, const std::string& what,
                     std::vector<Setting>& settings);

/// For a list in which what nobody speaks of stays float: a node that is quantised by its name reads what is
/// quantised likewise. Result: for each setting of a named node's output one for its inputs.
std::vector<Setting> inputs_of(const std::vector<Setting>& settings);

/// Float for all nodes, of the lowest priority: activations and weights, where the settings do not speak of
/// those of all nodes anyway.
void append_float(const Where& where, const std::string& what, std::vector<Setting>& settings);

}  // namespace qprep
