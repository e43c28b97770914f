#include "samples/find_samples.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <set>

#include "samples/npz.h"
#include "samples/sample_layout.h"
#include "support/codes.h"
#include "support/mapped_file.h"
#include "support/near_file.h"
#include "support/text.h"

namespace qprep {
namespace {

namespace fs = std::filesystem;

Diagnostic finding(Severity severity, const std::string& file, std::string message) {
  return {severity, codes::kBadSample, std::move(message), {file, 0, 0}};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (!name.starts_with('.')) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// "input_3" as 3.
std::optional<std::size_t> numbered_input(std::string_view stem) {
  if (!stem.starts_with("input_")) return std::nullopt;
  stem.remove_prefix(6);
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  return error == std::errc() && end == stem.data() + stem.size() ? std::optional(number) : std::nullopt;
}

class Finder {
 public:
  Finder(const SamplePlace& place, std::span<const SampleInput> inputs, const ProtoReader& protos,
         Diagnostics& diagnostics)
      : place_(place), inputs_(inputs), protos_(protos), diagnostics_(diagnostics) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      ports_.push_back(inputs[i].port);
      if (!inputs[i].port.has_default) counted_.push_back(i);
      ports_[i].has_default = inputs[i].port.has_default || inputs[i].is_state;
      if (!ports_[i].has_default) required_.push_back(i);
    }
  }

  FoundSamples find() {
    if (!place_.files.empty()) {
      for (const ListedFile& file : place_.files) add_listed(file);
    } else {
      find_in_folder();
    }
    add_some(left_out_, diagnostics_);
    add_some(wrong_, diagnostics_);
    return result();
  }

 private:
  using Tensors = std::map<std::size_t, StoredTensor>;  // by the place of an input

  bool has_errors() const { return diagnostics_.count(Severity::kError) > 0; }

  void wrong(const std::string& file, std::string message) {
    wrong_.push_back(finding(Severity::kError, file, std::move(message)));
  }
  void left_out(const std::string& file, std::string message) {
    left_out_.push_back(finding(Severity::kWarning, file, std::move(message)));
  }

  std::optional<std::size_t> input_named(const std::string& name) const {
    for (std::size_t i = 0; i < ports_.size(); ++i) {
      if (ports_[i].name == name || folder_name(ports_[i].name) == name) return i;
    }
    return std::nullopt;
  }

  std::string inputs_text() const {
    std::vector<std::string> names;
    for (const Port& port : ports_) names.push_back("'" + port.name + "'");
    return join(names, ", ");
  }

  void find_in_folder() {
    const fs::path root = place_.name;
    const std::vector<InputFolder> folders = find_input_folders(place_.name, ports_, diagnostics_);
    if (!folders.empty()) return find_by_input(folders);
    if (has_errors()) return;
    bool any = false;
    for (const std::string& name : names_in(root)) {
      const std::string file = (root / name).string();
      const bool is_folder = fs::is_directory(file);
      const bool is_sample = is_folder ? holds_data_set(file) : format_of(name) != FileFormat::kNone;
      if (is_sample && (is_folder || required_.size() == 1 || format_of(name) == FileFormat::kNpz)) {
        add_item(name, file);
        any = true;
      } else if (!is_folder) {
        left_out(file, is_sample
                           ? "the file is left out: the model has several inputs, and it is of none by name"
                           : fmt::format("the file is left out: samples are {} files", kFormatsText));
      }
    }
    if (any) return;
    left_out_.clear();
    wrong(place_.name,
          fmt::format(
              "here is no index.json, no folder of samples with the name of an input ({}), no folder with "
              "input_0.pb, and no {}",
              inputs_text(),
              required_.size() == 1 ? fmt::format("file of a sample ({})", kFormatsText)
                                    : ".npz file; other files without a folder do only for a model with "
                                      "one input"));
  }

  /// A folder is one sample: test_data_set_0 and its like.
  bool holds_data_set(const std::string& folder) const {
    for (const std::string& name : names_in(folder)) {
      if (format_of(name) == FileFormat::kNone) continue;
      const std::string stem = fs::path(name).stem().string();
      if (numbered_input(stem) || input_named(stem)) return true;
    }
    return false;
  }

