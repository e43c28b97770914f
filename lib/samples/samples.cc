#include "samples/samples.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <optional>
#include <set>
#include <utility>

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

/// "; its type is what 'raw' says (c.yaml:3:9)" of a file whose type or shape the configuration says.
std::string source_of(const StoredTensor& stored, const SampleSpec& spec) {
  const bool has_type = spec.raw.dtype.has_value(), has_shape = spec.raw.shape.has_value();
  if (format_of(stored.file) != FileFormat::kRaw || !(has_type || has_shape)) return "";
  return fmt::format("; its {} what 'raw' says ({})",
                     has_type && has_shape ? "type and shape are"
                     : has_type            ? "type is"
                                           : "shape is",
                     to_text(spec.raw.where));
}

/// "; bytes become numbers where ..." of bytes that the input would take as a picture, if it was said how.
std::string hint_at_pixels(const Port& input, DType dtype) {
  PictureTarget target;
  const bool could_be = dtype == DType::kUInt8 && input.type.dtype == DType::kFloat32 &&
                        find_target(input.type, {}, target).empty();
  if (!could_be) return "";
  return fmt::format(
      "; bytes become numbers where calibration.inputs says how: '{}: {{mean: ..., scale: ...}}', or "
      "'dtype: float32' for 0 to 255 as they are",
      input.name);
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
Promise promise_of(const SampleSpec& spec) {
  const PictureRecipe& recipe = *spec.picture;
  Promise promise{0, 255, "mean and scale promise", doubt_about(recipe.mean, recipe.scale), spec.where};
  if (recipe.mean.empty() && recipe.scale.empty()) promise.because = "pictures have";
  const std::size_t count = std::max({recipe.mean.size(), recipe.scale.size(), std::size_t{1}});
  const auto of = [](const std::vector<double>& numbers, std::size_t i, double none) {
    return numbers.empty() ? none : numbers.size() == 1 ? numbers.front() : numbers[i];
  };
  for (std::size_t i = 0; i < count; ++i) {
    const double mean = of(recipe.mean, i, 0), scale = of(recipe.scale, i, 1);
    const auto [low, high] = std::minmax({0.0 - mean * scale, (255 - mean) * scale});
    promise.low = i == 0 ? low : std::min(promise.low, low);
    promise.high = i == 0 ? high : std::max(promise.high, high);
  }
  return promise;
}

bool has_sizes(const Type& type) {
  return type.kind == Type::Kind::kTensor && type.shape &&
         std::all_of(type.shape->begin(), type.shape->end(), [](const Dim& dim) { return dim.known(); });
}

/// The model itself fixes a size of 0.
bool takes_nothing(const Type& type) {
  return type.shape && std::any_of(type.shape->begin(), type.shape->end(),
                                   [](const Dim& dim) { return dim.known() && dim.size == 0; });
}

/// The first state of that sample would be zeros of a size that nobody knows.
Diagnostic unknown_first_state(const SampleInput& state, const std::string& sample) {
  const Port& port = state.port;
  std::string remedy = "the model must say its sizes";
  if (port.type.kind == Type::Kind::kTensor && port.type.shape) {
    std::vector<std::string> axes;
    for (std::size_t axis = 0; axis < port.type.shape->size(); ++axis) {
      const Dim& dim = port.type.shape->at(axis);
      if (dim.known()) continue;
      const std::string name = is_nameless(dim) ? fmt::format("{}[{}]", port.name, axis) : dim.symbol;
      if (std::ranges::find(axes, name) == axes.end()) axes.push_back(name);
    }
    remedy = fmt::format("fix the open sizes: '{}'", dims_of(axes));
  }
  return {Severity::kError, codes::kBadSample,
          fmt::format("the state '{}' is {}, and the sample '{}' has no file for its first, so that would be "
                      "zeros of a size that is not known; {}, or give every sample its first state",
                      port.name, to_text(port.type), sample, remedy),
          state.state_where.file.empty() ? Where{sample, 0, 0} : state.state_where};
}

/// Given: all sizes are known.
Tensor zeros(const Type& type) {
  Dims dims;
  for (const Dim& dim : *type.shape) dims.push_back(dim.size);
  const auto count = static_cast<std::uint64_t>(element_count(dims).value_or(0));
  const auto bytes =
      std::make_shared<const std::vector<std::byte>>(payload_size(type.dtype, count).value_or(0));
  return Tensor(type.dtype, std::move(dims), *bytes, bytes);
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
  for (const std::string& stem : all) set.samples_.emplace_back().name = stem;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Input input;
    input.input.port = inputs[i].port;
    input.raw = inputs[i];
    set.inputs_.push_back(std::move(input));
    for (Entry& sample : set.samples_) {
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
    set.has_steps_ = set.has_steps_ || inputs[i].is_state;
    if (inputs[i].is_state && !has_sizes(inputs[i].port.type)) {
      const std::size_t k = set.inputs_.size();
      const auto lacks_it = [k](const FoundSample& sample) { return sample.tensors[k].file.empty(); };
      const auto without = std::ranges::find_if(found.samples, lacks_it);
      if (without != found.samples.end()) findings.add(unknown_first_state(inputs[i], without->name));
    }
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
    try {
      set.add(std::move(sample));
    } catch (const Fatal& unfit) {
      wrong.insert(wrong.end(), unfit.diagnostics().begin(), unfit.diagnostics().end());
    }
  }
  add_some(wrong, findings);
  findings.throw_if_error();
  std::sort(set.samples_.begin(), set.samples_.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  for (const Input& input : set.inputs_) {
    if (!input.input.spec.picture || input.has_pictures) continue;
    findings.warning(
        codes::kNoEffect,
        fmt::format("what is said of '{}' is done to pictures and arrays of uint8, and its files are "
                    "neither: they are fed as they are",
                    input.input.port.name),
        input.input.spec.where);
  }
  for (const Diagnostic& warning : findings.all()) diagnostics.add(warning);
  return set;
}

/// Adds what the files of one name hold: a sample, several, or one of several steps. Fatal: they do not fit.
void SampleSet::add(FoundSample sample) {
  std::vector<Diagnostic> wrong;
  std::vector<Fit> fits;
  std::int64_t parts = 0;
  std::size_t first = 0;  // the input that has them
  for (std::size_t k = 0; k < inputs_.size(); ++k) {
    try {
      const Fit fit = fit_of(sample.tensors[k], inputs_[k]);
      inputs_[k].has_pictures = inputs_[k].has_pictures || fit.is_picture;
      if (fit.parts > 0 && parts == 0) {
        parts = fit.parts;
        first = k;
      }
      fits.push_back(fit);
    } catch (const Fatal& unfit) {
      wrong.insert(wrong.end(), unfit.diagnostics().begin(), unfit.diagnostics().end());
    }
  }
  const char* const what = has_steps_ ? "steps" : "samples";
  for (std::size_t k = 0; wrong.empty() && k < inputs_.size() && parts > 0; ++k) {
    const bool for_all = fits[k].parts == 0 && has_steps_;
    if (fits[k].parts == parts || for_all) continue;
    wrong.push_back(
        wrong_file(sample.tensors[k].file,
                   fmt::format("it holds {} for the model's input '{}', and there are {} {} for '{}'",
                               fits[k].parts == 0 ? std::string("one tensor")
                                                  : fmt::format("{} {}", fits[k].parts, what),
                               inputs_[k].input.port.name, parts, what, inputs_[first].input.port.name)));
  }
  if (!wrong.empty()) throw Fatal(std::move(wrong));
  if (parts == 0 || has_steps_) {
    samples_.push_back({std::move(sample.name), std::move(sample.tensors), std::max(parts, std::int64_t{1}),
                        parts > 0 ? std::move(fits) : std::vector<Fit>()});
    return;
  }
  const std::size_t digits = std::to_string(parts - 1).size();
  for (std::int64_t i = 0; i < parts; ++i) {
    Entry& entry = samples_.emplace_back();
    entry.name = fmt::format("{}#{:0{}}", sample.name, i, digits);
    entry.tensors = sample.tensors;
    for (StoredTensor& tensor : entry.tensors) tensor.part = i;
  }
}

SampleSet::Fit SampleSet::fit_of(const StoredTensor& stored, const Input& input) const {
  if (stored.file.empty()) return {};
  TensorHeader header = header_of(stored, input.input, protos_);
  const Port& port = input.input.port;
  const bool is_picture = is_bytes_of_picture(stored, input.input, header.dtype);
  const auto& shape = port.type.shape;
  Fit fit{.is_picture = is_picture};
  const bool may_have_parts = !input.input.is_state && !header.dims.empty() && header.dims[0] > 0;
  if (may_have_parts && is_picture && header.dims.size() == 4 && header.dims[0] > 1) {
    fit.parts = header.dims[0];
    header.dims[0] = 1;
  } else if (may_have_parts && !is_picture && shape && mismatch(port, header.dtype, header.dims)) {
    Dims one = header.dims;
    one[0] = 1;
    const bool batch_of_one = !shape->empty() && shape->front().size == 1 && header.dims[0] > 1;
    if (batch_of_one && !mismatch(port, header.dtype, one)) {
      fit.parts = std::exchange(header.dims[0], 1);
    } else if (one.erase(one.begin()); has_steps_ && !mismatch(port, header.dtype, one)) {
      fit = {header.dims[0], true};
      header.dims = one;
    }
  }
  check_one(stored, input, header);
  return fit;
}

/// Given: `header` is that of one sample or step.
void SampleSet::check_one(const StoredTensor& stored, const Input& input, const TensorHeader& header) const {
  const Port& port = input.input.port;
  if (std::find(header.dims.begin(), header.dims.end(), 0) != header.dims.end() &&
      !takes_nothing(port.type)) {
    throw Fatal({wrong_file(
        stored.file, fmt::format("its shape is [{}], which holds no element", fmt::join(header.dims, ",")))});
  }
  if (!is_bytes_of_picture(stored, input.input, header.dtype)) {
    if (auto why = mismatch(port, header.dtype, header.dims)) {
      *why += source_of(stored, input.input.spec) + hint_at_pixels(port, header.dtype);
      if (has_steps_ && !input.input.is_state)
        *why += "; of several steps, an axis of steps stands before these";
      throw Fatal({wrong_file(stored.file, std::move(*why))});
    }
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
                    "4 channels{}",
                    fmt::join(header.dims, ","), source_of(stored, input.input.spec)))});
  }
  if (std::string why = size_after(*size, recipe, *input.target); !why.empty())
    throw Fatal({wrong_file(stored.file, fmt::format("as a picture for the model's input '{}' {}{}",
                                                     port.name, why, source_of(stored, input.input.spec)))});
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
    if (each.input.takes_pictures()) promises.emplace(name, promise_of(each.input.spec));
  }
  return promises;
}

