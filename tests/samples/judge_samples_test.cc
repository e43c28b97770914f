#include "samples/judge_samples.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "support/codes.h"

using namespace qprep;

namespace {

/// A picture of one colour, as a file of floats that is fed as it is.
InputFacts picture(const std::string& file, std::vector<float> pixels) {
  InputFacts facts;
  facts.file = file;
  const auto count = static_cast<std::int64_t>(pixels.size());
  facts.fed = facts_of(Tensor::floats({1, 1, 1, count}, std::move(pixels)), 1);
  return facts;
}

std::vector<std::string> warnings(const std::vector<InputFacts>& files, std::optional<Promise> promise = {}) {
  std::vector<SampleFacts> samples;
  for (const InputFacts& file : files) samples.push_back({{"image", file}});
  std::map<std::string, Promise> promises;
  if (promise) promises.emplace("image", *promise);
  Diagnostics diagnostics;
  judge_samples(samples, {}, promises, "samples", diagnostics);
  std::vector<std::string> found;
  for (const Diagnostic& each : diagnostics.all()) {
    CHECK(each.severity == Severity::kWarning);
    CHECK(each.code == codes::kBadSample);
    found.push_back(to_text(each.where) + ": " + each.message);
  }
  return found;
}

const Promise kNormalised = {-2, 2.5, "mean and scale promise"};

}  // namespace

TEST_CASE("numbers of a tensor") {
  const TensorFacts facts = facts_of(Tensor::floats({1, 2, 1, 2}, {1, -3, 5, NAN}), 1);
  CHECK(facts.all.min == -3);
  CHECK(facts.all.max == 5);
  CHECK(facts.all.count == 3);
  CHECK(facts.not_finite == 1);
  REQUIRE(facts.channels.size() == 2);
  CHECK(facts.channels[0].mean() == -1);
  CHECK(facts.channels[1].max == 5);
  CHECK_FALSE(facts.pixels());
  CHECK(facts_of(Tensor::of<std::uint16_t>(DType::kFloat16, {3}, {0x3c00, 0xc000, 0x7c00}), {}).all.min ==
        -2);
  CHECK(facts_of(Tensor::of<std::uint16_t>(DType::kFloat16, {3}, {0x3c00, 0xc000, 0x7c00}), {}).not_finite ==
        1);
  CHECK(facts_of(Tensor::floats({2}, {0, 200}), {}).pixels());
  CHECK_FALSE(facts_of(Tensor::floats({2}, {0, 20}), {}).pixels());
  CHECK_FALSE(facts_of(Tensor::int64s({2}, {0, 200}), {}).pixels());
}

TEST_CASE("colours are an axis of four") {
  CHECK(colour_axis({1, 3, 224, 224}) == 1);
  CHECK(colour_axis({1, 224, 224, 3}) == 3);
  CHECK(colour_axis({1, 1, 28, 28}) == 1);
  CHECK(colour_axis({1, 64, 56, 56}) == std::nullopt);
  CHECK(colour_axis({3, 224, 224}) == std::nullopt);
}

TEST_CASE("pixels where mean and scale promise small numbers") {
  const auto found = warnings({picture("a.npy", {-1, 1}), picture("b.npy", {0, 255})}, kNormalised);
  REQUIRE(found.size() == 1);
  CHECK(
      found[0] ==
      "b.npy: the samples of input 'image' range from -1 to 255, and mean and scale promise -2 to 2.5: these "
      "are pixels before mean and scale");
}

TEST_CASE("numbers that were prepared twice") {
  const auto found =
      warnings({picture("a.npy", {-2, 2})}, Promise{0, 255, "pictures before mean and scale have"});
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0], Catch::Contains("pictures before mean and scale have 0 to 255: is something done"));
}

