#include "samples/samples.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "ir/open_axes.h"
#include "samples/npy.h"
#include "samples/sample_layout.h"
#include "support/codes.h"

namespace qprep {
namespace {

namespace fs = std::filesystem;

/// Enough to see what is wrong with a thousand files.
constexpr std::size_t kMostFindings = 8;

/// The names of the samples in a folder. Hidden files are not looked at.
std::set<std::string> samples_in(const InputFolder& input, Diagnostics& diagnostics) {
  std::set<std::string> names, others;
  std::error_code failed;
  for (fs::directory_iterator at(input.folder, failed), end; !failed && at != end; at.increment(failed)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with('.') || at->is_directory()) continue;
    (at->path().extension() == ".npy" ? names : others).insert(name);
  }
  if (failed) {
    diagnostics.error(codes::kBadSample,
                      fmt::format("the folder for the model's input '{}' cannot be read: {}", input.port.name,
                                  failed.message()),
                      {input.folder});
  } else if (names.empty()) {
    diagnostics.error(codes::kBadSample,
                      fmt::format("here is no .npy file for the model's input '{}'", input.port.name),
                      {input.folder});
  }
  for (const std::string& name : others) {
    diagnostics.warning(codes::kBadSample, "the file is left out: samples are .npy files",
                        {(fs::path(input.folder) / name).string()});
  }
  return names;
}

std::string shape_text(const Shape& shape) {
  std::vector<std::string> sizes;
  for (const Dim& dim : shape)
    sizes.push_back(dim.known() ? std::to_string(dim.size) : is_nameless(dim) ? "?" : dim.symbol);
  return fmt::format("[{}]", fmt::join(sizes, ","));
}

/// Why the input cannot take such a tensor; nullopt if it can.
std::optional<std::string> mismatch(const Port& input, DType dtype, const Dims& dims) {
  if (input.type.kind != Type::Kind::kTensor) return std::nullopt;
  if (dtype != input.type.dtype) {
    return fmt::format("it holds {}, and the model's input '{}' takes {}", to_text(dtype), input.name,
                       to_text(input.type.dtype));
  }
  if (!input.type.shape) return std::nullopt;
  const Shape& shape = *input.type.shape;
  bool fits = dims.size() == shape.size();
  for (std::size_t i = 0; fits && i < dims.size(); ++i) fits = !shape[i].known() || shape[i].size == dims[i];
  if (fits) return std::nullopt;
  const bool lacks_batch = dims.size() + 1 == shape.size();
  return fmt::format("its shape is [{}], and the model's input '{}' takes {}{}", fmt::join(dims, ","),
                     input.name, shape_text(shape),
                     lacks_batch ? " (a sample holds the batch axis too)" : "");
}

/// An input that no .npy file can feed.
std::optional<std::string> unfeedable(const Port& input) {
  if (input.type.kind == Type::Kind::kOther)
    return fmt::format("the model's input '{}' is no tensor", input.name);
  if (input.type.kind != Type::Kind::kTensor) return std::nullopt;
  const DType dtype = input.type.dtype;
  const bool in_numpy = dtype != DType::kBFloat16 && bit_width(dtype) >= 8 && dtype <= DType::kComplex128;
  if (in_numpy) return std::nullopt;
  return fmt::format("the model's input '{}' takes {}, which .npy files do not hold", input.name,
                     to_text(dtype));
}

/// Adds the first few of the findings, and how many there are besides.
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

Diagnostic wrong_file(std::string file, std::string message) {
  return {Severity::kError, codes::kBadSample, std::move(message), {std::move(file), 0, 0}};
}

std::vector<Diagnostic> missing(const std::string& file, const Port& input) {
  return {wrong_file(
      file, fmt::format("the file is missing: another input has a sample of this name, and '{}' has none",
                        input.name))};
}

/// What a look at its header shows to be wrong with a file.
std::vector<Diagnostic> wrongs_of(const std::string& file, const Port& input) {
  try {
    const NpyHeader header = read_npy_header(file);
    if (auto why = mismatch(input, header.dtype, header.dims)) return {wrong_file(file, std::move(*why))};
    return {};
  } catch (const Fatal& unreadable) {
    return unreadable.diagnostics();
  }
}

Tensor read_fitting(const std::string& file, const Port& input) {
  Tensor tensor = read_npy(file);
  if (auto why = mismatch(input, tensor.dtype(), tensor.dims()))
    throw Fatal({wrong_file(file, std::move(*why))});
  return tensor;
}

/// By their names without extension; a second one of a name is an error.
std::map<std::string, std::string> by_stem(const RawInput& input, Diagnostics& findings) {
  std::map<std::string, std::string> files;
  for (const std::string& name : files_in(input, findings)) {
    const auto [first, is_new] = files.emplace(fs::path(name).stem().string(), name);
    if (is_new) continue;
    findings.error(codes::kBadSample,
                   fmt::format("'{}' and '{}' would be the same sample", first->second, name),
                   {input.folder, 0, 0});
  }
  return files;
}

}  // namespace

