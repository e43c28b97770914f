#include "case_file.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace qprep::golden {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = "--- ";

fs::path root() { return fs::path(QPREP_SOURCE_DIR) / "testdata/golden"; }

}  // namespace

CaseFile::CaseFile(fs::path path) : path_(std::move(path)) {
  std::ifstream file(path_);
  std::string line;
  std::string* section = nullptr;
  while (std::getline(file, line)) {
    if (line.starts_with(kMark)) {
      const std::string name = line.substr(kMark.size());
      const auto [at, added] = sections_.emplace(name, "");
      if (!added) throw std::runtime_error(path_.string() + ": section '" + name + "' stands twice");
      order_.push_back(name);
      section = &at->second;
    } else if (section) {
      *section += line + '\n';
    } else {
      throw std::runtime_error(path_.string() + ": text before the first section");
    }
  }
}

std::string CaseFile::name() const { return fs::relative(path_, root()).replace_extension().string(); }

bool CaseFile::has(std::string_view section) const { return sections_.find(section) != sections_.end(); }

std::vector<std::string> CaseFile::sections() const {
  std::vector<std::string> names = order_;
  std::erase_if(names, [](const std::string& name) { return name == "args" || name == "expect"; });
  return names;
}

std::string CaseFile::text(std::string_view section) const {
  const auto at = sections_.find(section);
  return at == sections_.end() ? "" : at->second;
}

std::vector<std::string> CaseFile::words(std::string_view section) const {
  std::istringstream text(this->text(section));
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(word);
  return words;
}

void CaseFile::rewrite_expectation(const std::string& text) const {
  std::ofstream file(path_);
  for (const std::string& name : order_) {
    if (name != "expect") file << kMark << name << '\n' << sections_.at(name);
  }
  file << kMark << "expect\n" << text;
  if (!file.flush()) throw std::runtime_error(path_.string() + ": cannot be written");
}

std::vector<fs::path> all_cases() {
  std::vector<fs::path> cases;
  for (const auto& entry : fs::recursive_directory_iterator(root())) {
    if (entry.is_regular_file() && entry.path().extension() == ".txt") cases.push_back(entry.path());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

}  // namespace qprep::golden