  void find_by_input(const std::vector<InputFolder>& folders) {
    std::vector<std::pair<std::size_t, std::vector<std::string>>> files;  // of each input's folder
    std::set<std::string> extensions;
    for (const InputFolder& folder : folders) {
      std::vector<std::string> samples;
      try {
        for (const std::string& name : names_in(folder.folder)) {
          const std::string file = (fs::path(folder.folder) / name).string();
          if (fs::is_directory(file)) continue;
          if (format_of(name) != FileFormat::kNone) {
            samples.push_back(name);
            extensions.insert(fs::path(name).extension().string());
          } else {
            left_out(file, fmt::format("the file is left out: samples are {} files", kFormatsText));
          }
        }
      } catch (const fs::filesystem_error& error) {
        diagnostics_.error(codes::kBadSample,
                           fmt::format("the folder for the model's input '{}' cannot be read: {}",
                                       folder.port.name, error.code().message()),
                           {folder.folder, 0, 0});
        continue;
      }
      if (samples.empty()) {
        diagnostics_.error(codes::kBadSample,
                           fmt::format("here is no sample for the model's input '{}'; samples are {} files",
                                       folder.port.name, kFormatsText),
                           {folder.folder, 0, 0});
      }
      files.emplace_back(*input_named(folder.port.name), std::move(samples));
    }
    if (has_errors()) return;
    // A picture and an array can be one sample: then its name is without extension.
    const bool by_stem = extensions.size() > 1 && folders.size() > 1;
    std::set<std::string> all;
    const auto key = [&](const std::string& file) { return by_stem ? fs::path(file).stem().string() : file; };
    for (const auto& [input, names] : files) {
      for (const std::string& name : names) all.insert(key(name));
    }
    for (std::size_t i = 0; i < folders.size(); ++i) {
      const auto& [input, names] = files[i];
      std::map<std::string, std::string> by_key;
      for (const std::string& name : names) {
        const auto [first, is_new] = by_key.emplace(key(name), name);
        if (!is_new)
          wrong(folders[i].folder,
                fmt::format("'{}' and '{}' would be the same sample", first->second, name));
      }
      for (const std::string& sample : all) {
        const auto file = by_key.find(sample);
        const fs::path folder = folders[i].folder;
        if (file == by_key.end() && inputs_[input].is_state) continue;
        if (file == by_key.end()) {
          wrong((folder / sample).string(),
                fmt::format("the file is missing: another input has a sample of this name, and '{}' has none",
                            ports_[input].name));
          continue;
        }
        StoredTensor stored{(folder / file->second).string(), "", std::nullopt};
        if (format_of(stored.file) == FileFormat::kNpz && !choose_member(stored, input)) continue;
        samples_[sample].emplace(input, std::move(stored));
      }
    }
  }

  /// Of an .npz file that is for one input: the array of its name, or the only one.
  bool choose_member(StoredTensor& stored, std::size_t input) {
    std::optional<NpzFile> npz = opened(stored.file);
    if (!npz) return false;
    const std::vector<std::string>& names = npz->names();
    for (const std::string& name : names) {
      if (input_named(name) == input || names.size() == 1) {
        stored.member = name;
        return true;
      }
    }
    wrong(stored.file,
          fmt::format("it holds '{}', and none of these arrays is called as the model's input '{}'",
                      join(names, "', '"), ports_[input].name));
    return false;
  }

  std::optional<NpzFile> opened(const std::string& file) {
    try {
      return NpzFile::open(file);
    } catch (const Fatal& unreadable) {
      wrong_.insert(wrong_.end(), unreadable.diagnostics().begin(), unreadable.diagnostics().end());
      return std::nullopt;
    }
  }

  /// What is wrong with the line itself is said with its place.
  void add_listed(const ListedFile& listed) {
    std::error_code ignored;
    const auto wrong_line = [&](std::string_view what) {
      wrong_.push_back({Severity::kError, codes::kBadSample,
                        fmt::format("the sample '{}' {}", listed.name, what), listed.where});
    };
    if (samples_.contains(listed.name)) return wrong_line("is named twice");
    if (!fs::exists(listed.path, ignored))
      return wrong_line(fmt::format("does not exist ({}){}", listed.path, did_you_mean_file(listed.path)));
    remark_on_repeated(listed);
    add_item(listed.name, listed.path);
  }

  /// The same file was named before, in another spelling.
  void remark_on_repeated(const ListedFile& listed) {
    fs::path path = fs::absolute(listed.path).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();  // "folder/"
    const auto [first, is_new] = listed_.emplace(path.string(), &listed);
    if (is_new) return;
    left_out_.push_back({Severity::kWarning, codes::kBadSample,
                         fmt::format("the sample '{}' is '{}' of line {} again: it counts twice", listed.name,
                                     first->second->name, first->second->where.line),
                         listed.where});
  }

  /// A file or folder that is a whole sample.
  void add_item(const std::string& name, const std::string& file) {
    std::error_code ignored;
    Tensors& tensors = samples_[name];
    if (fs::is_directory(file, ignored)) return add_data_set(file, tensors);
    const FileFormat format = format_of(file);
    if (format == FileFormat::kNone) return wrong(file, fmt::format("samples are {} files", kFormatsText));
    if (format == FileFormat::kNpz) return add_archive(file, tensors);
    if (required_.size() != 1) {
      return wrong(
          file,
          fmt::format("a sample of this model has several tensors ({}), so it is an .npz file or a folder",
                      inputs_text()));
    }
    tensors.emplace(required_.front(), StoredTensor{file, "", std::nullopt});
  }

