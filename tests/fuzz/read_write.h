#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "ir/verify.h"
#include "onnx_io/onnx_file.h"

namespace qprep {

/// What must hold for any bytes: they are refused with a sentence (Fatal), or they are a sound model whose
/// written form reads back as a sound model with the same written form. Throws std::logic_error where that
/// fails.
inline void check_read_write(std::span<const std::byte> bytes) {
  const auto sound_text = [](std::span<const std::byte> model_bytes, std::shared_ptr<const void> owner) {
    Diagnostics diagnostics;
    const OnnxFile file = parse_onnx(model_bytes, std::move(owner), "no-such-folder/fuzz.onnx", diagnostics);
    const std::vector<std::string> problems = verify(file.model);
    if (!problems.empty()) throw std::logic_error("unsound: " + problems.front());
    return std::make_shared<const std::string>(serialize_onnx(file));
  };

  std::shared_ptr<const std::string> written;
  try {
    written = sound_text(bytes, nullptr);
  } catch (const Fatal&) {
    return;
  }
  try {
    const auto again = sound_text(std::as_bytes(std::span(*written)), written);
    if (*again != *written) throw std::logic_error("the second writing differs from the first");
  } catch (const Fatal& refusal) {
    throw std::logic_error(std::string("what was written is refused: ") + refusal.what());
  }
}

}  // namespace qprep
