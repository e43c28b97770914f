#include "driver/measure_sensitivity.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace qprep {
namespace {

/// The tensors of one scale.
struct Scale {
  std::vector<std::size_t> tensors;  // of the observed ones
  double error = 0;
};

bool is_activation_of_8_bits(const Value& value, const Plan& plan) {
  const auto planned = plan.values.find(&value);
  return planned != plan.values.end() && planned->second.role == Role::kActivation &&
         planned->second.spec.precision == Precision::kInt8;
}

/// Those that the samples gave one.
std::vector<Scale> scales_of_8_bits(const std::vector<Observed>& observed,
                                    const std::vector<ChosenRange>& ranges, const Plan& plan) {
  std::vector<Scale> scales;
  std::unordered_map<const Value*, std::size_t> of_root;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const Value* value = observed[i].value;
    const Range& range = ranges[i].taken.range;
    if (!is_activation_of_8_bits(*value, plan) || range.magnitude() == 0.0F || !range.all_finite()) continue;
    const auto shared = plan.shared_scales.find(value);
    const Value* root = shared == plan.shared_scales.end() ? value : shared->second;
    const auto [scale, is_new] = of_root.emplace(root, scales.size());
    if (is_new) scales.emplace_back();
    scales[scale->second].tensors.push_back(i);
  }
  return scales;
}

/// 1, 2, 3, 5, 8, 12, 18, ...: each about half as much again.
std::size_t after(std::size_t count) { return count + std::max<std::size_t>(1, count / 2); }

class Measurement {
 public:
  Measurement(const QuantisedTrials& trials, const std::vector<Observed>& observed,
              const std::vector<ChosenRange>& ranges, const std::vector<ChosenRange>& wide, const Plan& plan,
              double elements)
      : trials_(trials),
        observed_(observed),
        ranges_(ranges),
        wide_(wide),
        plan_(plan),
        scales_(scales_of_8_bits(observed, ranges, plan)),
        samples_(trials.affordable(elements, scales_.size(), 4, 16)) {}

  Sensitivity run() {
    Sensitivity sensitivity;
    if (scales_.empty()) return sensitivity;
    sensitivity.samples = samples_;
    sensitivity.results = trials_.results().size();
    rank_scales();
    for (std::size_t s = 0; s < scales_.size(); ++s) {
      for (const std::size_t i : scales_[s].tensors) sensitivity.tensors.push_back(cost_of(i, s));
    }
    widen(sensitivity);
    return sensitivity;
  }

 private:
  void rank_scales() {
    std::vector<SimulatedTensors> alone;
    for (const Scale& scale : scales_) {
      alone.emplace_back();
      for (const std::size_t i : scale.tensors) {
        alone.back().emplace(observed_[i].value, SimulatedAs{ranges_[i].taken.range, ranges_[i].channels});
      }
    }
    const std::vector<double> errors =
        trials_.errors(alone, samples_, QuantisedTrials::Against::kQuantisedWeights, "measuring sensitivity");
    for (std::size_t s = 0; s < scales_.size(); ++s) scales_[s].error = errors[s];
    std::stable_sort(scales_.begin(), scales_.end(),
                     [](const Scale& a, const Scale& b) { return a.error > b.error; });
  }

  TensorCost cost_of(std::size_t i, std::size_t scale) const {
    const Value& value = *observed_[i].value;
    const Node* maker = value.producer();
    return {observed_[i].name, maker ? maker->op() : "input",
            std::string(to_text(plan_.values.at(&value).spec)), scales_[scale].error, scale};
  }

  /// All tensors as they were calibrated, but for those of the first `wide` scales, which are float or int16.
  SimulatedTensors with_wide(std::size_t wide, bool in_float) const {
    SimulatedTensors all;
    for (std::size_t i = 0; i < observed_.size(); ++i)
      all.emplace(observed_[i].value, SimulatedAs{ranges_[i].taken.range, ranges_[i].channels});
    for (std::size_t s = 0; s < wide; ++s) {
      for (const std::size_t i : scales_[s].tensors) {
        if (in_float) {
          all.erase(observed_[i].value);
        } else {
          all[observed_[i].value] =
              SimulatedAs{wide_[i].taken.range, wide_[i].channels, range_of(Precision::kInt16)};
        }
      }
    }
    return all;
  }

  void widen(Sensitivity& sensitivity) const {
    std::vector<SimulatedTensors> trials;
    std::size_t tensors = 0, counted = 0;
    for (std::size_t wide = 0;; wide = std::min(after(wide), scales_.size())) {
      for (; counted < wide; ++counted) tensors += scales_[counted].tensors.size();
      trials.push_back(with_wide(wide, false));
      trials.push_back(with_wide(wide, true));
      sensitivity.steps.push_back({tensors});
      if (wide == scales_.size()) break;
    }
    const std::vector<double> errors =
        trials_.errors(trials, samples_, QuantisedTrials::Against::kFloat, "trying int16 and float");
    for (std::size_t i = 0; i < sensitivity.steps.size(); ++i) {
      sensitivity.steps[i].with_int16 = errors[2 * i];
      sensitivity.steps[i].with_float = errors[2 * i + 1];
    }
  }

  const QuantisedTrials& trials_;
  const std::vector<Observed>& observed_;
  const std::vector<ChosenRange>&ranges_, &wide_;
  const Plan& plan_;
  std::vector<Scale> scales_;  // once ranked, the most costly first
  std::size_t samples_;
};

}  // namespace

Sensitivity measure_sensitivity(const QuantisedTrials& trials, const std::vector<Observed>& observed,
                                const std::vector<ChosenRange>& ranges, const std::vector<ChosenRange>& wide,
                                const Plan& plan, double elements) {
  return Measurement(trials, observed, ranges, wide, plan, elements).run();
}

}  // namespace qprep
