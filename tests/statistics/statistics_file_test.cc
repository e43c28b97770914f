#include "statistics/statistics_file.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "support/codes.h"
#include "support/diagnostics.h"

using namespace qprep;

namespace {

Statistics small() {
  Statistics all;
  all.model = "m.onnx";
  all.model_digest = digest_of({});
  all.preprocessing = "nv12 for bgr";
  all.histograms = all.channels = true;
  all.samples = {{"0.npy", "a"}, {"1.npy", "b"}};
  TensorStatistics x;
  x.name = "x";
  x.by_sample = {{-1.5F, 2.0F, 4, 1, 0}, {}};
  x.histogram = ValueHistogram({{-130048, 1}, {0, 1}, {131072, 2}});
  x.channel_axis = -1;
  x.channels = ChannelStatistics{{-1.5F, 0.0F}, {2.0F, 1.0F}, {{}, {}}, 2};
  x.channels->sum[0].add(-0.375);
  x.channels_by_sample = {{{-1.5F, 0.0F}, {2.0F, 1.0F}}, {}};
  TensorStatistics never;
  never.name = "y";
  never.by_sample.resize(2);
  all.tensors = {x, never};
  return all;
}

/// The code and the message of the refusal.
std::string refusal(const std::string& bytes) {
  try {
    statistics_from_bytes(bytes, "f.qcal");
  } catch (const Fatal& failure) {
    const Diagnostic& first = failure.diagnostics().front();
    CHECK(first.code == codes::kBadStatistics);
    CHECK(first.where.file == "f.qcal");
    return first.message;
  }
  return "accepted";
}

/// The file with another body, and the checksum that fits it.
std::string with_body(const std::string& body) {
  return to_bytes(small()).substr(0, 9) + digest_of(std::as_bytes(std::span(body))) + body;
}

}  // namespace

TEST_CASE("statistics survive the file, and equal ones have equal bytes") {
  const std::string bytes = to_bytes(small());
  CHECK(statistics_from_bytes(bytes, "f.qcal") == small());
  CHECK(to_bytes(statistics_from_bytes(bytes, "f.qcal")) == bytes);
}

TEST_CASE("a file that is cut off or changed anywhere is refused") {
  const std::string bytes = to_bytes(small());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    CHECK(refusal(bytes.substr(0, i)) != "accepted");
    for (const int bit : {0, 3, 7}) {
      std::string bad = bytes;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      CHECK(refusal(bad) != "accepted");
    }
  }
  CHECK(refusal(bytes + "x") == "its checksum does not fit: the file was changed or is cut off");
  CHECK(refusal("") == "this is no .qcal file, which qprep calibrate writes");
}

TEST_CASE("a histogram that has been merged or moved is as it was") {
  ValueHistogram one({{-130048, 1}, {0, 300}, {131072, 1}}),
      other({{-131072, std::uint64_t{1} << 40}, {5, 1}});
  const ValueHistogram before = one;
  ValueHistogram moved = std::move(one);
  CHECK(moved == before);
  moved.merge(other);
  other.merge(before);
  CHECK(moved == other);
  CHECK(moved.total() == 303 + (std::uint64_t{1} << 40));
  CHECK(moved.bins().front() == ValueHistogram::Bin{-131072, std::uint64_t{1} << 40});
  CHECK(moved.top_octave() == 128);
  CHECK(ValueHistogram().bins().empty());
}

TEST_CASE("files know of which shards they are, and shards that all came together are the whole") {
  const auto shard = [](std::uint64_t number, const std::string& sample) {
    Statistics part = small();
    part.shards = {3, {number}};
    part.samples = {{sample, "a"}};
    for (TensorStatistics& tensor : part.tensors) {
      tensor.by_sample.resize(1);
      tensor.by_sample[0] = {};
      if (!tensor.channels_by_sample.empty()) tensor.channels_by_sample.resize(1);
      tensor.histogram = {};
    }
    return part;
  };
  Statistics all = shard(2, "1");
  CHECK(to_text(all.shards) == "shard 2 of 3");
  CHECK(statistics_from_bytes(to_bytes(all), "f.qcal").shards == all.shards);
  REQUIRE_FALSE(merge(all, shard(1, "0")));
  CHECK(to_text(all.shards) == "shards 1 and 2 of 3");
  CHECK(merge(all, shard(1, "7")) == "shard 1 of 3 is there twice");
  Statistics both = shard(2, "7");
  both.shards.present = {1, 2};
  CHECK(merge(all, both) == "shards 1 and 2 of 3 are there twice");
  Statistics of_four = shard(3, "2");
  of_four.shards.of = 4;
  CHECK(merge(all, of_four) == "they are no parts of one whole: shards 1 and 2 of 3; shard 3 of 4");
  REQUIRE_FALSE(merge(all, shard(3, "2")));
  CHECK(all.shards == Shards{});
  CHECK(to_text(all.shards).empty());
  for (const Shards& bad :
       {Shards{2, {}}, Shards{3, {0}}, Shards{3, {4}}, Shards{3, {2, 1}}, Shards{1, {1}}}) {
    all.shards = bad;
    CHECK(refusal(to_bytes(all)) != "accepted");
  }
}

