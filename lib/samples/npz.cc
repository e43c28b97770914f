#include "samples/npz.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <stdexcept>
#include <zlib.h>

#include "support/codes.h"
#include "support/diagnostics.h"
#include "support/mapped_file.h"

namespace qprep {
namespace {

// The records of a zip archive (PKWARE's APPNOTE.TXT, 4.3): their marks, and how long they are at least.
constexpr std::uint32_t kLocal = 0x04034b50, kEntry = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                        kLocator64 = 0x07064b50;
constexpr std::size_t kLocalSize = 30, kEntrySize = 46, kEndSize = 22, kEnd64Size = 56, kLocator64Size = 20;
constexpr std::size_t kLongestComment = 65535;
constexpr std::uint64_t kIn64 = 0xffffffff;  // a number that stands in the extra field of 64 bits
constexpr std::uint64_t kZip64Field = 1;
constexpr std::uint64_t kStored = 0, kDeflated = 8;
/// Beyond it a member is a mistake or an attack.
constexpr std::uint64_t kLargest = std::uint64_t{1} << 36;
/// NpyHeader's longest text and what stands before it.
constexpr std::size_t kHeaderBytes = 65536 + 12;

class Archive {
 public:
  Archive(std::span<const std::byte> bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  [[noreturn]] void fail(const std::string& why) const {
    throw Fatal(codes::kBadSample, "it is no .npz file: " + why, {file_, 0, 0});
  }
  std::uint64_t number(std::uint64_t at, std::size_t width) const {
    if (at > bytes_.size() || width > bytes_.size() - at) fail("it ends too early");
    std::uint64_t value = 0;
    for (std::size_t i = width; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes_[at + i]);
    return value;
  }
  std::string text(std::uint64_t at, std::uint64_t length) const {
    return std::string(reinterpret_cast<const char*>(part(at, length).data()), length);
  }
  std::span<const std::byte> part(std::uint64_t at, std::uint64_t length) const {
    if (at > bytes_.size() || length > bytes_.size() - at) fail("it ends too early");
    return bytes_.subspan(at, length);
  }

  /// Where the directory begins, and how many entries it has.
  std::pair<std::uint64_t, std::uint64_t> directory() const {
    if (bytes_.size() < kEndSize) fail(bytes_.empty() ? "it is empty" : "it is too short");
    std::uint64_t at = bytes_.size() - kEndSize;
    const std::uint64_t last = at > kLongestComment ? at - kLongestComment : 0;
    while (number(at, 4) != kEnd) {
      if (at == last) fail("it has no directory at its end, as of a file that was not written whole");
      --at;
    }
    std::uint64_t entries = number(at + 10, 2), begin = number(at + 16, 4);
    if ((entries == 0xffff || begin == kIn64) && at >= kLocator64Size &&
        number(at - kLocator64Size, 4) == kLocator64) {
      const std::uint64_t end64 = number(at - kLocator64Size + 8, 8);
      if (number(end64, 4) != kEnd64) fail("its directory is broken");
      part(end64, kEnd64Size);
      entries = number(end64 + 32, 8);
      begin = number(end64 + 48, 8);
    }
    return {begin, entries};
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& file_;
};

/// Inflates until `size` bytes are there.
class Inflater {
 public:
  explicit Inflater(std::span<const std::byte> from) {
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(from.data()));
    left_ = from.size();
    good_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK;
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  bool fill(std::span<std::byte> to) {
    std::size_t done = 0;
    while (good_ && done < to.size()) {
      constexpr std::size_t kMost = std::numeric_limits<uInt>::max() / 2;
      if (stream_.avail_in == 0) {
        stream_.avail_in = static_cast<uInt>(std::min(left_, kMost));
        left_ -= stream_.avail_in;
      }
      const std::size_t wanted = std::min(to.size() - done, kMost);
      stream_.next_out = reinterpret_cast<Bytef*>(to.data() + done);
      stream_.avail_out = static_cast<uInt>(wanted);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      done += wanted - stream_.avail_out;
      good_ = status == Z_OK;
      if (status == Z_STREAM_END) break;
    }
    return done == to.size();
  }

 private:
  z_stream stream_ = {};
  std::size_t left_ = 0;
  bool good_ = false;
};

}  // namespace

NpzFile NpzFile::open(const std::string& file) {
  NpzFile npz;
  npz.file_ = file;
  const auto mapped = MappedFile::open(file);
  npz.owner_ = mapped;
  npz.bytes_ = mapped->bytes();
  const Archive archive(npz.bytes_, file);
  auto [at, entries] = archive.directory();
  for (std::uint64_t i = 0; i < entries; ++i) {
    if (archive.number(at, 4) != kEntry) archive.fail("its directory is broken");
    Member member;
    const std::uint64_t flags = archive.number(at + 8, 2), method = archive.number(at + 10, 2);
    member.checksum = static_cast<std::uint32_t>(archive.number(at + 16, 4));
    member.stored = archive.number(at + 20, 4);
    member.size = archive.number(at + 24, 4);
    const std::uint64_t name_length = archive.number(at + 28, 2), extra_length = archive.number(at + 30, 2);
    member.offset = archive.number(at + 42, 4);
    std::string name = archive.text(at + kEntrySize, name_length);
    const std::uint64_t extra = at + kEntrySize + name_length;
    for (std::uint64_t field = extra; field + 4 <= extra + extra_length;) {
      std::uint64_t value = field + 4;
      const std::uint64_t next = value + archive.number(field + 2, 2);
      if (archive.number(field, 2) == kZip64Field) {
        for (std::uint64_t* wide : {&member.size, &member.stored, &member.offset}) {
          if (*wide != kIn64 || value + 8 > next) continue;
          *wide = archive.number(value, 8);
          value += 8;
        }
      }
      field = next;
    }
    at = extra + extra_length + archive.number(at + 32, 2);
    if (!name.ends_with(".npy")) continue;
    name.resize(name.size() - 4);
    if ((flags & 1) != 0) archive.fail(fmt::format("'{}' is encrypted", name));
    if (method != kStored && method != kDeflated)
      archive.fail(
          fmt::format("'{}' is compressed by method {}; stored and deflated are read", name, method));
    if (member.size > kLargest) archive.fail(fmt::format("'{}' is too large", name));
    member.deflated = method == kDeflated;
    npz.names_.push_back(std::move(name));
    npz.members_.push_back(member);
  }
  if (npz.names_.empty()) archive.fail("it holds no array");
  return npz;
}

const NpzFile::Member& NpzFile::member(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) throw std::invalid_argument("no array " + name);
  return members_[static_cast<std::size_t>(found - names_.begin())];
}

std::vector<std::byte> NpzFile::bytes_of(const Member& member, std::size_t most) const {
  const Archive archive(bytes_, file_);
  if (archive.number(member.offset, 4) != kLocal) archive.fail("its directory is broken");
  const std::uint64_t begin = member.offset + kLocalSize + archive.number(member.offset + 26, 2) +
                              archive.number(member.offset + 28, 2);
  const std::span<const std::byte> stored = archive.part(begin, member.stored);
  const std::size_t count = std::min<std::size_t>(member.size, most);
  // Deflate makes at most 1032 bytes of one.
  if (member.deflated ? member.size / 1032 > member.stored + 1 : member.size != member.stored)
    archive.fail("its directory is broken");
  std::vector<std::byte> bytes(count);
  if (!member.deflated) {
    std::copy_n(stored.begin(), count, bytes.begin());
  } else if (!Inflater(stored).fill(bytes)) {
    archive.fail("what is compressed in it is damaged");
  }
  return bytes;
}

NpyHeader NpzFile::header(const std::string& name) const {
  const Member& of = member(name);
  return parse_npy_header(bytes_of(of, kHeaderBytes), fmt::format("{}[{}]", file_, name), of.size);
}

Tensor NpzFile::read(const std::string& name) const {
  const Member& of = member(name);
  const auto bytes = std::make_shared<const std::vector<std::byte>>(bytes_of(of, of.size));
  uLong checksum = crc32(0, nullptr, 0);
  checksum = crc32_z(checksum, reinterpret_cast<const Bytef*>(bytes->data()), bytes->size());
  if (checksum != of.checksum) Archive(bytes_, file_).fail(fmt::format("'{}' has another checksum", name));
  return parse_npy(*bytes, bytes, fmt::format("{}[{}]", file_, name));
}

}  // namespace qprep
