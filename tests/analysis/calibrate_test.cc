#include "analysis/calibrate.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

#include "onnx_io/onnx_file.h"
#include "runtime/temporary_folder.h"
#include "samples/npy.h"
#include "support/codes.h"

using namespace qprep;

namespace {

/// y = Relu(x + [1, 2]), n = y / z, top = the largest of each column of y, some = what is positive in y;
/// x is float32[N,2].
Model model_of_two() {
  Model model;
  model.opsets[""] = 13;
  Graph& graph = *model.graph;
  Value& x = graph.add_input("x", Type::tensor(DType::kFloat32, Shape{{-1, "N"}, {2, ""}}));
  Value& b = graph.add_initializer("b", Tensor::floats({2}, {1, 2}));
  Value& zero = graph.add_initializer("zero", Tensor::floats({1}, {0}));
  Value& h = graph.insert(nullptr, {.op = "Add", .inputs = {&x, &b}, .outputs = {"h"}}).output(0);
  Value& y = graph.insert(nullptr, {.op = "Relu", .inputs = {&h}, .outputs = {"y"}}).output(0);
  Value& n = graph.insert(nullptr, {.op = "Div", .inputs = {&y, &zero}, .outputs = {"n"}}).output(0);
  Value& i = graph.insert(nullptr, {.op = "Shape", .inputs = {&y}, .outputs = {"i"}}).output(0);
  Node& top = graph.insert(nullptr, {.op = "ReduceMax", .inputs = {&y}, .outputs = {"top"}});
  top.set_attribute("axes", std::vector<std::int64_t>{0});
  Value& is_some = graph.insert(nullptr, {.op = "Cast", .inputs = {&y}, .outputs = {"is_some"}}).output(0);
  is_some.producer()->set_attribute("to", std::int64_t{9});
  Value& where =
      graph.insert(nullptr, {.op = "NonZero", .inputs = {&is_some}, .outputs = {"where"}}).output(0);
  Value& turned =
      graph.insert(nullptr, {.op = "Transpose", .inputs = {&where}, .outputs = {"turned"}}).output(0);
  graph.insert(nullptr, {.op = "GatherND", .inputs = {&y, &turned}, .outputs = {"some"}});
  n.set_type(Type::tensor(DType::kFloat32, Shape{{-1, "N"}, {2, ""}}));
  i.set_type(Type::tensor(DType::kInt64, Shape{{2, ""}}));
  graph.add_output(n);
  graph.add_output(i);
  return model;
}

class Fixture {
 public:
  Fixture() : ports_(input_ports(model_of_two())), bytes_(serialize_onnx({model_of_two(), nullptr})) {}

  void sample(const std::string& name, std::vector<float> values) {
    const auto rows = static_cast<std::int64_t>(values.size() / 2);
    folder_.write(name, npy_bytes(Tensor::floats({rows, 2}, std::move(values))));
  }

  /// 23 of two rows.
  void add_many_samples() {
    for (int i = 0; i < 23; ++i) {
      const auto value = static_cast<float>(i * 7919 % 41) / 3;
      sample(std::to_string(100 + i) + ".npy", {value - 5, 2 - value, value * value, 1e-3F * value});
    }
  }

  Statistics observed(const std::vector<std::string>& tensors, const CalibrationOptions& options = {},
                      std::size_t share = 0, std::size_t shares = 1) {
    const SampleSet samples = SampleSet::open(folder_.str(), ports_, diagnostics).share(share, shares);
    std::vector<Probed> probed;
    for (const std::string& tensor : tensors) probed.push_back({tensor});
    return calibrate({"m.onnx", std::as_bytes(std::span(bytes_)), ""}, probed, samples, options, diagnostics);
  }

  Ranges calibrated(const std::vector<std::string>& tensors, const CalibrationOptions& options = {}) {
    Ranges ranges;
    for (const TensorStatistics& tensor : observed(tensors, options).tensors)
      ranges[tensor.name] = tensor.range();
    return ranges;
  }

  /// The model takes any number of rows.
  Batch batch(std::size_t size) const { return {size, {"m.onnx", std::as_bytes(std::span(bytes_)), ""}, {}}; }

  /// A batch of 4 makes of y and `tensor` what one sample at a time does, with the reason.
  void check_one_by_one(const std::string& tensor, const std::string& why) {
    const Statistics one_by_one = observed({"y", tensor});
    for (const int threads : {1, 3}) {
      diagnostics = {};
      CalibrationOptions options;
      options.threads = threads;
      options.batch = batch(4);
      CHECK(observed({"y", tensor}, options) == one_by_one);
      CHECK(said() == "'calibration.batch' has no effect, samples run one by one: " + why);
    }
  }

