#include "driver/weight_rounding.h"

#include <algorithm>
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
constexpr std::size_t kSamples = 32, kPlaces = 256;
constexpr std::size_t kMostMoments = std::size_t{64} << 20;  // numbers that are held at once

constexpr std::size_t kMostSteps = 64;

/// What a sample gives the layers.
struct SampleColumns {
  std::size_t places = kPlaces;                           // of each step
  std::vector<std::vector<std::vector<float>>> of_layer;  // columns for each group
};

SampleColumns*& columns_of_this_thread() {
  thread_local SampleColumns* columns = nullptr;
  return columns;
}

void append(const std::vector<std::vector<float>>& from, std::vector<std::vector<float>>& to) {
  to.resize(std::max(to.size(), from.size()));
  for (std::size_t group = 0; group < from.size(); ++group)
    to[group].insert(to[group].end(), from[group].begin(), from[group].end());
}

/// The moments of some layers.
class MomentSums {
 public:
  MomentSums(const OnnxFile& file, std::span<const RoundableLayer> layers, std::span<const StateLink> state,
             const std::string& library)
      : layers_(layers), state_(state) {
    std::vector<std::string> names;
    std::unordered_map<std::string, std::size_t> number;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto [at, is_new] = number.emplace(layers[i].reads, names.size());
      if (is_new) names.push_back(layers[i].reads);
      if (is_new) readers_.emplace_back();
      readers_[at->second].push_back(i);
      const std::vector<InputMoments> none(static_cast<std::size_t>(layers[i].window.groups),
                                           InputMoments(layers[i].inputs));
      moments_.push_back({none, none});
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

  SampleColumns run(const Sample& sample) const {
    const std::size_t later = std::min(sample.later.size(), kMostSteps - 1);
    SampleColumns columns{std::max<std::size_t>(1, kPlaces / (1 + later)), {}};
    columns.of_layer.resize(layers_.size());
    columns_of_this_thread() = &columns;
    std::vector<Tensor> made = session_->run(sample.feeds, fetched_);
    for (std::size_t step = 0; step < later; ++step) {
      Feeds feeds = sample.later[step];
      for (std::size_t i = 0; i < state_.size(); ++i) feeds.emplace(state_[i].input, std::move(made[1 + i]));
      made = session_->run(feeds, fetched_);
    }
    return columns;
  }

  /// Those of samples first, first + 1, ..., every other one of which is of the first half.
  void add(std::size_t first, const std::vector<SampleColumns>& samples, std::size_t threads) {
    parallel_for(layers_.size(), threads, [&](std::size_t layer) {
      for (std::size_t i = 0; i < samples.size(); ++i) {
        auto& half = (first + i) % 2 == 0 ? moments_[layer].one : moments_[layer].other;
        const std::vector<std::vector<float>>& by_group = samples[i].of_layer[layer];
        for (std::size_t group = 0; group < by_group.size(); ++group) {
          if (by_group[group].size() % layers_[layer].inputs == 0) half[group].add(by_group[group]);
        }
      }
    });
  }

  const LayerMoments& of(std::size_t layer) const { return moments_[layer]; }

 private:
  void see(std::size_t tensor, DType dtype, std::span<const std::int64_t> dims,
           std::span<const std::byte> elements) const {
    if (dtype != DType::kFloat32) return;
    const std::span<const float> x(reinterpret_cast<const float*>(elements.data()),
                                   elements.size() / sizeof(float));
    SampleColumns& columns = *columns_of_this_thread();
    for (const std::size_t layer : readers_[tensor]) {
      append(layer_columns(layers_[layer].window, x, dims, columns.places), columns.of_layer[layer]);
    }
  }

  std::span<const RoundableLayer> layers_;
  std::span<const StateLink> state_;
  std::vector<std::vector<std::size_t>> readers_;  // of each probed tensor: layers
  std::vector<LayerMoments> moments_;
  std::vector<std::string> fetched_;
  std::optional<Session> session_;
};

std::size_t numbers_of(const RoundableLayer& layer) {
  return 2 * layer.inputs * layer.inputs * static_cast<std::size_t>(layer.window.groups);
}

/// How many of the layers, at least one, have moments that can be held at once.
std::size_t held_at_once(std::span<const RoundableLayer> layers) {
  std::size_t count = 0, numbers = 0;
  while (count < layers.size() && (count == 0 || numbers + numbers_of(layers[count]) <= kMostMoments))
    numbers += numbers_of(layers[count++]);
  return count;
}

}  // namespace

RoundedWeights round_weights(OnnxFile& file, const SampleSet& samples, std::span<const StateLink> state,
                             const PrepareOptions& options) {
  RoundedWeights result;
  const std::vector<RoundableLayer> layers = roundable_layers(*file.model.graph, kMostInputs);
  const std::size_t count = std::min(kSamples, samples.size());
  const auto threads = static_cast<std::size_t>(std::max(options.threads, 0));
  const std::size_t at_once = threads == 0 ? hardware_threads() : threads;
  for (std::size_t done = 0; done < layers.size();) {
    const auto part = std::span(layers).subspan(done, held_at_once(std::span(layers).subspan(done)));
    MomentSums sums(file, part, state, options.runtime);
    for (std::size_t first = 0; first < count; first += at_once) {
      std::vector<SampleColumns> columns(std::min(at_once, count - first));
      parallel_for(columns.size(), at_once, [&](std::size_t i) {
        columns[i] = sums.run(samples.load((first + i) * samples.size() / count));
      });
      sums.add(first, columns, at_once);
      if (options.progress) options.progress("rounding weights", first + columns.size(), count);
    }
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (round_weights(part[i], sums.of(i), result.shifts)) result.layers.push_back(part[i].node->label());
    }
    done += part.size();
  }
  return result;
}

}  // namespace qprep
