#include "report/diagnostics_json.h"

namespace qprep {

nlohmann::ordered_json to_json(const Diagnostic& diagnostic) {
  nlohmann::ordered_json entry = {
      {"severity", to_text(diagnostic.severity)}, {"code", diagnostic.code}, {"message", diagnostic.message}};
  if (!diagnostic.where.file.empty()) entry["file"] = diagnostic.where.file;
  if (diagnostic.where.line > 0) entry["line"] = diagnostic.where.line;
  if (diagnostic.where.column > 0) entry["column"] = diagnostic.where.column;
  return entry;
}

nlohmann::ordered_json to_json(std::span<const Diagnostic> diagnostics) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Diagnostic& diagnostic : diagnostics) list.push_back(to_json(diagnostic));
  return list;
}

}  // namespace qprep
