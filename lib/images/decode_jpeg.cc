#include <fmt/format.h>
#include <memory>
#include <turbojpeg.h>

#include "images/picture.h"
#include "support/codes.h"
#include "support/diagnostics.h"

namespace qprep {
namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};

}  // namespace

Picture decode_jpeg(std::span<const std::byte> bytes, const std::string& file, bool header_only) {
  const std::unique_ptr<void, Destroy> decoder(tjInitDecompress());
  const auto fail = [&](const std::string& why) {
    throw Fatal(codes::kBadSample, fmt::format("it is no whole JPEG picture: {}", why), {file, 0, 0});
  };
  if (!decoder) fail("the decoder does not start");
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto size = static_cast<unsigned long>(bytes.size());
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (tjDecompressHeader3(decoder.get(), data, size, &width, &height, &subsampling, &colours) != 0)
    fail(tjGetErrorStr2(decoder.get()));
  if (width <= 0 || height <= 0) fail("its header is cut off");
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    throw Fatal(codes::kBadSample, "its colours are CMYK, for printing; only gray and RGB pictures are read",
                {file, 0, 0});
  }
  Picture picture = sized_picture(height, width, file);
  if (header_only) return picture;
  allocate(picture);
  // The exact DCT and smooth upsampling, as Pillow and OpenCV decode; a warning is an error.
  if (tjDecompress2(decoder.get(), data, size, picture.pixels.data(), width, 0, height, TJPF_RGB,
                    TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING) != 0) {
    fail(tjGetErrorStr2(decoder.get()));
  }
  return picture;
}

}  // namespace qprep