Tensor SampleSet::prepared(Tensor tensor, const StoredTensor& stored, const Input& input,
                           InputFacts& facts) const {
  if (is_bytes_of_picture(stored, input.input, tensor.dtype())) {
    std::optional<Picture> picture = picture_of(tensor);
    PixelSize size = picture ? picture->size : PixelSize{};
    if (!picture || !input.target || !size_after(size, recipe_of(input.input), *input.target).empty())
      throw Fatal({wrong_file(stored.file, "it has changed while it was in use")});
    facts.preprocessed = true;
    return prepare_picture(std::move(*picture), recipe_of(input.input), *input.target);
  }
  if (auto why = mismatch(input.input.port, tensor.dtype(), tensor.dims()))
    throw Fatal({wrong_file(stored.file, std::move(*why))});
  return tensor;
}

/// What the input gets in each step; of a state, or of what holds for all steps, one tensor.
std::vector<Tensor> SampleSet::load(const Entry& entry, std::size_t k, InputFacts& facts) const {
  const StoredTensor& stored = entry.tensors[k];
  const Input& input = inputs_[k];
  const auto look = [](const Tensor& tensor) { return facts_of(tensor, colour_axis(tensor.dims())); };
  facts.file = stored.file;
  std::vector<Tensor> tensors;
  if (input.raw) {
    tensors.push_back(read_raw_sample(stored.file, *input.raw));
    if (input.raw->adapt) {
      facts.in_file = look(tensors[0]);
      tensors[0] = input.raw->adapt(std::move(tensors[0]));
    }
  } else if (stored.file.empty()) {
    tensors.push_back(zeros(input.input.port.type));
  } else {
    Tensor whole = parts_->read(stored, input.input, protos_);
    const Fit fit = entry.fits.empty() ? Fit{} : entry.fits[k];
    if (fit.parts > 0 && (whole.dims().empty() || whole.dims()[0] < fit.parts))
      throw Fatal({wrong_file(stored.file, "it has changed while it was in use")});
    for (std::int64_t i = 0; i < std::max(fit.parts, std::int64_t{1}); ++i) {
      Tensor one = fit.parts > 0 ? slice(whole, i, fit.drops_axis) : whole;
      tensors.push_back(prepared(std::move(one), stored, input, facts));
    }
  }
  facts.fed = look(tensors[0]);
  for (std::size_t i = 1; i < tensors.size(); ++i) facts.fed.merge(look(tensors[i]));
  return tensors;
}

Sample SampleSet::load(std::size_t i) const {
  const Entry& entry = samples_.at(i);
  Sample sample;
  sample.later.resize(static_cast<std::size_t>(entry.steps) - 1);
  for (std::size_t k = 0; k < inputs_.size(); ++k) {
    InputFacts facts;
    const std::string& input = inputs_[k].input.port.name;
    const std::vector<Tensor> tensors = load(entry, k, facts);
    sample.feeds.emplace(input, tensors.front());
    for (std::size_t step = 0; step < sample.later.size() && !inputs_[k].input.is_state; ++step)
      sample.later[step].emplace(input, tensors.size() > 1 ? tensors.at(step + 1) : tensors.front());
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

void judge_count(const SampleSet& samples, Diagnostics& diagnostics) {
  std::int64_t steps = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) steps += samples.steps(i);
  Diagnostics findings;
  judge_count(samples.size(), samples.folder(), findings);
  for (Diagnostic each : findings.all()) {
    if (steps > static_cast<std::int64_t>(samples.size()))
      each.message += fmt::format(", of sequences too: these have {} steps in all", steps);
    diagnostics.add(std::move(each));
  }
}

}  // namespace qprep
