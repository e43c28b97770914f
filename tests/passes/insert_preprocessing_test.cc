#include "passes/insert_preprocessing.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "quant/pixel_affine.h"
#include "support/codes.h"
#include "support/run_model.h"

using namespace qprep;

namespace {

Type pictures(bool nhwc, std::int64_t channels = 3) {
  const Dims dims = nhwc ? Dims{1, 2, 2, channels} : Dims{1, channels, 2, 2};
  Shape shape;
  for (const std::int64_t size : dims) shape.push_back({size, {}});
  return Type::tensor(DType::kFloat32, std::move(shape));
}

/// x -> Neg -> y: what the model took, but for its sign.
Model model_of(const Type& type) {
  Model model;
  model.opsets[""] = 13;
  Graph& graph = *model.graph;
  Value& x = graph.add_input("x", type);
  Value& y = graph.insert(nullptr, {.op = "Neg", .inputs = {&x}, .outputs = {"y"}, .name = "neg"}).output(0);
  y.set_type(type);
  graph.add_output(y);
  return model;
}

InputPreprocessing spec_of(Colour trained, Colour fed) {
  InputPreprocessing spec;
  spec.trained = trained;
  spec.fed = fed;
  spec.fed_word = "fed";
  spec.where = {"c.yaml", 1, 1};
  return spec;
}

/// What the model now takes, of what it is fed.
std::vector<float> taken(Model model, const InputPreprocessing& spec, const Dims& dims,
                         const std::vector<float>& fed) {
  Diagnostics diagnostics;
  insert_preprocessing(model, {&spec, 1}, diagnostics);
  REQUIRE(diagnostics.all().empty());
  const std::string bytes = bytes_of(std::move(model));
  CHECK(checker_says(bytes).empty());
  Feeds feeds;
  feeds.emplace("x", Tensor::floats(dims, fed));
  std::vector<float> result = run_model(bytes, feeds, false).front().to_vector<float>();
  for (float& each : result) each = -each;
  return result;
}

void check_near(const std::vector<float>& got, const std::vector<double>& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(static_cast<double>(got[i]) - wanted[i]) < 1e-3);
  }
}

/// Bytes of four pixels with three channels, NCHW.
const std::vector<double> kBytes = {0, 255, 17, 200, 90, 30, 128, 250, 1, 2, 3, 254};

std::vector<float> less_128(const std::vector<double>& bytes) {
  std::vector<float> fed;
  for (const double byte : bytes) fed.push_back(static_cast<float>(byte - 128));
  return fed;
}

std::string complaint(Model model, const std::vector<InputPreprocessing>& specs) {
  Diagnostics diagnostics;
  insert_preprocessing(model, specs, diagnostics);
  REQUIRE(diagnostics.count(Severity::kError) > 0);
  CHECK(diagnostics.all().front().code == codes::kPreprocessing);
  return diagnostics.all().front().message;
}

}  // namespace

TEST_CASE("A picture less 128 becomes (byte - mean) * scale") {
  InputPreprocessing spec = spec_of(Colour::kRgb, Colour::kRgb);
  spec.mean = {123.675, 116.28, 103.53};
  spec.scale = {0.017, 0.0175, 0.0174};
  std::vector<double> wanted;
  for (std::size_t i = 0; i < 12; ++i) wanted.push_back((kBytes[i] - spec.mean[i / 4]) * spec.scale[i / 4]);
  check_near(taken(model_of(pictures(false)), spec, {1, 3, 2, 2}, less_128(kBytes)), wanted);
}

TEST_CASE("One mean and one scale hold for all channels") {
  InputPreprocessing spec = spec_of(Colour::kGray, Colour::kGray);
  spec.mean = {10};
  spec.scale = {0.5};
  check_near(taken(model_of(pictures(false, 1)), spec, {1, 1, 2, 2}, {0, 1, -128, 127}),
             {59, 59.5, -5, 122.5});
}

TEST_CASE("Colours in another order") {
  const InputPreprocessing spec = spec_of(Colour::kRgb, Colour::kBgr);
  const std::vector<double> wanted = {1, 2, 3, 254, 90, 30, 128, 250, 0, 255, 17, 200};
  check_near(taken(model_of(pictures(false)), spec, {1, 3, 2, 2}, less_128(kBytes)), wanted);
}

TEST_CASE("Yuv in full and in video range becomes RGB and BGR") {
  struct Known {
    double y, u, v, r, g, b;
    bool video;
  };
  // By the definition of BT.601: grey axis, and pure red.
  const std::vector<Known> all = {{0, 128, 128, 0, 0, 0, false},
                                  {255, 128, 128, 255, 255, 255, false},
                                  {16, 128, 128, 0, 0, 0, true},
                                  {235, 128, 128, 255, 255, 255, true},
                                  {76.245, 84.9718, 255.5, 255, 0, 0, false}};
  for (const Known& known : all) {
    for (const Colour trained : {Colour::kRgb, Colour::kBgr}) {
      InputPreprocessing spec = spec_of(trained, Colour::kYuv444);
      spec.video_range = known.video;
      std::vector<double> fed, wanted;
      const bool rgb = trained == Colour::kRgb;
      for (const double channel : {known.y, known.u, known.v}) fed.insert(fed.end(), 4, channel);
      for (const double channel : {rgb ? known.r : known.b, known.g, rgb ? known.b : known.r})
        wanted.insert(wanted.end(), 4, channel);
      check_near(taken(model_of(pictures(false)), spec, {1, 3, 2, 2}, less_128(fed)), wanted);
    }
  }
}

