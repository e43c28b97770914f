#include "config/march.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "config/capabilities.h"
#include "config/quote.h"
#include "config/replacements.h"
#include "config/sequence_words.h"
#include "config/yaml_reader.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr const char* kFolder = "march";
constexpr const char* kEnding = ".yaml";
constexpr std::size_t kLongestChain = 8;  // of files that extend each other

std::string file_of(const std::filesystem::path& configs, const std::string& march) {
  return is_march_file(march) ? march : (configs / kFolder / (march + kEnding)).string();
}

void append(FusionParts& parts, FusionParts more) {
  const auto move_into = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  move_into(parts.heads, more.heads);
  move_into(parts.tails, more.tails);
  move_into(parts.units, more.units);
  move_into(parts.own_operators, more.own_operators);
}

class Reader {
 public:
  Reader(const std::filesystem::path& configs, std::size_t depth) : configs_(configs), depth_(depth) {}

  March read(const std::string& name) {
    const std::string file = file_of(configs_, name);
    const auto root = read_yaml(file, diagnostics_);
    YamlMap map(*root, "", diagnostics_);
    March march = base(map, file);
    diagnostics_.throw_if_error();  // without a base, its rows would be missed everywhere below
    march.name = march_name_of(name);
    for (const auto& [key, target] : {std::pair("chips", &march.chips), std::pair("source", &march.source)}) {
      if (const auto text = map.text(key)) *target = text->value;
      if (!map.has(key) && !map.has("base")) {
        diagnostics_.error(codes::kMissingKey, fmt::format("{} is missing", map.name_of(key)), map.where());
      }
    }
    if (const auto provisional = map.boolean("provisional")) march.provisional = provisional->value;
    const bool replaces = map.has("replace");
    std::vector<std::string> replace = read_replacements(map, "replace", diagnostics_);
    if (replaces) march.replace = std::move(replace);
    if (map.has("same_scale")) {
      march.same_scale.clear();
      for (const Placed<std::string>& op : map.texts("same_scale")) march.same_scale.push_back(op.value);
    }
    const std::size_t own = march.sequences.own_operators.size();
    if (map.has("fuse")) read_fuse(map.map("fuse"), march);
    if (map.has("quantise")) {
      const Quantise* base = march.quantise ? &*march.quantise : nullptr;
      march.quantise = read_quantise(map.map("quantise"), base, diagnostics_);
    }
    if (const auto others = map.word("others", {"unlisted", "float"})) {
      march.capabilities.others = others->value == "float" ? RunsOn::kFloat : RunsOn::kUnlisted;
    }
    march.capabilities =
        read_capabilities(map, march.capabilities, map.has("source") ? march.source : "", diagnostics_);
    march.capabilities.march = march.name;
    march.capabilities.provisional = march.provisional;
    check_words(own, march);
    say_where_keys_belong(map, march);
    map.finish();
    diagnostics_.throw_if_error();
    return march;
  }

 private:
  /// What the file extends; else an empty march.
  March base(YamlMap& map, const std::string& file) {
    const auto base = map.text("base");
    if (!base) return {};
    std::string wanted = base->value;
    if (is_march_file(wanted)) {
      wanted = (std::filesystem::path(file).parent_path() / wanted).lexically_normal().string();
      if (depth_ == kLongestChain) {
        diagnostics_.error(
            codes::kBadValue,
            fmt::format("'base': more than {} files extend each other, or one extends itself", kLongestChain),
            base->where);
        diagnostics_.throw_if_error();
      }
    } else {
      const std::vector<std::string> names = march_names(configs_);
      if (std::ranges::find(names, wanted) == names.end()) {
        diagnostics_.error(codes::kBadValue,
                           fmt::format("'base' must be a path ending in .yaml or one of {}, not {}{}",
                                       join(names, ", "), quote(wanted), did_you_mean(wanted, names)),
                           base->where);
        return {};
      }
    }
    March march = Reader(configs_, depth_ + 1).read(wanted);
    march.base = base->value;
    return march;
  }

  /// Of what the file's own sequences, from number `first` on, call operators.
  void check_words(std::size_t first, const March& march) {
    const std::vector<Placed<FusionOp>>& all = march.sequences.own_operators;
    std::vector<std::string> rows;
    for (const auto& [op, row] : march.capabilities.rows) rows.push_back(op);
    refuse_unknown_operators({all.begin() + static_cast<std::ptrdiff_t>(first), all.end()}, configs_, rows,
                             diagnostics_);
  }

  /// Keys that stand at the file's own level and are those of a section.
  void say_where_keys_belong(YamlMap& map, const March& march) {
    const auto belongs = [&](const Placed<std::string>& key, std::string_view section) {
      map.find(key.value);
      diagnostics_.error(codes::kUnknownKey, fmt::format("'{}' belongs into '{}'", key.value, section),
                         key.where);
    };
    static const std::vector<std::string> kOfFuse = {"heads",      "tails",     "units",
                                                     "only_tails", "tail_relu", "int16_addends"};
    for (const Placed<std::string>& key : map.keys()) {
      if (std::ranges::find(kOfFuse, key.value) != kOfFuse.end()) belongs(key, "fuse");
      if (march.capabilities.rows.contains(key.value)) belongs(key, "operators");
    }
  }

  void read_fuse(YamlMap fuse, March& march) {
    if (const auto relu = fuse.word("tail_relu", {"fused", "apart"})) {
      march.tail_relu_apart = relu->value == "apart";
    }
    if (const auto addends = fuse.boolean("int16_addends")) march.int16_addends = addends->value;
    if (fuse.has("only_tails")) read_only_tails(fuse.texts("only_tails"), march);
    if (fuse.has("heads") || fuse.has("tails") || fuse.has("units") || fuse.has("operators")) {
      append(march.sequences, read_fusion_parts(fuse, (configs_ / "fusion.yaml").string(), diagnostics_));
    } else {
      fuse.finish();
    }
  }

  void read_only_tails(const std::vector<Placed<std::string>>& names, March& march) {
    std::vector<std::string> known;
    for (const FusionPattern& tail : read_fusion_rules((configs_ / "fusion.yaml").string()).parts.tails) {
      known.push_back(tail.name);
    }
    march.tails.emplace();
    for (const Placed<std::string>& name : names) {
      if (std::ranges::find(known, name.value) == known.end()) {
        diagnostics_.error(codes::kBadValue,
                           fmt::format("'fuse.only_tails' must name tails of fusion.yaml: {}, not {}{}",
                                       join(known, ", "), quote(name.value), did_you_mean(name.value, known)),
                           name.where);
      }
      march.tails->push_back(name.value);
    }
  }

  const std::filesystem::path& configs_;
  std::size_t depth_;
  Diagnostics diagnostics_;
};

}  // namespace

std::vector<std::string> march_names(const std::filesystem::path& configs) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(configs / kFolder, error)) {
    if (entry.path().extension() == kEnding) names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_march_file(std::string_view text) { return text.ends_with(kEnding); }

std::string march_name_of(const std::string& march) {
  return is_march_file(march) ? std::filesystem::path(march).stem().string() : march;
}

March read_march(const std::filesystem::path& configs, const std::string& march) {
  return Reader(configs, 0).read(march);
}

}  // namespace qprep
