#pragma once

#include "ir/graph.h"
#include "support/diagnostics.h"

namespace qprep {

/// The vendor's HzQuantize and HzDequantize (domain `horizon`, as lower_to_horizon writes them) become
/// calibrated FakeQuantize nodes of the same scales, so that the model can be decided on and written in any
/// dialect.
///
/// A pair: HzDequantize reads what HzQuantize alone makes for it; both have the same constant scales, and
/// zero points 0; bits are 8 or 16. A pair per channel needs data of known rank. Others stay as they are,
/// with a note that says why. Given: model.opset() >= kFakeQuantizeOpset; else all stay.
///
/// Shape inference cannot look past the vendor's operators, so where pairs were read and others wait for the
/// rank of their data, inferring shapes and reading once more brings more.
struct HorizonPairs {
  bool read = false;            // some became FakeQuantize
  bool wait_for_ranks = false;  // some stay since the rank of their data is not known
};
HorizonPairs read_horizon(Model& model, Diagnostics& diagnostics);

}  // namespace qprep
