#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <png.h>

#include "images/picture.h"
#include "support/codes.h"
#include "support/diagnostics.h"

namespace qprep {
namespace {

/// libpng leaves its calls by longjmp: nothing with a destructor may live in a function that calls it.
struct Reading {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const std::byte* at = nullptr;
  std::size_t left = 0;
  char message[160] = {};

  ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
};

void keep_message(png_structp png, png_const_charp message) {
  auto* reading = static_cast<Reading*>(png_get_error_ptr(png));
  std::snprintf(reading->message, sizeof reading->message, "%s", message);
  png_longjmp(png, 1);
}

void ignore(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep to, std::size_t count) {
  auto* reading = static_cast<Reading*>(png_get_io_ptr(png));
  if (count > reading->left) png_error(png, "it ends too early");
  std::memcpy(to, reading->at, count);
  reading->at += count;
  reading->left -= count;
}

bool read_header(Reading& reading) {
  if (setjmp(png_jmpbuf(reading.png))) return false;
  png_set_read_fn(reading.png, &reading, read_bytes);
  png_read_info(reading.png, reading.info);
  png_set_expand(reading.png);
  png_set_strip_16(reading.png);
  png_set_strip_alpha(reading.png);
  png_set_gray_to_rgb(reading.png);
  png_set_interlace_handling(reading.png);
  png_read_update_info(reading.png, reading.info);
  return true;
}

bool read_rows(Reading& reading, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reading.png))) return false;
  png_read_image(reading.png, rows);
  png_read_end(reading.png, nullptr);
  return true;
}

}  // namespace

Picture decode_png(std::span<const std::byte> bytes, const std::string& file, bool header_only) {
  Reading reading;
  const auto fail = [&] {
    throw Fatal(codes::kBadSample, fmt::format("it is no whole PNG picture: {}", reading.message),
                {file, 0, 0});
  };
  reading.at = bytes.data();
  reading.left = bytes.size();
  reading.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reading, keep_message, ignore);
  reading.info = reading.png ? png_create_info_struct(reading.png) : nullptr;
  if (!reading.info || !read_header(reading)) fail();
  Picture picture = sized_picture(png_get_image_height(reading.png, reading.info),
                                  png_get_image_width(reading.png, reading.info), file);
  if (header_only) return picture;
  allocate(picture);
  const auto stride = static_cast<std::size_t>(picture.size.width) * 3;
  if (png_get_rowbytes(reading.png, reading.info) != stride) fail();
  std::vector<png_bytep> rows;
  for (std::size_t y = 0; y < static_cast<std::size_t>(picture.size.height); ++y)
    rows.push_back(picture.pixels.data() + y * stride);
  if (!read_rows(reading, rows.data())) fail();
  return picture;
}

}  // namespace qprep
