#include "statistics/statistics_file.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <set>
#include <system_error>

#include "statistics/digest.h"
#include "support/atomic_file.h"
#include "support/codes.h"
#include "support/diagnostics.h"
#include "support/mapped_file.h"

namespace qprep {
namespace {

constexpr std::string_view kMagic = "QPREPCAL";
// 1 has no shards, 2 no ranges of channels in single samples.
constexpr std::uint64_t kVersion = 3;
constexpr std::size_t kDigestDigits = 32;

class Writer {
 public:
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) bytes_ += static_cast<char>((value & 0x7FU) | 0x80U);
    bytes_ += static_cast<char>(value);
  }
  /// Small magnitudes take few bytes: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...
  void signed_number(std::int64_t value) {
    number((static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void real(float value) { fixed(std::bit_cast<std::uint32_t>(value), 4); }
  void fixed(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i, value >>= 8U) bytes_ += static_cast<char>(value & 0xFFU);
  }
  void text(std::string_view text) {
    number(text.size());
    bytes_ += text;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// The reverse of Writer. Whatever the bytes are, nothing beyond them is read, and no more is allocated than
/// they can fill.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  [[noreturn]] void fail(const std::string& what) const { throw Fatal(codes::kBadStatistics, what, {name_}); }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(take(1).front()));
      value |= (byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    fail("a number in it has more than 64 bits");
  }
  std::int64_t signed_number() {
    const std::uint64_t coded = number();
    return static_cast<std::int64_t>(coded >> 1U) ^ -static_cast<std::int64_t>(coded & 1U);
  }
  std::uint64_t fixed(int bytes) {
    std::uint64_t value = 0;
    const std::string_view taken = take(static_cast<std::size_t>(bytes));
    for (int i = bytes; i-- > 0;)
      value = (value << 8U) | static_cast<unsigned char>(taken[static_cast<std::size_t>(i)]);
    return value;
  }
  float real() { return std::bit_cast<float>(static_cast<std::uint32_t>(fixed(4))); }
  bool flag() {
    const std::uint64_t value = number();
    if (value > 1) fail("a yes or no in it is neither");
    return value == 1;
  }
  std::string text() { return std::string(take(count(1))); }
  Digest digest() {
    std::string text(take(kDigestDigits));
    return text;
  }
  /// How many things of at least so many bytes follow.
  std::size_t count(std::size_t bytes_each) {
    const std::uint64_t count = number();
    if (count > bytes_.size() / bytes_each) fail("it ends too early");
    return static_cast<std::size_t>(count);
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view take(std::size_t count) {
    if (count > bytes_.size()) fail("it ends too early");
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }

  std::string_view bytes_;
  const std::string& name_;
};

void write(Writer& out, const Range& range) {
  out.real(range.min);
  out.real(range.max);
  for (const std::int64_t count : {range.finite, range.infinite, range.nan}) {
    out.number(static_cast<std::uint64_t>(count));
  }
}

/// Of a tensor over all samples: as many as doubles count exactly, so that those of several files add up.
constexpr std::int64_t kMostElements = std::int64_t{1} << 53;
constexpr const char* kTooMany = "it counts more than 2^53 elements of a tensor";

std::int64_t read_count(Reader& in) {
  const std::uint64_t count = in.number();
  if (count > static_cast<std::uint64_t>(kMostElements)) in.fail(kTooMany);
  return static_cast<std::int64_t>(count);
}

Range read_range(Reader& in) {
  Range range;
  range.min = in.real();
  range.max = in.real();
  for (std::int64_t* count : {&range.finite, &range.infinite, &range.nan}) *count = read_count(in);
  const bool none = range.min == Range().min && range.max == Range().max;
  const bool some = std::isfinite(range.min) && std::isfinite(range.max) && range.min <= range.max;
  if (range.finite == 0 ? !none : !some)
    in.fail("the smallest and the largest number of a sample contradict it");
  return range;
}

void write(Writer& out, const ValueHistogram& histogram) {
  const std::vector<ValueHistogram::Bin> bins = histogram.bins();
  out.number(bins.size());
  std::int64_t before = 0;
  for (const ValueHistogram::Bin& each : bins) {
    out.signed_number(each.bin - before);
    out.number(each.count);
    before = each.bin;
  }
}

/// `numbers`: how many it holds.
ValueHistogram read_histogram(Reader& in, std::int64_t numbers) {
  constexpr std::int64_t kEnd = std::int64_t{ValueHistogram::kOctaves} * ValueHistogram::kOctave;
  std::vector<ValueHistogram::Bin> bins(in.count(2));
  std::int64_t before = -kEnd;
  for (std::size_t i = 0; i < bins.size(); ++i) {
    const std::int64_t step = in.signed_number();
    const std::int64_t bin = i == 0 ? step : before + step;
    const std::int64_t count = read_count(in);
    const bool ascends = step < 2 * kEnd && step > -kEnd && bin > before && bin < kEnd;
    if (!ascends || count == 0) in.fail("the bins of a histogram in it do not ascend");
    bins[i] = {static_cast<std::int32_t>(bin), static_cast<std::uint64_t>(count)};
    before = bin;
    if (count > numbers) in.fail("a histogram in it holds more numbers than its samples");
    numbers -= count;
  }
  if (numbers > 0) in.fail("a histogram in it holds fewer numbers than its samples");
  return ValueHistogram(std::move(bins));
}

void write(Writer& out, const ChannelStatistics& channels) {
  out.number(channels.channels());
  out.number(channels.count);
  for (std::size_t c = 0; c < channels.channels(); ++c) {
    out.real(channels.min[c]);
    out.real(channels.max[c]);
    out.fixed(channels.sum[c].low(), 8);
    out.fixed(static_cast<std::uint64_t>(channels.sum[c].high()), 8);
  }
}

ChannelStatistics read_channels(Reader& in) {
  ChannelStatistics channels;
  const std::size_t count = in.count(24);
  channels.count = in.number();
  for (std::size_t c = 0; c < count; ++c) {
    channels.min.push_back(in.real());
    channels.max.push_back(in.real());
    const std::uint64_t low = in.fixed(8);
    channels.sum.emplace_back(static_cast<std::int64_t>(in.fixed(8)), low);
  }
  return channels;
}

void write(Writer& out, const ChannelRanges& ranges) {
  out.number(ranges.min.size());
  for (std::size_t c = 0; c < ranges.min.size(); ++c) {
    out.real(ranges.min[c]);
    out.real(ranges.max[c]);
  }
}

ChannelRanges read_ranges(Reader& in) {
  ChannelRanges ranges;
  for (std::size_t left = in.count(8); left > 0; --left) {
    ranges.min.push_back(in.real());
    ranges.max.push_back(in.real());
    const float min = ranges.min.back(), max = ranges.max.back();
    if (!std::isfinite(min) || !std::isfinite(max) || min > max)
      in.fail("the smallest and the largest number of a channel contradict each other");
  }
  return ranges;
}

void write(Writer& out, const TensorStatistics& tensor, const Statistics& all) {
  out.text(tensor.name);
  for (const Range& sample : tensor.by_sample) write(out, sample);
  if (all.histograms) write(out, tensor.histogram);
  if (!all.channels) return;
  out.signed_number(tensor.channel_axis);
  out.number(tensor.channels ? 1 : 0);
  if (tensor.channels) write(out, *tensor.channels);
  out.number(tensor.channels_by_sample.empty() ? 0 : 1);
  for (const ChannelRanges& sample : tensor.channels_by_sample) write(out, sample);
}

TensorStatistics read_tensor(Reader& in, const Statistics& all, std::uint64_t version) {
  TensorStatistics tensor;
  tensor.name = in.text();
  Range range;
  for (std::size_t i = 0; i < all.samples.size(); ++i) {
    tensor.by_sample.push_back(read_range(in));
    range.merge(tensor.by_sample.back());
    if (std::max({range.finite, range.infinite, range.nan}) > kMostElements) in.fail(kTooMany);
  }
  if (all.histograms) tensor.histogram = read_histogram(in, range.finite);
  if (!all.channels) return tensor;
  tensor.channel_axis = in.signed_number();
  if (in.flag()) tensor.channels = read_channels(in);
  if (version > 2 && in.flag()) {
    if (all.samples.empty()) in.fail("it has ranges of channels in samples, and no samples");
    for (std::size_t i = 0; i < all.samples.size(); ++i) tensor.channels_by_sample.push_back(read_ranges(in));
  }
  return tensor;
}

std::string body_of(const Statistics& statistics) {
  Writer out;
  out.text(statistics.model);
  out.text(statistics.model_digest);
  out.text(statistics.preprocessing);
  out.number(statistics.histograms ? 1 : 0);
  out.number(statistics.channels ? 1 : 0);
  out.number(statistics.shards.of);
  out.number(statistics.shards.present.size());
  for (const std::uint64_t shard : statistics.shards.present) out.number(shard);
  out.number(statistics.samples.size());
  for (const SampleIdentity& sample : statistics.samples) {
    out.text(sample.name);
    out.text(sample.digest);
  }
  out.number(statistics.tensors.size());
  for (const TensorStatistics& tensor : statistics.tensors) write(out, tensor, statistics);
  return out.bytes();
}

Shards read_shards(Reader& in) {
  Shards shards{in.number(), {}};
  const std::size_t present = in.count(1);
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < present; ++i) {
    shards.present.push_back(in.number());
    if (shards.present.back() <= before || shards.present.back() > shards.of)
      in.fail("its shards are not in the order of their numbers");
    before = shards.present.back();
  }
  if (present > 0 ? present == shards.of : shards.of != 1) in.fail("its shards contradict their number");
  return shards;
}

Statistics read_body(Reader& in, std::uint64_t version) {
  Statistics all;
  all.model = in.text();
  all.model_digest = in.text();
  all.preprocessing = in.text();
  all.histograms = in.flag();
  all.channels = in.flag();
  if (version > 1) all.shards = read_shards(in);
  const std::size_t samples = in.count(2);
  for (std::size_t i = 0; i < samples; ++i) {
    SampleIdentity sample{in.text(), {}};
    sample.digest = in.text();
    if (i > 0 && sample.name <= all.samples.back().name)
      in.fail("its samples are not in the order of their names");
    all.samples.push_back(std::move(sample));
  }
  const std::size_t tensors = in.count(1);
  std::set<std::string> names;
  for (std::size_t i = 0; i < tensors; ++i) {
    all.tensors.push_back(read_tensor(in, all, version));
    const std::string& name = all.tensors.back().name;
    if (!names.insert(name).second) in.fail(fmt::format("it has the tensor '{}' twice", name));
  }
  if (!in.at_end()) in.fail("there is something behind its end");
  return all;
}

}  // namespace

std::string to_bytes(const Statistics& statistics) {
  const std::string body = body_of(statistics);
  Writer version;
  version.number(kVersion);
  return std::string(kMagic) + version.bytes() + digest_of(std::as_bytes(std::span(body))) + body;
}

Statistics statistics_from_bytes(std::string_view bytes, const std::string& name) {
  if (!bytes.starts_with(kMagic)) {
    throw Fatal(codes::kBadStatistics, "this is no .qcal file, which qprep calibrate writes", {name});
  }
  bytes.remove_prefix(kMagic.size());
  Reader head(bytes.substr(0, 10), name);
  const std::uint64_t version = head.number();
  if (version < 1 || version > kVersion) {
    head.fail(fmt::format("it is a .qcal file of version {}; this qprep reads up to version {}", version,
                          kVersion));
  }
  // Versions up to 127 take one byte.
  Reader sum(bytes.substr(1), name);
  const Digest digest = sum.digest();
  const std::string_view body = bytes.substr(1 + kDigestDigits);
  if (digest_of(std::as_bytes(std::span(body))) != digest) {
    head.fail("its checksum does not fit: the file was changed or is cut off");
  }
  Reader in(body, name);
  return read_body(in, version);
}

void check_target(const std::filesystem::path& file) {
  std::error_code none;
  if (!std::filesystem::exists(file, none)) return;
  std::string begin(kMagic.size(), '\0');
  std::ifstream(file, std::ios::binary).read(begin.data(), static_cast<std::streamsize>(begin.size()));
  if (begin == kMagic && std::filesystem::is_regular_file(file, none)) return;
  throw Fatal(codes::kOverwritesInput, "there is a file already, and it is no .qcal file: it is not replaced",
              {file.string()});
}

void write_statistics(const Statistics& statistics, const std::filesystem::path& file) {
  write_file_atomically(file, to_bytes(statistics));
}

Statistics read_statistics(const std::filesystem::path& file) {
  const auto mapped = MappedFile::open(file);
  const std::span<const std::byte> bytes = mapped->bytes();
  return statistics_from_bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file.string());
}

}  // namespace qprep
