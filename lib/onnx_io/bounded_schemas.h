#pragma once

#include <memory>
#include <onnx/defs/schema.h>
#include <string>
#include <unordered_map>

namespace qprep {

/// ONNX's operators for shape inference, of which none follows the contents of a long tensor. Inference takes
/// any tensor of one axis for a possible shape, as many dims as it has elements: x of float[2^40] would fill
/// the memory, and so would Concat(s, s) of a shape, forty times over.
class BoundedSchemas final : public onnx::ISchemaRegistry {
 public:
  const onnx::OpSchema* GetSchema(const std::string& op, int most_recent_version,
                                  const std::string& domain) const override;

 private:
  /// Copies of those that follow contents.
  mutable std::unordered_map<const onnx::OpSchema*, std::unique_ptr<const onnx::OpSchema>> bounded_;
};

}  // namespace qprep
