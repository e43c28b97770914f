#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "opset/adapters.h"

namespace qprep {

using Adapter = void (*)(Adaptation&);

/// What changes when an operator goes from one of its versions to the next.
struct Step {
  std::string_view op;
  std::int64_t from = 0;
  std::int64_t to = 0;
  Adapter adapt = nullptr;  // null: every node that was right under `from` means the same under `to`
  std::string_view reason;  // what the adapter does, or why none is needed
};

/// Every version step of every operator that ONNX has had since 1.0, by operator and version.
std::span<const Step> steps();

/// The last steps of operators that ONNX had as experimental ones and has no more, where ONNX Runtime still
/// knows them.
std::span<const Step> retired_steps();

}  // namespace qprep
