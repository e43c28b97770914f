#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"

namespace qprep {

/// What `qprep inspect` shows of a model.
struct InspectResult {
  struct Port {
    std::string name;
    std::string type;  // "float32[1,3,N,?]"
  };

  std::string file;
  std::int64_t ir_version = 0;
  Opsets opsets;
  std::vector<Port> inputs, outputs;
  std::map<std::string, std::size_t> operators;  // "Conv", "com.microsoft::FusedConv"; bodies included
  std::size_t nodes = 0;                         // bodies included
  std::size_t functions = 0;
  std::size_t initializers = 0;
  std::uint64_t payload_bytes = 0;                     // of the initializers
  std::map<std::string, std::uint64_t> bytes_by_type;  // "float32" to bytes of initializers
  std::size_t bpu_nodes = 0, cpu_nodes = 0, segments = 0;
  std::map<std::string, std::size_t> activations, weights,
      constants;  // "qint8" to tensors that would be quantised
  std::vector<std::pair<std::string, std::size_t>>
      float_because;  // why nodes stay float, names left out; the most frequent first
};

/// Given: the plan was made for this model (of a copy of it that the rewriting passes have simplified, the
/// report would speak of fewer nodes).
InspectResult inspect(const Model& model, const Plan& plan);

std::string to_text(const InspectResult& result);
nlohmann::ordered_json to_json(const InspectResult& result);

}  // namespace qprep