TEST_CASE("pixels from 0 to 1 where mean and scale promise what is around zero") {
  const auto found = warnings({picture("a.npy", {0, 0.9F}), picture("b.npy", {0.5F, 1})}, kNormalised);
  REQUIRE(found.size() == 1);
  CHECK(found[0] ==
        "b.npy: the samples of input 'image' range from 0 to 1, and mean and scale promise -2 to 2.5: these "
        "are "
        "pixels from 0 to 1 before mean and scale");
  const Promise not_below = {0, 1, "mean and scale promise"};
  CHECK(warnings({picture("a.npy", {0, 1})}, not_below).empty());
  CHECK(warnings({picture("a.npy", {0, 0.2F})}, kNormalised).empty());
  CHECK(warnings({picture("a.npy", {-0.1F, 1})}, kNormalised).empty());
}

TEST_CASE("mean and scale of pixels from 0 to 1") {
  CHECK(
      doubt_about({0.485, 0.456, 0.406}, {1 / 0.229, 1 / 0.224, 1 / 0.225}) ==
      "with mean 0.485 0.456 0.406 and scale 4.36681 4.46429 4.44444, pixels, which are 0 to 255 here, "
      "become "
      "-2.118 to 1136; numbers for pixels of 0 to 1 are here mean 123.675 116.28 103.53 and scale 0.0171248 "
      "0.017507 0.0174292");
  CHECK_THAT(doubt_about({0.5}, {1 / 127.5}), Catch::EndsWith("are here mean 127.5 and scale 0.00784314"));
  CHECK_THAT(doubt_about({}, {2}), Catch::EndsWith("are here scale 0.00784314"));
  CHECK_THAT(doubt_about({0.5}, {}), Catch::EndsWith("are here mean 127.5"));
}

TEST_CASE("mean and scale that make no usual range") {
  CHECK_THAT(doubt_about({123.675}, {1 / 0.229}),
             Catch::EndsWith("the scale (1 / std) makes them more, not less"));
  CHECK_THAT(doubt_about({0}, {1 / 65025.0}),
             Catch::EndsWith("become 0 to 0.003922; are they divided by 255 twice?"));
  CHECK_THAT(doubt_about({123.675 * 255}, {1 / 58.0}), Catch::EndsWith("the mean is above all of them"));
}

TEST_CASE("usual mean and scale are not doubted") {
  const std::vector<double> none;
  CHECK(doubt_about(none, none).empty());
  CHECK(doubt_about(none, {1 / 255.0}).empty());
  CHECK(doubt_about({127.5}, {1 / 127.5}).empty());
  CHECK(doubt_about({128}, {0.0078125}).empty());
  CHECK(doubt_about({128}, none).empty());
  CHECK(doubt_about({127.5}, {1 / 255.0}).empty());
  CHECK(doubt_about({103.939, 116.779, 123.68}, none).empty());
  CHECK(doubt_about({103.53, 116.28, 123.675}, {0.017}).empty());
  CHECK(doubt_about({123.675, 116.28, 103.53}, {1 / 58.395, 1 / 57.12, 1 / 57.375}).empty());
  CHECK(doubt_about({0, 0, 0}, {1, 1, 1}).empty());
}

TEST_CASE("only a preprocessing that makes something is doubted") {
  Promise promise = {-2, 1136, "mean and scale promise", "with mean 0.485 ..."};
  InputFacts made = picture("a.jpg", {-2, 1136});
  CHECK(warnings({made}, promise).empty());
  made.preprocessed = true;
  CHECK(warnings({made}, promise) == std::vector<std::string>{": input 'image': with mean 0.485 ..."});
}

TEST_CASE("no false alarm") {
  CHECK(warnings({picture("a.npy", {-2, 2}), picture("b.npy", {0, 0.1F})}, kNormalised).empty());
  CHECK(warnings({picture("a.npy", {0, 255}), picture("dark.npy", {0, 3})}).empty());
  CHECK(warnings({picture("a.npy", {0, 255}), picture("b.npy", {0, 99.5F})}).empty());
  CHECK(warnings({picture("a.npy", {0, 255}), picture("b.npy", {12, 250})}).empty());
  CHECK(warnings({picture("a.npy", {-7, 3}), picture("b.npy", {0, 0.5F})}).empty());
}

TEST_CASE("what the preprocessing made keeps its promise") {
  InputFacts made = picture("a.jpg", {0, 255});
  made.preprocessed = true;
  CHECK(warnings({made}, kNormalised).empty());
}

