#include "driver/weight_rounding.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

#include "analysis/layer_columns.h"
#include "onnx_io/loadable_model.h"
#include "runtime/probe.h"
#include "runtime/session.h"
#include "support/parallel.h"

namespace qprep {
namespace {

constexpr std::size_t kMostInputs = 2304;  // 256 channels, 3 x 3
constexpr std::size_t kSamples = 32, kPlaces = 256, kMostSteps = 64;
/// Moments of layers that are rounded by the same run of the model, which has the layers before them rounded:
/// a part of the result, so that it does not depend on the memory there is.
constexpr std::size_t kMostMoments = std::size_t{64} << 20;
constexpr std::uint64_t kUsualMemory = std::uint64_t{1} << 30;

/// What a sample gives consecutive layers. It is filled again for the next sample, in the same memory.
struct SampleColumns {
  std::size_t first = 0;                                  // of the layers
  std::size_t places = kPlaces;                           // of each step
  std::vector<std::vector<std::vector<float>>> of_layer;  // columns for each group

  void clear() {
    for (auto& by_group : of_layer) {
      for (std::vector<float>& columns : by_group) columns.clear();
    }
  }
};

SampleColumns*& columns_of_this_thread() {
  thread_local SampleColumns* columns = nullptr;
  return columns;
}

/// The model as it is when this is made, and what some of its layers read.
class LayerReader {
 public:
  LayerReader(const OnnxFile& file, std::span<const RoundableLayer> layers, std::span<const StateLink> state,
              const std::string& library)
      : layers_(layers), state_(state) {
    std::vector<std::string> names;
    std::unordered_map<std::string, std::size_t> number;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto [at, is_new] = number.emplace(layers[i].reads, names.size());
      if (is_new) names.push_back(layers[i].reads);
      if (is_new) readers_.emplace_back();
      readers_[at->second].push_back(i);
    }
    const LoadableModel loadable(file);
    const ProbedModel probed = append_probes(loadable.bytes(), names);
    fetched_ = {probed.outputs.front()};
    for (const StateLink& link : state) fetched_.push_back(link.output);
    SessionOptions options;
    options.library = library;
    options.probe = [this](std::size_t tensor, DType dtype, std::span<const std::int64_t> dims,
                           std::span<const std::byte> elements) { see(tensor, dtype, dims, elements); };
    session_.emplace(SerialisedModel{file.model.file, probed.bytes, loadable.data_folder()}, options);
  }
  LayerReader(const LayerReader&) = delete;
  LayerReader& operator=(const LayerReader&) = delete;

  std::span<const RoundableLayer> layers() const { return layers_; }

  /// `columns` says of which layers.
  void run(const Sample& sample, SampleColumns& columns) const {
    const std::size_t later = std::min(sample.later.size(), kMostSteps - 1);
    columns.places = std::max<std::size_t>(1, kPlaces / (1 + later));
    columns.clear();
    columns_of_this_thread() = &columns;
    std::vector<Tensor> made = session_->run(sample.feeds, fetched_);
    for (std::size_t step = 0; step < later; ++step) {
      Feeds feeds = sample.later[step];
      for (std::size_t i = 0; i < state_.size(); ++i) feeds.emplace(state_[i].input, std::move(made[1 + i]));
      made = session_->run(feeds, fetched_);
    }
  }

 private:
  void see(std::size_t tensor, DType dtype, std::span<const std::int64_t> dims,
           std::span<const std::byte> elements) const {
    if (dtype != DType::kFloat32) return;
    const std::span<const float> x(reinterpret_cast<const float*>(elements.data()),
                                   elements.size() / sizeof(float));
    SampleColumns& columns = *columns_of_this_thread();
    for (const std::size_t layer : readers_[tensor]) {
      if (layer < columns.first || layer - columns.first >= columns.of_layer.size()) continue;
      append_layer_columns(layers_[layer].window, x, dims, columns.places,
                           columns.of_layer[layer - columns.first]);
    }
  }

