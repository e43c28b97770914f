#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "plan/sample_spec.h"

/// Pictures in files: JPEG (turbojpeg), PNG (libpng) and uncompressed BMP. What they hold is refused or read
/// whole: a file that ends early, or of which a decoder doubts anything, is Fatal (bad-sample) with its name.
namespace qprep {

/// Bytes, row by row from the top, the channels of a pixel together.
struct Picture {
  PixelSize size;
  std::int64_t channels = 3;
  std::vector<std::uint8_t> pixels;
};

/// By the name alone: it ends in .jpg, .jpeg, .png or .bmp, in whatever case.
bool is_picture_file(const std::string& file);

/// Of the file, from its header. Given: is_picture_file.
PixelSize picture_size(const std::string& file);

/// In RGB. Numbers of 16 bits lose the lower 8, transparency is dropped, gray is R = G = B, and marks of
/// another orientation (Exif) or gamma are not looked at: what Pillow's convert("RGB") gives. Given:
/// is_picture_file.
Picture read_picture(const std::string& file);

/// The formats, for bytes that `file` names in messages. `header_only`: pixels stay empty.
Picture decode_jpeg(std::span<const std::byte> bytes, const std::string& file, bool header_only);
Picture decode_png(std::span<const std::byte> bytes, const std::string& file, bool header_only);
Picture decode_bmp(std::span<const std::byte> bytes, const std::string& file, bool header_only);

/// A picture of this size without pixels. Fatal: it has no pixels, or more than a picture can sensibly have.
Picture sized_picture(std::int64_t height, std::int64_t width, const std::string& file);

/// Result: pixels are there, three bytes for each.
void allocate(Picture& picture);

}  // namespace qprep