  void add_archive(const std::string& file, Tensors& tensors) {
    const std::optional<NpzFile> npz = opened(file);
    if (!npz) return;
    for (const std::string& name : npz->names()) {
      std::optional<std::size_t> input = input_named(name);
      if (!input && npz->names().size() == 1 && required_.size() == 1) input = required_.front();
      if (input) {
        tensors.emplace(*input, StoredTensor{file, name, std::nullopt});
      } else {
        left_out(file, fmt::format("its array '{}' is left out: the model has no such input", name));
      }
    }
    check_whole(file, tensors);
  }

  void add_data_set(const std::string& folder, Tensors& tensors) {
    for (const std::string& name : names_in(folder)) {
      const std::string file = (fs::path(folder) / name).string();
      const FileFormat format = format_of(name);
      if (fs::is_directory(file) || format == FileFormat::kNone || format == FileFormat::kNpz) continue;
      const std::string stem = fs::path(name).stem().string();
      std::optional<std::size_t> input = input_named(stem);
      const auto number = numbered_input(stem);
      if (!input && number && format == FileFormat::kProto) input = input_named(name_inside(file));
      if (!input && number && *number < counted_.size()) input = counted_[*number];
      if (!input && stem.starts_with("output_")) continue;
      if (!input) {
        left_out(file, "the file is left out: it is of no input of the model, by name or number");
      } else if (!tensors.emplace(*input, StoredTensor{file, "", std::nullopt}).second) {
        wrong(file, fmt::format("it is a second file for the model's input '{}'", ports_[*input].name));
      }
    }
    check_whole(folder, tensors);
  }

  std::string name_inside(const std::string& file) {
    try {
      return protos_ ? protos_(file).name : "";
    } catch (const Fatal&) {
      return "";  // said when it is read
    }
  }

  void check_whole(const std::string& file, const Tensors& tensors) {
    for (const std::size_t input : required_) {
      if (!tensors.contains(input))
        wrong(file, fmt::format("it holds no tensor for the model's input '{}'", ports_[input].name));
    }
  }

  /// An input with a default is fed if any sample has it; then all must.
  FoundSamples result() {
    FoundSamples found;
    std::set<std::size_t> fed(required_.begin(), required_.end());
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].is_state) fed.insert(i);
    }
    for (const auto& [name, tensors] : samples_) {
      for (const auto& [input, tensor] : tensors) fed.insert(input);
    }
    found.inputs.assign(fed.begin(), fed.end());
    for (const auto& [name, tensors] : samples_) {
      FoundSample sample{name, {}};
      for (const std::size_t input : fed) {
        const auto tensor = tensors.find(input);
        if (tensor != tensors.end()) {
          sample.tensors.push_back(tensor->second);
        } else if (inputs_[input].is_state) {
          sample.tensors.emplace_back();
        } else if (!has_errors()) {
          diagnostics_.error(
              codes::kBadSample,
              fmt::format("it holds no tensor for the model's input '{}', and other samples do",
                          ports_[input].name),
              {name, 0, 0});
        }
      }
      found.samples.push_back(std::move(sample));
    }
    return found;
  }

  const SamplePlace& place_;
  std::span<const SampleInput> inputs_;
  const ProtoReader& protos_;
  Diagnostics& diagnostics_;
  std::vector<Port> ports_;
  std::vector<std::size_t> required_;  // inputs that must have a file, in the model's order
  std::vector<std::size_t> counted_;   // inputs without a default, as files count them
  std::map<std::string, Tensors> samples_;
  std::map<std::string, const ListedFile*> listed_;  // the first of each, by its path
  std::vector<Diagnostic> wrong_, left_out_;
};

}  // namespace

void add_some(const std::vector<Diagnostic>& findings, Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < std::min(findings.size(), kMostFindings); ++i) diagnostics.add(findings[i]);
  if (findings.size() > kMostFindings) {
    const Diagnostic& first = findings.front();
    diagnostics.add({first.severity,
                     first.code,
                     fmt::format("{} more files are like this", findings.size() - kMostFindings),
                     {}});
  }
}

FoundSamples find_samples(const SamplePlace& place, std::span<const SampleInput> inputs,
                          const ProtoReader& protos, Diagnostics& diagnostics) {
  return Finder(place, inputs, protos, diagnostics).find();
}

std::vector<ListedFile> read_list(const std::string& file) {
  const auto mapped = MappedFile::open(file);
  const std::string_view text(reinterpret_cast<const char*>(mapped->bytes().data()), mapped->bytes().size());
  std::vector<ListedFile> files;
  int number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
      line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    files.push_back({std::string(line),
                     (fs::path(file).parent_path() / line).lexically_normal().string(),
                     {file, number, 1}});
  }
  if (files.empty()) throw Fatal(codes::kBadSample, "the list names no sample", {file, 0, 0});
  return files;
}

}  // namespace qprep
