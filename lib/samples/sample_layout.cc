#include "samples/sample_layout.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

#include "support/codes.h"
#include "support/mapped_file.h"
#include "support/text.h"

namespace qprep {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kIndex = "index.json";

std::vector<std::string> names_of(std::span<const Port> inputs) {
  std::vector<std::string> names;
  for (const Port& input : inputs) names.push_back(input.name);
  return names;
}

std::string quoted_list(const std::vector<std::string>& words) {
  return words.empty() ? "none" : "'" + join(words, "', '") + "'";
}

/// index.json: {"inputs": [{"name": ..., "folder": ...}, ...]}; other keys say more to people.
class Index {
 public:
  Index(const fs::path& root, std::span<const Port> inputs, Diagnostics& diagnostics)
      : root_(root), file_((root / kIndex).string()), inputs_(inputs), diagnostics_(diagnostics) {}

  std::vector<InputFolder> read() {
    const json index = parsed();
    const auto entries = index.is_object() ? index.find("inputs") : index.end();
    if (!index.is_object() || entries == index.end() || !entries->is_array()) {
      wrong("it has no list \"inputs\" of {\"name\": ..., \"folder\": ...}");
      return {};
    }
    for (const json& entry : *entries) add(entry);
    const bool misspelt = std::any_of(foreign_.begin(), foreign_.end(), [&](const std::string& name) {
      return !did_you_mean(name, names_of(inputs_)).empty();
    });
    if (folders_.empty() && !foreign_.empty() && !misspelt) {
      diagnostics_.error(
          codes::kBadSample,
          fmt::format("these are samples of another model: {} has the inputs {}, the model has {}", kIndex,
                      quoted_list(foreign_), quoted_list(names_of(inputs_))),
          {root_.string()});
      return {};
    }
    for (const std::string& name : foreign_) {
      wrong(fmt::format("the model has no input '{}'{}; its inputs are {}", name,
                        did_you_mean(name, names_of(inputs_)), quoted_list(names_of(inputs_))));
    }
    for (const Port& input : inputs_) {
      if (!input.has_default && !seen_.contains(input.name)) {
        wrong(fmt::format("it has no entry for the model's input '{}'", input.name));
      }
    }
    return std::move(folders_);
  }

 private:
  void wrong(std::string message, int line = 0) {
    diagnostics_.error(codes::kBadSample, std::move(message), {file_, line});
  }

  json parsed() {
    const auto mapped = MappedFile::open(file_);
    const auto* text = reinterpret_cast<const char*>(mapped->bytes().data());
    try {
      return json::parse(text, text + mapped->bytes().size());
    } catch (const json::parse_error& error) {
      const auto before = std::min(error.byte, mapped->bytes().size());
      wrong("it is no JSON here", 1 + static_cast<int>(std::count(text, text + before, '\n')));
      diagnostics_.throw_if_error();
      throw;
    }
  }

  void add(const json& entry) {
    const auto text = [&](const char* key) {
      const auto found = entry.is_object() ? entry.find(key) : entry.end();
      return entry.is_object() && found != entry.end() && found->is_string() ? found->get<std::string>()
                                                                             : std::string();
    };
    const std::string name = text("name"), folder = text("folder");
    if (name.empty() || folder.empty()) {
      wrong("an entry of \"inputs\" lacks \"name\" or \"folder\"");
      return;
    }
    const auto input =
        std::find_if(inputs_.begin(), inputs_.end(), [&](const Port& p) { return p.name == name; });
    if (input == inputs_.end()) {
      foreign_.push_back(name);
      return;
    }
    if (!seen_.insert(name).second) {
      wrong(fmt::format("the input '{}' has two entries", name));
      return;
    }
    const fs::path relative = fs::path(folder).lexically_normal();
    if (relative.is_absolute() || *relative.begin() == "..") {
      wrong(fmt::format("the folder '{}' of input '{}' is not inside {}", folder, name, root_.string()));
      return;
    }
    folders_.push_back({*input, (root_ / relative).string()});
  }

  const fs::path& root_;
  std::string file_;
  std::span<const Port> inputs_;
  Diagnostics& diagnostics_;
  std::vector<InputFolder> folders_;
  std::set<std::string> seen_;
  std::vector<std::string> foreign_;  // inputs that the model does not have
};

std::vector<std::string> folders_in(const fs::path& root) {
  std::vector<std::string> folders;
  for (const fs::directory_entry& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) continue;
    if (entry.is_directory()) folders.push_back(name);
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

std::vector<InputFolder> by_name(const fs::path& root, std::span<const Port> inputs,
                                 const std::vector<std::string>& folders, Diagnostics& diagnostics) {
  std::vector<InputFolder> found;
  std::set<std::string> used;
  for (const Port& input : inputs) {
    for (const std::string& name : {input.name, folder_name(input.name)}) {
      if (!std::binary_search(folders.begin(), folders.end(), name)) continue;
      if (!used.insert(name).second) {
        diagnostics.error(codes::kBadSample,
                          fmt::format("the folder '{}' fits several inputs of the model; say in {} "
                                      "which is whose",
                                      name, kIndex),
                          {root.string()});
      }
      found.push_back({input, (root / name).string()});
      break;
    }
  }
  if (found.empty()) return found;
  for (const Port& input : inputs) {
    const bool has_folder = std::any_of(found.begin(), found.end(),
                                        [&](const InputFolder& f) { return f.port.name == input.name; });
    if (!has_folder && !input.has_default) {
      diagnostics.error(codes::kBadSample,
                        fmt::format("it has no folder '{}' for the model's input '{}'; its folders are {}",
                                    folder_name(input.name), input.name, quoted_list(folders)),
                        {root.string()});
    }
  }
  for (const std::string& name : folders) {
    if (used.contains(name)) continue;
    diagnostics.warning(codes::kBadSample,
                        fmt::format("the folder is left out: the model has no input '{}'{}", name,
                                    did_you_mean(name, names_of(inputs))),
                        {(root / name).string()});
  }
  return found;
}

}  // namespace

std::string folder_name(const std::string& input) {
  std::string name;
  for (const char c : input) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    if (plain) {
      name += c;
    } else if (c == '_' || !name.ends_with('_')) {
      name += '_';
    }
  }
  const std::size_t first = name.find_first_not_of("._");
  if (first == name.npos) return "input";
  return name.substr(first, name.find_last_not_of("._") - first + 1);
}

std::vector<InputFolder> find_input_folders(const std::string& folder, std::span<const Port> inputs,
                                            Diagnostics& diagnostics) {
  const fs::path root = folder;
  if (!fs::is_directory(root)) {
    diagnostics.error(
        codes::kBadSample,
        fs::exists(root) ? "the samples are no folder" : "the folder of the samples does not exist",
        {folder});
    return {};
  }
  if (fs::exists(root / kIndex)) return Index(root, inputs, diagnostics).read();

  return by_name(root, inputs, folders_in(root), diagnostics);
}

}  // namespace qprep
