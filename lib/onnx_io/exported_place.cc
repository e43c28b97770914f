#include "onnx_io/exported_place.h"

#include <onnx/onnx_pb.h>
#include <string_view>
#include <vector>

namespace qprep {
namespace {

constexpr const char* kNameScopes = "pkg.torch.onnx.name_scopes";

/// The texts of a list as Python prints it; empty for anything else, escapes included, which no name of a
/// module has.
std::vector<std::string> python_list(std::string_view text) {
  std::vector<std::string> items;
  if (!text.starts_with('[') || !text.ends_with(']')) return items;
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    const char quote = text.front();
    const std::size_t end = text.find(quote, 1);
    if ((quote != '\'' && quote != '"') || end == std::string_view::npos) return {};
    items.emplace_back(text.substr(1, end - 1));
    if (items.back().find('\\') != std::string::npos) return {};
    text.remove_prefix(end + 1);
    if (text.empty()) return items;
    if (!text.starts_with(", ")) return {};
    text.remove_prefix(2);
  }
  return items;
}

}  // namespace

std::string exported_place(const onnx::NodeProto& node) {
  for (const onnx::StringStringEntryProto& entry : node.metadata_props()) {
    if (entry.key() != kNameScopes) continue;
    const std::vector<std::string> scopes = python_list(entry.value());
    if (scopes.empty()) return "";
    const std::string& module = scopes.size() > 1 ? scopes[scopes.size() - 2] : scopes.back();
    return scopes.size() < 2 || module.empty() ? scopes.back() : module + '.' + scopes.back();
  }
  return "";
}

}  // namespace qprep
