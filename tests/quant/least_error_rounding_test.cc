#include "quant/least_error_rounding.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace qprep {
namespace {

constexpr QuantRange kInt8{-128, 127};
constexpr std::size_t kInputs = 12, kOutputs = 5, kColumns = 200;

std::vector<float> normal(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> numbers(count);
  for (float& each : numbers) each = distribution(random);
  return numbers;
}

/// Inputs that go with each other: each is the one before it and something of its own.
std::vector<float> correlated_columns() {
  std::vector<float> columns = normal(kColumns * kInputs, 1);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i % kInputs > 0) columns[i] = 0.95F * columns[i - 1] + 0.2F * columns[i];
  }
  return columns;
}

std::vector<float> nearest(const std::vector<float>& rows, const std::vector<float>& scales) {
  std::vector<float> rounded = rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto scale = static_cast<double>(scales[i / kInputs]);
    rounded[i] = static_cast<float>(std::nearbyint(static_cast<double>(rows[i]) / scale) * scale);
  }
  return rounded;
}

/// Sum over columns and outputs of the square of what the rounded rows make of a column, less what it was.
double error(const std::vector<float>& rows, const std::vector<float>& rounded,
             const std::vector<float>& columns) {
  double sum = 0;
  for (std::size_t c = 0; c < columns.size(); c += kInputs) {
    for (std::size_t r = 0; r < rows.size(); r += kInputs) {
      double off = 0;
      for (std::size_t i = 0; i < kInputs; ++i) {
        off += static_cast<double>(rows[r + i] - rounded[r + i]) * static_cast<double>(columns[c + i]);
      }
      sum += off * off;
    }
  }
  return sum;
}

TEST_CASE(
    "Rows are rounded so that what they make of their inputs changes less than by rounding to nearest") {
  const std::vector<float> rows = normal(kOutputs * kInputs, 2), columns = correlated_columns();
  const std::vector<float> scales(kOutputs, 0.125F);
  InputMoments moments(kInputs);
  moments.add(columns);
  std::vector<float> rounded = rows;
  REQUIRE(round_to_least_error(rounded, scales, kInt8, moments));
  CHECK(error(rows, rounded, columns) < 0.3 * error(rows, nearest(rows, scales), columns));
  for (const float each : rounded) CHECK(each / 0.125F == std::nearbyint(each / 0.125F));
}

TEST_CASE("Inputs that have nothing to do with each other leave every weight its nearest integer") {
  const std::vector<float> rows = normal(kOutputs * kInputs, 3);
  std::vector<float> columns(kInputs * kInputs, 0.0F);
  for (std::size_t i = 0; i < kInputs; ++i) columns[i * kInputs + i] = 1.0F + static_cast<float>(i);
  const std::vector<float> scales = {0.1F, 0.2F, 0.3F, 0.4F, 0.5F};
  InputMoments moments(kInputs);
  moments.add(columns);
  std::vector<float> rounded = rows;
  REQUIRE(round_to_least_error(rounded, scales, kInt8, moments));
  CHECK(rounded == nearest(rows, scales));
}

TEST_CASE("Columns may come in parts") {
  const std::vector<float> columns = correlated_columns();
  InputMoments whole(kInputs), parts(kInputs);
  whole.add(columns);
  parts.add(std::span(columns).first(7 * kInputs));
  parts.add(std::span(columns).subspan(7 * kInputs));
  parts.add({});
  for (std::size_t column = 0; column < kInputs; ++column) {
    for (std::size_t row = column; row < kInputs; ++row) {
      const std::size_t i = column * kInputs + row;
      CHECK(parts.products()[i] == Approx(whole.products()[i]).epsilon(1e-12));
    }
  }
}

TEST_CASE("Integers stay within their range") {
  std::vector<float> rows = {1000.0F, -1000.0F, 3.0F};
  InputMoments moments(3);
  moments.add(std::vector<float>{1, 1, 1});
  REQUIRE(round_to_least_error(rows, std::vector<float>{1.0F}, kInt8, moments));
  CHECK(rows[0] == 127.0F);
  CHECK(rows[1] == -128.0F);
}

TEST_CASE("Moments that say nothing leave the rows as they are") {
  const std::vector<float> rows = {0.3F, 0.7F};
  for (const float odd :
       {0.0F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> rounded = rows;
    InputMoments moments(2);
    moments.add(std::vector<float>{odd, odd});
    CHECK_FALSE(round_to_least_error(rounded, std::vector<float>{1.0F}, kInt8, moments));
    CHECK(rounded == rows);
  }
}

}  // namespace
}  // namespace qprep