SampleSet SampleSet::open_raw(std::span<const RawInput> inputs, Diagnostics& diagnostics) {
  Diagnostics findings;
  SampleSet set;
  std::vector<std::map<std::string, std::string>> files;
  std::set<std::string> all;
  for (const RawInput& input : inputs) {
    files.push_back(by_stem(input, findings));
    for (const auto& [stem, name] : files.back()) all.insert(stem);
  }
  findings.throw_if_error();
  Diagnostics wrong;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    set.inputs_.push_back({inputs[i].port, inputs[i].folder, inputs[i], {}});
    for (const std::string& stem : all) {
      const auto file = files[i].find(stem);
      if (file == files[i].end()) {
        for (Diagnostic& each : missing((fs::path(inputs[i].folder) / stem).string(), inputs[i].port)) {
          wrong.add(std::move(each));
        }
        continue;
      }
      set.inputs_.back().files.push_back(file->second);
      check_raw_sample((fs::path(inputs[i].folder) / file->second).string(), inputs[i], wrong);
    }
  }
  add_some(wrong.all(), findings);
  findings.throw_if_error();
  set.names_.assign(all.begin(), all.end());
  if (!inputs.empty()) set.folder_ = inputs.front().folder;
  for (const Diagnostic& warning : findings.all()) diagnostics.add(warning);
  return set;
}

SampleSet SampleSet::open(const std::string& folder, std::span<const Port> inputs, Diagnostics& diagnostics) {
  Diagnostics findings;
  SampleSet set;
  set.folder_ = folder;
  std::vector<std::set<std::string>> names;  // of each input's samples
  std::set<std::string> all;
  try {
    for (InputFolder& input : find_input_folders(folder, inputs, findings)) {
      if (const auto why = unfeedable(input.port)) findings.error(codes::kBadSample, *why, {folder, 0, 0});
      names.push_back(samples_in(input, findings));
      all.insert(names.back().begin(), names.back().end());
      set.inputs_.push_back({std::move(input.port), std::move(input.folder), std::nullopt, {}});
    }
  } catch (const fs::filesystem_error& error) {
    throw Fatal(codes::kFileAccess, fmt::format("the folder cannot be read: {}", error.code().message()),
                {error.path1().string(), 0, 0});
  }
  findings.throw_if_error();

  std::vector<Diagnostic> wrong;
  for (std::size_t i = 0; i < set.inputs_.size(); ++i) {
    for (const std::string& name : all) {
      const std::string file = (fs::path(set.inputs_[i].folder) / name).string();
      std::vector<Diagnostic> found =
          names[i].contains(name) ? wrongs_of(file, set.inputs_[i].port) : missing(file, set.inputs_[i].port);
      std::move(found.begin(), found.end(), std::back_inserter(wrong));
    }
  }
  add_some(wrong, findings);
  findings.throw_if_error();
  set.names_.assign(all.begin(), all.end());
  for (const Diagnostic& warning : findings.all()) diagnostics.add(warning);
  return set;
}

SampleSet SampleSet::share(std::size_t share, std::size_t count) const {
  SampleSet part = *this;
  const auto keep = [&](std::vector<std::string>& names) {
    std::vector<std::string> kept;
    for (std::size_t i = share; i < names.size(); i += count) kept.push_back(std::move(names[i]));
    names = std::move(kept);
  };
  keep(part.names_);
  for (Input& input : part.inputs_) keep(input.files);
  return part;
}

std::vector<Port> SampleSet::inputs() const {
  std::vector<Port> ports;
  for (const Input& input : inputs_) ports.push_back(input.port);
  return ports;
}

std::map<std::string, Promise> SampleSet::promises() const {
  std::map<std::string, Promise> promises;
  for (const Input& input : inputs_) {
    if (input.raw && input.raw->promise) promises.emplace(input.port.name, *input.raw->promise);
  }
  return promises;
}

std::string SampleSet::file(std::size_t i, std::size_t input) const {
  const Input& of = inputs_.at(input);
  return (fs::path(of.folder) / (of.raw ? of.files.at(i) : name(i))).string();
}

Sample SampleSet::load(std::size_t i) const {
  Sample sample;
  for (std::size_t k = 0; k < inputs_.size(); ++k) {
    const Input& input = inputs_[k];
    InputFacts facts;
    facts.file = file(i, k);
    const auto look = [](const Tensor& tensor) { return facts_of(tensor, colour_axis(tensor.dims())); };
    Tensor tensor =
        input.raw ? read_raw_sample(facts.file, *input.raw) : read_fitting(facts.file, input.port);
    if (input.raw && input.raw->adapt) {
      facts.in_file = look(tensor);
      tensor = input.raw->adapt(std::move(tensor));
    }
    facts.fed = look(tensor);
    if (const std::int64_t count = stored(facts).not_finite) {
      sample.findings.push_back({Severity::kWarning,
                                 codes::kBadSample,
                                 fmt::format("it holds {} NaN or infinite elements", count),
                                 {facts.file, 0, 0}});
    }
    sample.facts.emplace(input.port.name, std::move(facts));
    sample.feeds.emplace(input.port.name, std::move(tensor));
  }
  return sample;
}

}  // namespace qprep
