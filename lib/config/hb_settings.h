#pragma once

#include <string>
#include <vector>

#include "config/hb_file.h"
#include "plan/setting.h"

namespace qprep {

/// What a file of hb_mapper or hb_compile, or a quant_config, says of the nodes of a model.
struct HbSettings {
  std::vector<Setting> settings;               // the one of the highest priority first
  std::vector<Placed<std::string>> wants_bpu;  // nodes that it wants on the BPU
};

/// node_info, then what it says in the older way (set_node_data_type).
void read_node_info(const HbFile& file, const Findings& findings, HbSettings& settings);

/// run_on_cpu and run_on_bpu. Mistakes: a node that both name.
void read_run_on(const HbFile& file, const Findings& findings, HbSettings& settings);

/// The words of `optimization`, those about operators first.
void read_optimization(const HbFile& file, const Findings& findings, HbSettings& settings);

/// The words for the numbers of a node: "int8", "int16".
const std::vector<std::string>& hb_dtypes();

/// What a table of a program says of the node of this name, as it stands.
Setting setting_of_node(std::string name, Slot slot, Says says, Where where, std::string what);

/// ON, InputType, InputType0, ... and OutputType of one node; `key` is how messages call the table.
void read_node_entry(const std::string& key, const YamlNode::Entry& node, const Findings& findings,
                     HbSettings& settings);

}  // namespace qprep
