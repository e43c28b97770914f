#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/port.h"

namespace qprep {

/// A model for ONNX Runtime. `bytes`: the serialised ModelProto, needed only while a Session is made.
/// `data_folder`: where its external data lies; empty if it has none.
struct SerialisedModel {
  std::string name;  // for messages
  std::span<const std::byte> bytes;
  std::string data_folder;
};

/// Called on the thread that runs the session with each probed tensor, while its buffer lives. See
/// runtime/probe.h. Must not throw.
using ProbeCallback = std::function<void(std::size_t probe, DType dtype, std::span<const std::int64_t> dims,
                                         std::span<const std::byte> elements)>;

/// Called with the number, the dims and the elements of a Simulate node's input, and where its output's go;
/// on the thread that runs the session. Given: as many of both. What it throws ends the run.
using SimulateCallback = std::function<void(std::size_t number, std::span<const std::int64_t> dims,
                                            std::span<const float> x, std::span<float> y)>;

struct SessionOptions {
  int intra_op_threads = 1;  // within one operator; 0 = as many as the machine has
  bool optimise = true;      // ONNX Runtime's own graph optimisations
  /// Sums of int8 products do not saturate at 16 bits on processors that have AVX2 but not VNNI. Not the
  /// default: ONNX Runtime 1.31 then refuses some models whose layers share a constant.
  bool exact_int8 = false;
  std::string library;        // see Library::get
  ProbeCallback probe;        // needed by models that append_probes made
  SimulateCallback simulate;  // needed by models with Simulate nodes
};

/// Input name to tensor.
using Feeds = std::map<std::string, Tensor>;

/// A model that ONNX Runtime has loaded. Inference only on the CPU. run() may be called from many threads at
/// once. Whatever ONNX Runtime refuses becomes Fatal(kRuntimeFailure) that names the model and the node or
/// input.
class Session {
 public:
  explicit Session(const SerialisedModel& model, const SessionOptions& options = {});
  /// A model file; its external data lies beside it.
  explicit Session(const std::string& path, const SessionOptions& options = {});

  /// The inputs that must be fed, then those with defaults; and the outputs, in the model's order. ONNX
  /// Runtime does not tell scalars from unknown ranks here: both come without a shape. input_ports knows
  /// better.
  const std::vector<Port>& inputs() const;
  const std::vector<Port>& outputs() const;

  /// Result: the outputs of these names, in this order; empty `names` = all of the model's. They own ONNX
  /// Runtime's buffers; nothing is copied. Sequences, maps and strings are refused by name.
  std::vector<Tensor> run(const Feeds& feeds, std::span<const std::string> names = {}) const;

 private:
  struct Loaded;
  std::shared_ptr<Loaded> loaded_;  // outputs share it
};

}  // namespace qprep
