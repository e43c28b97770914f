#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "images/prepare_picture.h"
#include "ir/tensor.h"
#include "plan/sample_spec.h"
#include "runtime/port.h"

/// The files that samples are made of, whatever their format; docs/samples.md, "Files".
namespace qprep {

enum class FileFormat { kNpy, kNpz, kProto, kRaw, kPicture, kNone };

/// By the name alone. kNone: no sample.
FileFormat format_of(const std::string& file);

/// What kNone is not, for messages: ".npy, .npz, ...".
extern const char* const kFormatsText;

/// A file that holds an ONNX TensorProto, and the name of the tensor in it, which may be empty.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};
using ProtoReader = std::function<NamedTensor(const std::string& file)>;

/// A tensor of a sample: where it stands.
struct StoredTensor {
  std::string file;                  // empty: zeros, of a state
  std::string member;                // of a .npz file
  std::optional<std::int64_t> part;  // of so many along its first axis, as a tensor of which this has size 1
};

/// One input of a model, and how its samples are read.
struct SampleInput {
  Port port;
  SampleSpec spec;
  bool is_state = false;   // of the step before; the first is zeros, where the sample has no file for it
  Where state_where = {};  // where the configuration says so

  /// Bytes are pictures that are prepared as `spec` says; other arrays are fed as they are.
  bool takes_pictures() const { return spec.picture.has_value(); }
};

/// What is known of a stored tensor before its numbers are read. A picture is uint8[H,W,3].
struct TensorHeader {
  DType dtype = DType::kUndefined;
  Dims dims;
};

/// Throws Fatal (bad-sample) for a file that cannot be read as its name says. `protos` may be empty: then
/// TensorProtos are refused.
TensorHeader header_of(const StoredTensor& stored, const SampleInput& input, const ProtoReader& protos);

/// The numbers as they stand in the file, those of a picture included. Throws as header_of.
Tensor read_stored(const StoredTensor& stored, const SampleInput& input, const ProtoReader& protos);

/// Part `i` of a tensor along its first axis, which gets the size 1 or, with `drop_axis`, goes. Given: there
/// is one.
Tensor slice(const Tensor& tensor, std::int64_t i, bool drop_axis = false);

/// read_stored, of which the last whole tensor that parts were asked of is kept: the parts of one file are
/// mostly read one after the other. For many threads at once.
class PartReader {
 public:
  Tensor read(const StoredTensor& stored, const SampleInput& input, const ProtoReader& protos);

 private:
  std::mutex mutex_;
  StoredTensor last_;
  std::optional<Tensor> whole_;
};

}  // namespace qprep
