#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/report.h"

/// What `qprep check` prints of a report: which device runs each node, and what that costs.
namespace qprep {

/// The multiplications of all nodes of one device that multiply the same formats.
struct Work {
  Device device = Device::kCpu;
  std::string formats;    // of data and weight: "qint8*qint8"
  std::int64_t macs = 0;  // of the nodes whose sizes are known, with saturation
  std::size_t nodes = 0;
  std::size_t unknown = 0;  // of these, those whose sizes are not known
};

/// In the order in which the formats first come, the BPU's first.
std::vector<Work> work_of(const Report& report);

/// A node of a model that carries scales, which no kernel runs by itself.
bool only_quantises(const ReportNode& node);

/// "12 nodes on the BPU in 2 segments, 5 on the CPU, 3 of them compute with the model's data".
std::string where_nodes_run(const Report& report);

/// The nodes on the CPU that compute something that depends on the numbers of the model's inputs: what keeps
/// the model from running on the BPU as a whole. What only moves elements follows its neighbours.
std::vector<const ReportNode*> fallbacks(const Report& report);

/// Node, ON, Subgraph, Type, In/Out DataType, as the vendor's checker writes it: a row for each node but
/// constants.
std::string device_table(const Report& report);

/// How many nodes and multiplications run where, what crosses between, and why nodes run on the CPU.
std::string device_summary(const Report& report);

/// The same as members "nodes", "work", "crossings", "cpu" and "table".
nlohmann::ordered_json devices_json(const Report& report);

/// name, deploy device, type: the contents of deploy_device.txt.
std::string deploy_devices(const Report& report);

}  // namespace qprep
