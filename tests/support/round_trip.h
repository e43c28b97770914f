#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>

#include "ir/dump.h"
#include "ir/verify.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "support/diagnostics.h"

namespace qprep::test {

enum class Outcome { kRefused, kModel };

/// The first lines of two texts that differ; empty if none do.
inline std::string difference_of_texts(const std::string& one, const std::string& other) {
  std::istringstream first(one), second(other);
  for (std::string a, b; first || second;) {
    const bool in_first = static_cast<bool>(std::getline(first, a));
    const bool in_second = static_cast<bool>(std::getline(second, b));
    if (in_first != in_second || (in_first && a != b)) {
      return "'" + (in_first ? a : "(end)") + "' and '" + (in_second ? b : "(end)") + "'";
    }
  }
  return {};
}

/// What must hold for any bytes at all: they are refused with a sentence, or they are a sound model which is
/// written as something that reads as the same model, is written again as the same bytes, and of which shapes
/// can be inferred. std::logic_error with what does not hold.
inline Outcome check_round_trip(std::span<const std::byte> bytes) {
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw std::logic_error(what);
  };
  const std::string name = "/nowhere/model.onnx";  // so that no external data are found
  Diagnostics diagnostics;
  OnnxFile file;
  try {
    file = parse_onnx(bytes, nullptr, name, diagnostics);
  } catch (const Fatal& refused) {
    require(refused.diagnostics().size() == 1 && refused.diagnostics()[0].message.size() > 10, "no sentence");
    return Outcome::kRefused;
  }
  for (const std::string& problem : verify(file.model)) throw std::logic_error("verify: " + problem);
  const auto written = std::make_shared<const std::string>(serialize_onnx(file));
  const OnnxFile again = parse_onnx(std::as_bytes(std::span(*written)), written, name, diagnostics);
  const std::string changed = difference_of_texts(dump(file.model), dump(again.model));
  require(changed.empty(), "what was written reads as another model: " + changed);
  require(serialize_onnx(again) == *written, "a second copy differs from the first");
  infer_shapes(file, diagnostics);
  for (const std::string& problem : verify(file.model)) throw std::logic_error("after inference: " + problem);
  require(serialize_onnx(file) == *written, "shape inference changed what is written");
  return Outcome::kModel;
}

}  // namespace qprep::test