TEST_CASE("Layouts of feeding and of training in every combination") {
  const std::vector<double> nchw = kBytes;
  std::vector<double> nhwc;
  for (std::size_t pixel = 0; pixel < 4; ++pixel) {
    for (std::size_t channel = 0; channel < 3; ++channel) nhwc.push_back(nchw[channel * 4 + pixel]);
  }
  for (const bool trained_nhwc : {false, true}) {
    for (const bool fed_nhwc : {false, true}) {
      for (const Colour colour : {Colour::kRgb, Colour::kFeatureMap}) {
        CAPTURE(trained_nhwc, fed_nhwc);
        InputPreprocessing spec = spec_of(colour, colour);
        spec.trained_nhwc = trained_nhwc;
        spec.fed_nhwc = fed_nhwc;
        std::vector<float> fed = less_128(fed_nhwc ? nhwc : nchw);
        if (colour == Colour::kFeatureMap) {
          for (float& each : fed) each += 128;
        }
        check_near(taken(model_of(pictures(trained_nhwc)), spec,
                         fed_nhwc ? Dims{1, 2, 2, 3} : Dims{1, 3, 2, 2}, fed),
                   trained_nhwc ? nhwc : nchw);
      }
    }
  }
}

TEST_CASE("A feature map without mean, scale and another layout stays as it is") {
  Model model = model_of(pictures(false));
  const InputPreprocessing spec = spec_of(Colour::kFeatureMap, Colour::kFeatureMap);
  Diagnostics diagnostics;
  const auto inputs = insert_preprocessing(model, {&spec, 1}, diagnostics);
  REQUIRE(inputs.size() == 1);
  CHECK(inputs.front().value->name() == "x");
  CHECK(model.graph->nodes().size() == 1);
}

TEST_CASE("Sizes that the model leaves open are those of the configuration") {
  Type open = pictures(false);
  open.shape->at(0) = {-1, "batch"};
  Model model = model_of(open);
  InputPreprocessing spec = spec_of(Colour::kRgb, Colour::kRgb);
  spec.shape = Dims{1, 3, 2, 2};
  Diagnostics diagnostics;
  const auto inputs = insert_preprocessing(model, {&spec, 1}, diagnostics);
  CHECK(inputs.front().sample == pictures(false));
  CHECK(model.graph->inputs().front()->type() == pictures(false));
  spec.shape = Dims{1, 3, 4, 4};
  CHECK(complaint(model_of(open), {spec}) ==
        "'input_shape' is 1x3x4x4, and the model's input 'x' is "
        "float32[batch,3,2,2]");
}

TEST_CASE("What does not fit the model is said") {
  const InputPreprocessing rgb = spec_of(Colour::kRgb, Colour::kRgb);
  InputPreprocessing other = rgb, gray = spec_of(Colour::kGray, Colour::kGray);
  other.input = "y";
  CHECK(complaint(model_of(pictures(false)), {rgb, rgb}) ==
        "the configuration speaks of 2 inputs, and the model has 1: x");
  CHECK(complaint(model_of(pictures(false)), {other}) ==
        "the model has no input 'y' (did you mean 'x'?); it has x");
  CHECK(complaint(model_of(pictures(false)), {gray}) ==
        "the model's input 'x' is float32[1,3,2,2], which has no 1 channels where the layout NCHW has them");
  CHECK(complaint(model_of(Type::tensor(DType::kInt64, Shape{{3, {}}})), {rgb}) ==
        "the model's input 'x' is int64[3]; a preprocessing (fed for pictures) needs float32 and four axes");
}

TEST_CASE("A sample becomes what the model is fed with, and that becomes the sample again") {
  for (const Colour trained : {Colour::kRgb, Colour::kBgr}) {
    for (const Colour fed : {Colour::kRgb, Colour::kBgr, Colour::kYuv444}) {
      for (const bool video : {false, true}) {
        InputPreprocessing spec = spec_of(trained, fed);
        spec.video_range = video;
        const PixelAffine both = compose(preprocessing_of(spec, 3), sample_to_input(spec, 3));
        const PixelAffine same = PixelAffine::identity(3);
        for (std::size_t i = 0; i < 9; ++i) CHECK(std::abs(both.matrix[i] - same.matrix[i]) < 1e-9);
        for (const double offset : both.offset) CHECK(std::abs(offset) < 1e-9);
      }
    }
  }
}
