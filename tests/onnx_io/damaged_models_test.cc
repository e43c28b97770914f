#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>

#include "support/round_trip.h"
#include "support/sample_models.h"
#include "support/temporary_folder.h"

using namespace qprep;
using namespace qprep::test;

namespace fs = std::filesystem;

namespace {

/// The real models, where they are.
fs::path shared_models() {
  const char* folder = std::getenv("QPREP_SHARED");
  return fs::path(folder ? folder : QPREP_SOURCE_DIR "/../shared") / "models";
}

std::vector<std::string> sample_bytes() {
  std::vector<std::string> samples;
  for (const onnx::ModelProto& model : sample_models()) samples.push_back(model.SerializeAsString());
  return samples;
}

/// Small ones of different makers, eras and kinds.
std::vector<std::string> real_models() {
  std::vector<std::string> models;
  for (const char* name :
       {"quantref_tract_qtdnn_10x5_101_i32_biases", "tut_iris", "mlp_keypoint_classifier",
        "keras_tract_tf2_example", "quantref_tract_qlstm_3-2-3_T3_S1", "lstm_point_history", "cls_mnist_ort",
        "cls_mnist_cntk_op1", "audio_utau_mel", "light/light_squeezenet"}) {
    models.push_back(bytes_of(shared_models() / (std::string(name) + ".onnx")));
    REQUIRE(models.back().size() > 1000);
  }
  return models;
}

Outcome check(const std::string& bytes) { return check_round_trip(std::as_bytes(std::span(bytes))); }

/// Result: how many of the damaged versions were models still.
std::size_t check_damaged(const std::string& model, std::size_t truncations, std::size_t flips,
                          unsigned seed) {
  std::mt19937 random(seed);
  std::size_t models = 0;
  for (std::size_t i = 0; i < truncations; ++i) {
    if (check(model.substr(0, random() % model.size())) == Outcome::kModel) ++models;
  }
  for (std::size_t i = 0; i < flips; ++i) {
    std::string damaged = model;
    // A file's structure is where its payloads are not: most flips hit near the start or the end.
    const std::size_t reach = i % 2 == 0 ? damaged.size() : std::min<std::size_t>(damaged.size(), 2000);
    for (std::size_t bit = 0; bit <= i % 3; ++bit) {
      const std::size_t at = i % 4 == 1 ? damaged.size() - 1 - random() % reach : random() % reach;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    }
    if (check(damaged) == Outcome::kModel) ++models;
  }
  return models;
}

}  // namespace

TEST_CASE("undamaged models survive the check that damaged ones get") {
  for (const std::string& model : sample_bytes()) CHECK(check(model) == Outcome::kModel);
}

TEST_CASE("truncated and bit-flipped models of our own are refused or read as what they say") {
  std::size_t models = 0;
  unsigned seed = 1;
  for (const std::string& model : sample_bytes()) models += check_damaged(model, 200, 400, seed++);
  CHECK(models > 500);   // the check gets past the parser ...
  CHECK(models < 3800);  // ... and not always
}

TEST_CASE("truncated and bit-flipped real models are refused or read as what they say") {
  if (!fs::exists(shared_models())) {
    WARN("skipped: there is no " << shared_models().string());
    return;
  }
  std::size_t models = 0;
  unsigned seed = 100;
  for (const std::string& model : real_models()) {
    CHECK(check(model) == Outcome::kModel);
    models += check_damaged(model, 150, 350, seed++);
  }
  CHECK(models > 300);
  CHECK(models < 4500);
}

TEST_CASE("what fuzzing found stays fixed") {
  const fs::path folder = fs::path(QPREP_SOURCE_DIR) / "testdata/crash/onnx";
  if (!fs::exists(folder)) return;
  for (const auto& entry : fs::directory_iterator(folder)) {
    CAPTURE(entry.path().filename().string());
    CHECK_NOTHROW(check(bytes_of(entry.path())));
  }
}
