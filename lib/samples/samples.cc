#include "samples/samples.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <optional>
#include <set>

#include "ir/open_axes.h"
#include "support/codes.h"

namespace qprep {
namespace {

namespace fs = std::filesystem;

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

/// An input that no file can feed.
std::optional<std::string> unfeedable(const Port& input) {
  if (input.type.kind == Type::Kind::kOther)
    return fmt::format("the model's input '{}' is no tensor", input.name);
  if (input.type.kind != Type::Kind::kTensor) return std::nullopt;
  const DType dtype = input.type.dtype;
  const bool in_numpy = dtype != DType::kBFloat16 && bit_width(dtype) >= 8 && dtype <= DType::kComplex128;
  if (in_numpy) return std::nullopt;
  return fmt::format("the model's input '{}' takes {}, which no file of samples holds", input.name,
                     to_text(dtype));
}

Diagnostic wrong_file(std::string file, std::string message) {
  return {Severity::kError, codes::kBadSample, std::move(message), {std::move(file), 0, 0}};
}

Diagnostic missing(const std::string& file, const Port& input) {
  return wrong_file(
      file, fmt::format("the file is missing: another input has a sample of this name, and '{}' has none",
                        input.name));
}

bool is_bytes_of_picture(const StoredTensor& stored, const SampleInput& input, DType dtype) {
  return format_of(stored.file) == FileFormat::kPicture || (input.takes_pictures() && dtype == DType::kUInt8);
}

/// The numbers that bytes become.
Promise promise_of(const PictureRecipe& recipe) {
  Promise promise{0, 255, "mean and scale promise"};
  if (recipe.mean.empty() && recipe.scale.empty()) promise.because = "pictures have";
  const std::size_t count = std::max({recipe.mean.size(), recipe.scale.size(), std::size_t{1}});
  const auto of = [](const std::vector<double>& numbers, std::size_t i, double none) {
    return numbers.empty() ? none : numbers.size() == 1 ? numbers.front() : numbers[i];
  };
  for (std::size_t i = 0; i < count; ++i) {
    const double mean = of(recipe.mean, i, 0), scale = of(recipe.scale, i, 1);
    const auto [low, high] = std::minmax({-mean * scale, (255 - mean) * scale});
    promise.low = i == 0 ? low : std::min(promise.low, low);
    promise.high = i == 0 ? high : std::max(promise.high, high);
  }
  return promise;
}

PictureRecipe recipe_of(const SampleInput& input) { return input.spec.picture.value_or(PictureRecipe{}); }

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
  for (const std::string& stem : all) set.samples_.push_back({stem, {}});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Input input;
    input.input.port = inputs[i].port;
    input.raw = inputs[i];
    set.inputs_.push_back(std::move(input));
    for (FoundSample& sample : set.samples_) {
      const fs::path folder = inputs[i].folder;
      const auto file = files[i].find(sample.name);
      if (file == files[i].end()) {
        wrong.add(missing((folder / sample.name).string(), inputs[i].port));
        continue;
      }
      sample.tensors.push_back({(folder / file->second).string(), "", std::nullopt});
      check_raw_sample(sample.tensors.back().file, inputs[i], wrong);
    }
  }
  add_some(wrong.all(), findings);
  findings.throw_if_error();
  if (!inputs.empty()) set.folder_ = inputs.front().folder;
  for (const Diagnostic& warning : findings.all()) diagnostics.add(warning);
  return set;
}

SampleSet SampleSet::open(const std::string& folder, std::span<const Port> inputs, Diagnostics& diagnostics) {
  std::vector<SampleInput> plain;
  for (const Port& port : inputs) plain.emplace_back().port = port;
  return open(SamplePlace{folder, {}}, plain, nullptr, diagnostics);
}

SampleSet SampleSet::open(const SamplePlace& place, std::span<const SampleInput> inputs, ProtoReader protos,
                          Diagnostics& diagnostics) {
  Diagnostics findings;
  SampleSet set;
  set.folder_ = place.name;
  set.protos_ = std::move(protos);
  FoundSamples found;
  try {
    found = find_samples(place, inputs, set.protos_, findings);
  } catch (const fs::filesystem_error& error) {
    throw Fatal(codes::kFileAccess, fmt::format("the folder cannot be read: {}", error.code().message()),
                {error.path1().string(), 0, 0});
  }
  for (const std::size_t i : found.inputs) {
    Input input{inputs[i], std::nullopt, std::nullopt};
    if (const auto why = unfeedable(inputs[i].port))
      findings.error(codes::kBadSample, *why, {place.name, 0, 0});
    PictureTarget target;
    const std::string why = find_target(inputs[i].port.type, recipe_of(inputs[i]), target);
    if (why.empty()) input.target = target;
    if (!why.empty() && inputs[i].takes_pictures()) {
      findings.error(codes::kPreprocessing,
                     fmt::format("no picture can become what the model's input '{}' takes: {}",
                                 inputs[i].port.name, why),
                     inputs[i].spec.where);
    }
    set.inputs_.push_back(std::move(input));
  }
  findings.throw_if_error();

  std::vector<Diagnostic> wrong;
  for (FoundSample& sample : found.samples) {
    for (std::size_t k = 0; k < set.inputs_.size(); ++k) {
      try {
        check(sample.tensors[k], set.inputs_[k], set.protos_);
      } catch (const Fatal& unfit) {
        wrong.insert(wrong.end(), unfit.diagnostics().begin(), unfit.diagnostics().end());
      }
    }
  }
  add_some(wrong, findings);
  findings.throw_if_error();
  set.samples_ = std::move(found.samples);
  for (const Diagnostic& warning : findings.all()) diagnostics.add(warning);
  return set;
}