  /// All messages, one behind the other.
  std::string said() const {
    std::string all;
    for (const Diagnostic& each : diagnostics.all()) all += each.message;
    return all;
  }

  Diagnostics diagnostics;

 private:
  TemporaryFolder folder_;
  std::vector<Port> ports_;
  std::string bytes_;
};

Range range(float min, float max, std::int64_t finite, std::int64_t infinite = 0, std::int64_t nan = 0) {
  return {min, max, finite, infinite, nan};
}

const float kNan = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("calibration finds the range of every tensor over all samples, of whatever shape") {
  Fixture fixture;
  fixture.sample("0.npy", {0, -7});
  fixture.sample("1.npy", {4, 1, -1, -1, 2, 2});
  const Ranges ranges = fixture.calibrated({"x", "h", "y", "b"});
  REQUIRE(ranges.size() == 4);
  CHECK(ranges.at("x") == range(-7, 4, 8));
  CHECK(ranges.at("h") == range(-5, 5, 8));
  CHECK(ranges.at("y") == range(0, 5, 8));
  CHECK(ranges.at("b") == range(1, 2, 4));
  CHECK(fixture.diagnostics.all().empty());
  CHECK(fixture.calibrated({}).empty());
}

TEST_CASE("NaN and infinities are counted and do not widen a range; those in a file are said") {
  Fixture fixture;
  fixture.sample("0.npy", {kNan, 3});
  fixture.sample("1.npy", {-1, 1});
  const Ranges ranges = fixture.calibrated({"x", "n"});
  CHECK(ranges.at("x") == range(-1, 3, 3, 0, 1));
  // Relu gives 0 for -1 + 1, and 0 / 0 is NaN
  CHECK(ranges.at("n").finite == 0);
  CHECK(ranges.at("n").infinite == 2);
  CHECK(ranges.at("n").nan == 2);
  REQUIRE(fixture.diagnostics.all().size() == 1);
  CHECK(fixture.diagnostics.all()[0].message == "it holds 1 NaN or infinite elements");
}

TEST_CASE("the ranges do not depend on the number of threads or the order of the samples") {
  Fixture forwards, backwards;
  for (int i = 0; i < 40; ++i) {
    const auto value = static_cast<float>(i * 7919 % 41) - 20;
    forwards.sample(std::to_string(100 + i) + ".npy", {value, -value / 3});
    backwards.sample(std::to_string(900 - i) + ".npy", {value, -value / 3});
  }
  const std::vector<std::string> tensors = {"x", "h", "y"};
  CalibrationOptions one, four;
  one.threads = 1;
  four.threads = 4;
  const Ranges ranges = forwards.calibrated(tensors, one);
  CHECK(forwards.calibrated(tensors, four) == ranges);
  CHECK(backwards.calibrated(tensors, one) == ranges);
  CHECK(backwards.calibrated(tensors, four) == ranges);
}

TEST_CASE("what is kept of a tensor is that of its numbers, by sample, bin and channel") {
  Fixture fixture;
  fixture.sample("0.npy", {0, -7});
  fixture.sample("1.npy", {4, 1, -1, -1, 2, 2});
  CalibrationOptions options;
  options.wanted = {.histogram = true, .channels = true};
  const Statistics statistics = fixture.observed({"x", "y"}, options);
  REQUIRE(statistics.samples.size() == 2);
  CHECK(statistics.samples[0].name == "0.npy");
  CHECK(statistics.samples[0].digest != statistics.samples[1].digest);
  const TensorStatistics& x = statistics.tensors.at(0);
  CHECK(x.by_sample == std::vector<Range>{range(-7, 0, 2), range(-1, 4, 6)});
  CHECK(x.histogram.total() == 8);
  REQUIRE(x.channels);
  CHECK(x.channels->count == 4);
  CHECK(x.channels->min == std::vector<float>{-1, -7});
  CHECK(x.channels->max == std::vector<float>{4, 2});
  CHECK(x.channels->mean(0) == 5.0 / 4);
  CHECK(x.channels->mean(1) == -5.0 / 4);
}

TEST_CASE("shares of the samples merge into what one run sees") {
  Fixture fixture;
  fixture.add_many_samples();
  CalibrationOptions options;
  options.wanted = {.histogram = true, .channels = true};
  const Statistics whole = fixture.observed({"x", "h", "y"}, options);
  const std::size_t shares = GENERATE(as<std::size_t>(), 2, 7, 23);
  Statistics all = fixture.observed({"x", "h", "y"}, options, shares - 1, shares);
  for (std::size_t share = 0; share + 1 < shares; ++share) {
    CHECK(merge(all, fixture.observed({"x", "h", "y"}, options, share, shares)) == std::nullopt);
  }
  CHECK(all == whole);
  CHECK(merge(all, whole) == "both saw the sample '100.npy'");
}

TEST_CASE("progress counts to the number of samples") {
  Fixture fixture;
  for (int i = 0; i < 9; ++i) fixture.sample(std::to_string(i) + ".npy", {1, 2});
  std::vector<std::size_t> calls;
  CalibrationOptions options;
  options.threads = 3;
  options.progress = [&](std::size_t run, std::size_t runs, std::size_t done, std::size_t total) {
    CHECK(run == 1);
    CHECK(runs == 1);
    CHECK(total == 9);
    calls.push_back(done);
  };
  fixture.calibrated({"y"}, options);
  CHECK(calls == std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("a bound of memory makes several runs of the same") {
  Fixture fixture;
  for (int i = 0; i < 9; ++i) {
    const auto x = static_cast<float>(i);
    fixture.sample(std::to_string(i) + ".npy", {x, -2 * x, i == 3 ? kNan : 1, 2});
  }
  CalibrationOptions options;
  options.wanted = {.histogram = true, .channels = true};
  const std::vector<std::string> tensors = {"x", "h", "y", "n"};
  const Statistics whole = fixture.observed(tensors, options);
  const std::size_t said = fixture.diagnostics.all().size();
  const std::size_t one = TensorObserver::most_bytes(9, options.wanted, {});
  std::size_t last = 0;
  options.progress = [&](std::size_t run, std::size_t runs, std::size_t, std::size_t) {
    last = run * 10 + runs;
  };
  const auto [memory, runs] =
      GENERATE(table<std::size_t, std::size_t>({{0, 4}, {1, 4}, {2, 2}, {3, 2}, {4, 1}}));
  options.memory = memory * one;
  CHECK(fixture.observed(tensors, options) == whole);
  CHECK(last == runs * 11);
  CHECK(fixture.diagnostics.all().size() == 2 * said);
}

TEST_CASE("a batch changes nothing") {
  Fixture fixture;
  fixture.add_many_samples();
  CalibrationOptions options;
  options.wanted = {.histogram = true, .channels = true};
  options.threads = GENERATE(1, 4);
  const std::vector<std::string> tensors = {"x", "h", "y", "b", "n"};
  const Statistics one_by_one = fixture.observed(tensors, options);
  const std::size_t one = TensorObserver::most_bytes(23, options.wanted, {});
  options.memory = GENERATE_COPY(100 * one, 2 * one);
  options.batch = fixture.batch(GENERATE(as<std::size_t>(), 2, 5, 8, 64));
  std::size_t last = 0;
  options.progress = [&](std::size_t, std::size_t, std::size_t done, std::size_t) { last = done; };
  CHECK(fixture.observed(tensors, options) == one_by_one);
  CHECK(last == 23);
  CHECK(fixture.said() == "");
}

TEST_CASE("where a batch would change a bit, samples run one by one") {
  Fixture fixture;
  for (int i = 0; i < 8; ++i)
    fixture.sample(std::to_string(i) + ".npy", {static_cast<float>(i), static_cast<float>(i % 3)});
  fixture.check_one_by_one("top", "of 4 at once, the tensor 'top' has other bits than of each by itself");
}

TEST_CASE("where sizes depend on the numbers, samples run one by one") {
  Fixture fixture;
  for (int i = 0; i < 16; ++i) fixture.sample(std::to_string(10 + i) + ".npy", {1, i < 8 ? 2.0F : -4.0F});
  fixture.check_one_by_one("some", "the sizes of its tensors depend on the numbers in the samples");
}

TEST_CASE("what cannot be calibrated is refused by name") {
  Fixture fixture;
  fixture.sample("0.npy", {1, 2});
  CHECK_THROWS_WITH(fixture.calibrated({"i"}),
                    Catch::Contains("the tensor 'i' is int64; only float32 is calibrated"));
  CHECK_THROWS_WITH(fixture.calibrated({"nothing"}), Catch::Contains("nothing"));
}

TEST_CASE("many odd files give few warnings") {
  Fixture fixture;
  for (int i = 10; i < 30; ++i) fixture.sample(std::to_string(i) + ".npy", {kNan, static_cast<float>(i)});
  fixture.calibrated({"x"});
  REQUIRE(fixture.diagnostics.all().size() == 9);
  CHECK(fixture.diagnostics.all().front().where.file.ends_with("10.npy"));
  CHECK(fixture.diagnostics.all().back().message == "12 more sample files are like this");
}
