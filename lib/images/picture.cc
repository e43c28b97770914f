#include "images/picture.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

#include "support/codes.h"
#include "support/mapped_file.h"

namespace qprep {
namespace {

/// 128 million: three times what the largest cameras make.
constexpr std::int64_t kMostPixels = std::int64_t{1} << 27;

std::string extension_of(const std::string& file) {
  std::string extension = std::filesystem::path(file).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return extension;
}

Picture decode(const std::string& file, bool header_only) {
  const auto mapped = MappedFile::open(file);
  const std::span<const std::byte> bytes = mapped->bytes();
  const std::string extension = extension_of(file);
  if (extension == ".png") return decode_png(bytes, file, header_only);
  if (extension == ".bmp") return decode_bmp(bytes, file, header_only);
  return decode_jpeg(bytes, file, header_only);
}

}  // namespace

bool is_picture_file(const std::string& file) {
  const std::string extension = extension_of(file);
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png" || extension == ".bmp";
}

PixelSize picture_size(const std::string& file) { return decode(file, true).size; }

Picture read_picture(const std::string& file) { return decode(file, false); }

Picture sized_picture(std::int64_t height, std::int64_t width, const std::string& file) {
  if (height <= 0 || width <= 0 || height > kMostPixels / width) {
    throw Fatal(
        codes::kBadSample,
        fmt::format("it is a picture of {} times {} pixels; 1 to {} are read", height, width, kMostPixels),
        {file, 0, 0});
  }
  Picture picture;
  picture.size = {height, width};
  return picture;
}

void allocate(Picture& picture) {
  picture.pixels.resize(
      static_cast<std::size_t>(picture.size.height * picture.size.width * picture.channels));
}

}  // namespace qprep