  std::span<const RoundableLayer> layers_;
  std::span<const StateLink> state_;
  std::vector<std::vector<std::size_t>> readers_;  // of each probed tensor: layers
  std::vector<std::string> fetched_;
  std::optional<Session> session_;
};

/// The moments of some of a reader's layers.
class MomentSums {
 public:
  /// `at_once`: samples.
  MomentSums(const LayerReader& reader, std::size_t first, std::size_t count, std::size_t at_once)
      : reader_(reader), layers_(reader.layers().subspan(first, count)) {
    SampleColumns empty;
    empty.first = first;
    for (const RoundableLayer& layer : layers_) {
      const auto groups = static_cast<std::size_t>(layer.window.groups);
      const std::vector<InputMoments> none(groups, InputMoments(layer.inputs));
      moments_.push_back({none, none});
      empty.of_layer.emplace_back(groups);
    }
    columns_.resize(at_once, empty);
  }

  /// Samples first, first + 1, ..., every other one of which is of the first half. Given: `count` is at most
  /// `at_once`. load(i): sample i.
  void add(std::size_t first, std::size_t count, const std::function<Sample(std::size_t)>& load) {
    parallel_for(count, columns_.size(), [&](std::size_t i) { reader_.run(load(first + i), columns_[i]); });
    parallel_for(layers_.size(), columns_.size(), [&](std::size_t layer) {
      for (std::size_t i = 0; i < count; ++i) {
        auto& half = (first + i) % 2 == 0 ? moments_[layer].one : moments_[layer].other;
        const std::vector<std::vector<float>>& by_group = columns_[i].of_layer[layer];
        for (std::size_t group = 0; group < by_group.size(); ++group) {
          if (by_group[group].size() % layers_[layer].inputs == 0) half[group].add(by_group[group]);
        }
      }
    });
  }

  const LayerMoments& of(std::size_t layer) const { return moments_[layer]; }

 private:
  const LayerReader& reader_;
  std::span<const RoundableLayer> layers_;
  std::vector<LayerMoments> moments_;
  std::vector<SampleColumns> columns_;
};

/// Of both halves.
std::size_t moments_of(const RoundableLayer& layer) {
  return 2 * layer.inputs * layer.inputs * static_cast<std::size_t>(layer.window.groups);
}

/// Bytes of a layer's moments, and of its columns of so many samples.
std::uint64_t held_of(const RoundableLayer& layer, std::size_t at_once) {
  const std::size_t columns = kPlaces * layer.inputs * static_cast<std::size_t>(layer.window.groups);
  return sizeof(double) * moments_of(layer) + sizeof(float) * columns * at_once;
}

/// How many of the layers, at least one, come to no more than `most` together.
template <typename Cost>
std::size_t that_fit(std::span<const RoundableLayer> layers, std::uint64_t most, const Cost& cost) {
  std::size_t count = 0;
  std::uint64_t sum = 0;
  while (count < layers.size() && (count == 0 || sum + cost(layers[count]) <= most))
    sum += cost(layers[count++]);
  return count;
}

}  // namespace

RoundedWeights round_weights(OnnxFile& file, const SampleSet& samples, std::span<const StateLink> state,
                             std::optional<std::uint64_t> memory, const PrepareOptions& options) {
  RoundedWeights result;
  const std::vector<RoundableLayer> layers = roundable_layers(*file.model.graph, kMostInputs);
  const std::size_t count = std::min(kSamples, samples.size());
  const auto threads = static_cast<std::size_t>(std::max(options.threads, 0));
  const std::size_t at_once = std::min(threads == 0 ? hardware_threads() : threads, count);
  const auto load = [&](std::size_t i) { return samples.load(i * samples.size() / count); };
  const auto held = [&](const RoundableLayer& layer) { return held_of(layer, at_once); };
  for (std::span<const RoundableLayer> rest = layers; !rest.empty();) {
    const auto part = rest.first(that_fit(rest, kMostMoments, moments_of));
    const LayerReader reader(file, part, state, options.runtime);
    for (std::size_t done = 0; done < part.size();) {
      const std::size_t fit = that_fit(part.subspan(done), memory.value_or(kUsualMemory), held);
      MomentSums sums(reader, done, fit, at_once);
      for (std::size_t first = 0; first < count; first += at_once) {
        const std::size_t now = std::min(at_once, count - first);
        sums.add(first, now, load);
        if (options.progress) options.progress("rounding weights", first + now, count);
      }
      for (std::size_t i = 0; i < fit; ++i) {
        const RoundableLayer& layer = part[done + i];
        if (round_weights(layer, sums.of(i), result.shifts)) result.layers.push_back(layer.node->label());
      }
      done += fit;
    }
    rest = rest.subspan(part.size());
  }
  return result;
}

}  // namespace qprep