TEST_CASE("some are pixels and others are not") {
  const auto found =
      warnings({picture("a.npy", {-1, 1}), picture("b.npy", {-2, 2}), picture("c.npy", {0, 255})});
  REQUIRE(found.size() == 1);
  CHECK(
      found[0] ==
      "c.npy: 1 of 3 samples of input 'image' hold pixels (0 to 255), and 2 numbers from -2 to 2: they were "
      "prepared in different ways");
}

TEST_CASE("one sample of another kind") {
  std::vector<InputFacts> all;
  for (const char* name : {"a.npy", "b.npy", "c.npy", "d.npy"}) all.push_back(picture(name, {-2.1F, 1.7F}));
  all.insert(all.begin() + 1, picture("far.npy", {-130, 90.5F}));
  CHECK(warnings(all) ==
        std::vector<std::string>{
            "far.npy: 1 of 5 samples of input 'image' reaches to 130, and no other "
            "beyond 2.1: prepared in another way? Ranges, and what is said of results, are theirs"});
  CHECK(warnings(all, kNormalised).size() == 2);  // it breaks a promise, too
  SECTION("two of six are no exception") {
    all.push_back(picture("farther.npy", {-150, 90.5F}));
    CHECK(warnings(all).empty());
  }
  SECTION("two of twenty are") {
    all.push_back(picture("farther.npy", {-150, 90.5F}));
    for (int i = 0; i < 14; ++i) all.push_back(picture("e.npy", {-1.1F, 0.5F}));
    REQUIRE(warnings(all).size() == 1);
    CHECK_THAT(warnings(all)[0], Catch::StartsWith("far.npy: 2 of 20 samples of input 'image' reach to 130"));
  }
  SECTION("reaches that grow are of one kind") {
    all.push_back(picture("between.npy", {-15, 0.5F}));
    CHECK(warnings(all).empty());
  }
  SECTION("of three others nobody knows") {
    all.pop_back();
    CHECK(warnings(all).empty());
  }
}

TEST_CASE("few samples and equal samples") {
  Diagnostics diagnostics;
  judge_count(20, "samples", diagnostics);
  CHECK(diagnostics.all().empty());
  judge_count(1, "samples", diagnostics);
  REQUIRE(diagnostics.all().size() == 1);
  CHECK_THAT(diagnostics.all()[0].message, Catch::StartsWith("1 sample may not show"));
  const std::vector<std::string> same = {"d", "d"}, different = {"d", "e"};
  judge_samples({}, different, {}, "samples", diagnostics);
  judge_samples({}, std::span(same).first(1), {}, "samples", diagnostics);
  CHECK(diagnostics.all().size() == 1);
  judge_samples({}, same, {}, "samples", diagnostics);
  REQUIRE(diagnostics.all().size() == 2);
  CHECK(diagnostics.all()[1].message == "all 2 samples are the same, byte for byte");
}

TEST_CASE("facts of many floats are those of each") {
  const auto axis = GENERATE(as<std::size_t>(), 1, 3);
  std::vector<float> numbers(2 * 3 * 7 * 3);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i * 37 % 256);
  const auto facts = [&] { return facts_of(Tensor::floats({2, 3, 7, 3}, numbers), axis); };
  const TensorFacts whole = facts();
  CHECK(whole.whole);
  REQUIRE(whole.channels.size() == 3);
  std::vector<Spread> expected(3);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    expected[axis == 1 ? i / 21 % 3 : i % 3].add(static_cast<double>(numbers[i]));
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(whole.channels[c].min == expected[c].min);
    CHECK(whole.channels[c].max == expected[c].max);
    CHECK(whole.channels[c].sum == Approx(expected[c].sum));
    CHECK(whole.channels[c].count == 42);
  }
  for (const float odd : {0.5F, -1.0F, 256.0F}) {
    numbers[125] = odd;
    CHECK_FALSE(facts().whole);
  }
  numbers[60] = NAN;
  CHECK(facts().not_finite == 1);
  CHECK(facts().all.count == 125);
}
