#include "plan/method_search.h"

#include <algorithm>
#include <array>
#include <utility>

namespace qprep {
namespace {

constexpr std::array<std::pair<ResultMetric, std::string_view>, 5> kWords = {{
    {ResultMetric::kSqnr, "sqnr"},
    {ResultMetric::kCosineSimilarity, "cosine_similarity"},
    {ResultMetric::kMse, "mse"},
    {ResultMetric::kMae, "mae"},
    {ResultMetric::kChebyshev, "chebyshev"},
}};

}  // namespace

std::string_view to_text(ResultMetric metric) {
  return std::find_if(kWords.begin(), kWords.end(), [&](const auto& each) { return each.first == metric; })
      ->second;
}

std::optional<ResultMetric> metric_from(std::string_view word) {
  for (const auto& [metric, text] : kWords) {
    if (text == word) return metric;
  }
  return std::nullopt;
}

std::vector<std::string> metric_words() {
  std::vector<std::string> words;
  for (const auto& [metric, text] : kWords) words.emplace_back(text);
  return words;
}

double ResultFigures::distance(ResultMetric metric) const {
  switch (metric) {
    case ResultMetric::kCosineSimilarity:
      return 1 - cosine;
    case ResultMetric::kMse:
      return mse;
    case ResultMetric::kMae:
      return mae;
    case ResultMetric::kChebyshev:
      return chebyshev;
    case ResultMetric::kSqnr:
      break;
  }
  return noise;
}

}  // namespace qprep
