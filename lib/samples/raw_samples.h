#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/tensor.h"
#include "runtime/port.h"
#include "samples/judge_samples.h"
#include "support/diagnostics.h"

/// Samples as the vendor's tools take them: a folder for each input, a file for each sample that holds
/// nothing but the numbers of one tensor, row by row; or .npy files.
namespace qprep {

struct RawInput {
  Port port;                                 // the name of the input, and what one file holds
  std::string folder;                        // with the path
  bool bytes = false;                        // files without a header hold uint8, else float32
  std::function<Tensor(Tensor)> adapt = {};  // what the model takes, of a file's tensor; may be empty
  std::optional<Promise> promise = {};       // what a file's numbers are
};

/// The sizes of the tensor in a file without a header of so many bytes: those of the input, of which one may
/// be open. Fatal (bad-sample): it cannot hold such a tensor. `where`: where a configuration says sizes.
Dims headless_dims(const std::string& file, const Port& input, DType stored, std::size_t bytes,
                   std::string_view where);

/// Every file of the folder that is not hidden, by name. Errors in `diagnostics`: a folder that cannot be
/// read, or is empty.
std::vector<std::string> files_in(const RawInput& input, Diagnostics& diagnostics);

/// Errors in `diagnostics`: a file that cannot hold such a tensor; one without a header has another size.
void check_raw_sample(const std::string& file, const RawInput& input, Diagnostics& diagnostics);

/// The tensor, not yet adapted. uint8 becomes float32 where the input takes that. Throws Fatal as above.
Tensor read_raw_sample(const std::string& file, const RawInput& input);

}  // namespace qprep
