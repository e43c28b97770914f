#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace qprep {

/// Names that something holds for, gathered by what it speaks of and its reason. Reasons that differ in names
/// only are one, with '...' for the names.
class ByReason {
 public:
  struct Row {
    std::string of, because;
    std::vector<std::string> names;
  };

  void add(const std::string& of, const std::string& because, const std::string& name);
  /// The most frequent first.
  std::vector<Row> rows() const;

 private:
  std::vector<Row> rows_;
  std::map<std::pair<std::string, std::string>, std::size_t> at_;
};

}  // namespace qprep
