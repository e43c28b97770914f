#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"
#include "report/segments.h"

namespace qprep {

/// A tensor that one part of the hardware makes and another reads: the CPU, or a segment of the BPU.
struct Crossing {
  std::string tensor;
  std::string made_by = {};  // the node that makes it, where a replacement put the tensor in; else empty
  std::string from = {};     // "CPU", "id(0)"
  std::string to = {};
  std::string dtype = {};  // as it crosses: "qint8" where the reader takes it quantised, else as it was made
  std::string shape = {};  // "[1,64,N,?]"; "[*]" for an unknown rank
  std::optional<std::int64_t> bytes = {};  // nullopt: a size is unknown
};

/// The crossings of a model in graph order, each tensor once for each of its destinations. The model's own
/// inputs and outputs are none, nor are constants and what is computed from shapes alone.
std::vector<Crossing> crossings_of(const Model& model, const Plan& plan, const Segments& segments);

/// A tensor as this input of a node takes it, and as the model's caller gets it; `from` and `to` stay empty.
Crossing tensor_as_read(const Value& value, const Node& node, std::size_t input, const Plan& plan);
Crossing tensor_as_made(const Value& value, const Plan& plan);

nlohmann::ordered_json to_json(const Crossing& crossing);

}  // namespace qprep