void SampleSet::check(const StoredTensor& stored, const Input& input, const ProtoReader& protos) {
  const TensorHeader header = header_of(stored, input.input, protos);
  const Port& port = input.input.port;
  if (!is_bytes_of_picture(stored, input.input, header.dtype)) {
    if (auto why = mismatch(port, header.dtype, header.dims))
      throw Fatal({wrong_file(stored.file, std::move(*why))});
    return;
  }
  const PictureRecipe recipe = recipe_of(input.input);
  if (!input.target) {
    PictureTarget target;
    throw Fatal(
        {wrong_file(stored.file, fmt::format("it is a picture, and cannot become what the model's input '{}' "
                                             "takes: {}",
                                             port.name, find_target(port.type, recipe, target)))});
  }
  std::optional<PixelSize> size = picture_size_of(header.dims);
  if (!size) {
    throw Fatal({wrong_file(
        stored.file,
        fmt::format("its shape is [{}], which is no picture: [H,W], [H,W,C] or [C,H,W] of 1, 3 or "
                    "4 channels",
                    fmt::join(header.dims, ",")))});
  }
  if (std::string why = size_after(*size, recipe, *input.target); !why.empty())
    throw Fatal(
        {wrong_file(stored.file, fmt::format("as a picture for the model's input '{}' {}", port.name, why))});
}

SampleSet SampleSet::share(std::size_t share, std::size_t count) const {
  SampleSet part = *this;
  part.samples_.clear();
  for (std::size_t i = share; i < samples_.size(); i += count) part.samples_.push_back(samples_[i]);
  return part;
}

std::vector<Port> SampleSet::inputs() const {
  std::vector<Port> ports;
  for (const Input& input : inputs_) ports.push_back(input.input.port);
  return ports;
}

std::map<std::string, Promise> SampleSet::promises() const {
  std::map<std::string, Promise> promises;
  for (const Input& each : inputs_) {
    const std::string& name = each.input.port.name;
    if (each.raw && each.raw->promise) promises.emplace(name, *each.raw->promise);
    if (each.input.takes_pictures()) promises.emplace(name, promise_of(*each.input.spec.picture));
  }
  return promises;
}

Tensor SampleSet::load(const StoredTensor& stored, const Input& input, InputFacts& facts) const {
  const auto look = [](const Tensor& tensor) { return facts_of(tensor, colour_axis(tensor.dims())); };
  facts.file = stored.file;
  if (input.raw) {
    Tensor tensor = read_raw_sample(stored.file, *input.raw);
    if (input.raw->adapt) {
      facts.in_file = look(tensor);
      tensor = input.raw->adapt(std::move(tensor));
    }
    facts.fed = look(tensor);
    return tensor;
  }
  Tensor tensor = read_stored(stored, input.input, protos_);
  if (is_bytes_of_picture(stored, input.input, tensor.dtype())) {
    std::optional<Picture> picture = picture_of(tensor);
    PixelSize size = picture ? picture->size : PixelSize{};
    if (!picture || !input.target || !size_after(size, recipe_of(input.input), *input.target).empty())
      throw Fatal({wrong_file(stored.file, "it has changed while it was in use")});
    tensor = prepare_picture(std::move(*picture), recipe_of(input.input), *input.target);
    facts.preprocessed = true;
  } else if (auto why = mismatch(input.input.port, tensor.dtype(), tensor.dims())) {
    throw Fatal({wrong_file(stored.file, std::move(*why))});
  }
  facts.fed = look(tensor);
  return tensor;
}

Sample SampleSet::load(std::size_t i) const {
  Sample sample;
  for (std::size_t k = 0; k < inputs_.size(); ++k) {
    InputFacts facts;
    const std::string& input = inputs_[k].input.port.name;
    sample.feeds.emplace(input, load(samples_.at(i).tensors[k], inputs_[k], facts));
    if (const std::int64_t count = stored(facts).not_finite) {
      sample.findings.push_back({Severity::kWarning,
                                 codes::kBadSample,
                                 fmt::format("it holds {} NaN or infinite elements", count),
                                 {facts.file, 0, 0}});
    }
    sample.facts.emplace(input, std::move(facts));
  }
  return sample;
}

}  // namespace qprep
