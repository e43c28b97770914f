#include <fmt/format.h>

#include "images/picture.h"
#include "support/codes.h"
#include "support/diagnostics.h"

namespace qprep {
namespace {

// Offsets into the file: BITMAPFILEHEADER (14 bytes), then BITMAPINFOHEADER or a longer one.
constexpr std::size_t kPixels = 10, kInfo = 14, kWidth = 18, kHeight = 22, kBits = 28, kCompression = 30,
                      kColours = 46, kMasks = 54;
constexpr std::uint32_t kPlain = 0, kBitFields = 3;

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  [[noreturn]] void fail(const std::string& why) const {
    throw Fatal(codes::kBadSample, "it is no BMP picture that can be read: " + why, {file_, 0, 0});
  }

  std::size_t byte(std::size_t at) const {
    if (at >= bytes_.size()) fail("it ends too early");
    return std::to_integer<std::size_t>(bytes_[at]);
  }
  std::uint32_t number(std::size_t at) const {
    return static_cast<std::uint32_t>(byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24);
  }

  Picture read(bool header_only) const {
    if (bytes_.size() < kMasks || byte(0) != 'B' || byte(1) != 'M') fail("it does not begin as one");
    const auto height = static_cast<std::int32_t>(number(kHeight));
    const auto width = static_cast<std::int32_t>(number(kWidth));
    const std::size_t bits = byte(kBits) | byte(kBits + 1) << 8;
    const std::uint32_t compression = number(kCompression);
    const bool usual_masks = compression == kBitFields && bits == 32 && number(kMasks) == 0x00ff0000 &&
                             number(kMasks + 4) == 0x0000ff00 && number(kMasks + 8) == 0x000000ff;
    if (number(kInfo) < 40 || (bits != 8 && bits != 24 && bits != 32) ||
        (compression != kPlain && !usual_masks)) {
      fail(
          fmt::format("of BMP, pictures of 8, 24 and 32 bits without compression are read; this has {} bits "
                      "and compression {}",
                      bits, compression));
    }
    Picture picture = sized_picture(height < 0 ? -std::int64_t{height} : std::int64_t{height}, width, file_);
    const auto rows = static_cast<std::size_t>(picture.size.height),
               columns = static_cast<std::size_t>(width);
    const std::size_t start = number(kPixels), stride = (columns * bits / 8 + 3) / 4 * 4;
    if (start > bytes_.size() || rows > (bytes_.size() - start) / stride) fail("it ends too early");
    if (header_only) return picture;

    allocate(picture);
    for (std::size_t y = 0; y < rows; ++y) {
      const std::size_t row = start + (height < 0 ? y : rows - 1 - y) * stride;
      for (std::size_t x = 0; x < columns; ++x) {
        std::uint8_t* pixel = picture.pixels.data() + (y * columns + x) * 3;
        const std::size_t at = bits == 8 ? entry(byte(row + x)) : row + x * bits / 8;
        for (std::size_t c = 0; c < 3; ++c) pixel[c] = static_cast<std::uint8_t>(byte(at + 2 - c));
      }
    }
    return picture;
  }

 private:
  /// Where the colour of that number stands.
  std::size_t entry(std::size_t colour) const {
    const std::size_t colours = number(kColours) == 0 ? 256 : number(kColours);
    if (colour >= colours) fail("a pixel has a colour that its palette lacks");
    return kInfo + number(kInfo) + colour * 4;
  }

  std::span<const std::byte> bytes_;
  const std::string& file_;
};

}  // namespace

Picture decode_bmp(std::span<const std::byte> bytes, const std::string& file, bool header_only) {
  return Reader(bytes, file).read(header_only);
}

}  // namespace qprep