TEST_CASE(
    "files of version 2, which had no ranges of channels in samples, and of 1, which had no shards, are "
    "read") {
  Statistics old = small();
  old.tensors.resize(1);
  old.tensors[0].channels_by_sample.clear();
  std::string body = to_bytes(old).substr(41);
  REQUIRE(body.back() == 0);
  body.pop_back();
  std::string second = with_body(body);
  second[8] = 2;
  CHECK(statistics_from_bytes(second, "f.qcal") == old);
  const std::size_t shards = 1 + 6 + 1 + 32 + 1 + 12 + 2;
  REQUIRE(body.substr(shards, 2) == std::string("\x01\x00", 2));
  body.erase(shards, 2);
  std::string bytes = with_body(body);
  bytes[8] = 1;
  CHECK(statistics_from_bytes(bytes, "f.qcal") == old);
}

TEST_CASE("ranges of channels in samples merge in the order of the samples' names") {
  Statistics late = small(), early = small();
  early.samples = {{"0", "c"}, {"00", "d"}};
  early.tensors[0].channels_by_sample = {{{-3.0F, -1.0F}, {0.0F, 4.0F}}, {{-4.0F, -1.0F}, {0.0F, 5.0F}}};
  REQUIRE_FALSE(merge(late, early));
  const std::vector<ChannelRanges>& all = late.tensors[0].channels_by_sample;
  REQUIRE(all.size() == 4);
  CHECK(all[0] == early.tensors[0].channels_by_sample[0]);
  CHECK(all[1] == small().tensors[0].channels_by_sample[0]);
  CHECK(all[2] == early.tensors[0].channels_by_sample[1]);
  Statistics other = small();
  other.samples = {{"7", "e"}, {"8", "f"}};
  other.tensors[0].channels_by_sample.clear();
  CHECK(merge(late, other) == "only one of them has the ranges of channels of 'x' in single samples");
  other = small();
  std::swap(other.tensors[0].channels_by_sample[0].min, other.tensors[0].channels_by_sample[0].max);
  CHECK(refusal(to_bytes(other)) == "the smallest and the largest number of a channel contradict each other");
}

TEST_CASE("a newer version is told from a spoiled file") {
  std::string bytes = to_bytes(small());
  bytes[8] = 4;
  CHECK(refusal(bytes) == "it is a .qcal file of version 4; this qprep reads up to version 3");
}

TEST_CASE("contents that contradict themselves are refused, although the checksum fits") {
  const std::string body = to_bytes(small()).substr(41);
  CHECK(statistics_from_bytes(with_body(body), "f.qcal") == small());
  CHECK(refusal(with_body(body + "x")) == "there is something behind its end");
  const auto refused_with = [](auto change) {
    Statistics changed = small();
    change(changed.tensors[0]);
    return refusal(to_bytes(changed));
  };
  const std::string range = "the smallest and the largest number of a sample contradict it";
  CHECK(refused_with([](TensorStatistics& x) { x.by_sample[0].min = NAN; }) == range);
  CHECK(refused_with([](TensorStatistics& x) { x.by_sample[0].min = 3; }) == range);
  CHECK(refused_with([](TensorStatistics& x) { x.by_sample[0].max = INFINITY; }) == range);
  CHECK(refused_with([](TensorStatistics& x) { x.by_sample[1].max = 1; }) == range);
  CHECK(refused_with([](TensorStatistics& x) { x.by_sample[0].finite = 5; }) ==
        "a histogram in it holds fewer numbers than its samples");
  CHECK(refused_with([](TensorStatistics& x) { x.by_sample[0].finite = 3; }) ==
        "a histogram in it holds more numbers than its samples");
  CHECK(refused_with([](TensorStatistics& x) { x.by_sample[0].nan = (std::int64_t{1} << 53) + 1; }) ==
        "it counts more than 2^53 elements of a tensor");
  CHECK(refused_with([](TensorStatistics& x) {
          x.by_sample[0].nan = x.by_sample[1].nan = std::int64_t{1} << 53;
        }) == "it counts more than 2^53 elements of a tensor");
  // Whatever single byte is changed, the answer is statistics or a refusal.
  int refused = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    for (const char byte : {char(0), char(1), char(0x7F), char(-1)}) {
      std::string bad = body;
      bad[i] = byte;
      refused += refusal(with_body(bad)) == "accepted" ? 0 : 1;
    }
    CHECK(refusal(with_body(body.substr(0, i))) == "it ends too early");
  }
  CHECK(refused > 100);
}
