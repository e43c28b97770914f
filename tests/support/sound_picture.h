#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "images/picture.h"
#include "images/prepare_picture.h"
#include "support/diagnostics.h"
#include "support/sentence.h"

namespace qprep::test {

/// What must hold of any bytes as a picture, whatever format their file's name says: they are refused with a
/// sentence, or are a picture of the size in their header that can be made what a model takes.
/// std::logic_error with what does not hold.
inline void check_picture(std::span<const std::byte> bytes) {
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw std::logic_error(what);
  };
  const auto decoded = [&](auto decode, bool header_only) -> std::optional<Picture> {
    try {
      return decode(bytes, "f", header_only);
    } catch (const Fatal& refused) {
      for (const Diagnostic& each : refused.diagnostics())
        require(is_sentence(to_text(each)), "no sentence: " + each.message);
      return std::nullopt;
    }
  };
  // What takes long to decode tells nothing new.
  constexpr std::int64_t kMostPixels = 1 << 16;
  for (const auto decode : {decode_jpeg, decode_png, decode_bmp}) {
    const std::optional<Picture> header = decoded(decode, true);
    if (header && header->size.height * header->size.width > kMostPixels) continue;
    std::optional<Picture> whole = decoded(decode, false);
    if (!whole) continue;
    require(header && header->size == whole->size, "the header says another size");
    const auto count = static_cast<std::size_t>(whole->size.height * whole->size.width * 3);
    require(whole->channels == 3 && whole->pixels.size() == count, "not three bytes for each pixel");
    PictureRecipe recipe;
    recipe.resize = PictureResize{PictureResize::Kind::kLetterbox, {8, 6}, 114};
    PictureTarget target;
    const Type input = Type::tensor(DType::kFloat32, Shape{{1, ""}, {3, ""}, {8, ""}, {6, ""}});
    require(find_target(input, recipe, target).empty(), "no target");
    PixelSize size = whole->size;
    if (!size_after(size, recipe, target).empty()) continue;
    require(prepare_picture(std::move(*whole), recipe, target).size() == 3 * 8 * 6,
            "prepared in another size");
  }
}

}  // namespace qprep::test
