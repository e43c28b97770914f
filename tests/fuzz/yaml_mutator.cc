/// libFuzzer's mutator for configurations: it moves, doubles and indents lines and exchanges words, so that
/// most of what it makes is still YAML and reaches what lies behind the parser.
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

constexpr std::array<std::string_view, 34> kWords = {
    "[]",   "{}",  "~",    "''",   "true",   "false",  "0",     "-1",    "1e400", "0.2", "nan",   "*a",
    "&a x", "re:", "re:(", "a[",   "a.*",    "\"\"",   "qint8", "float", "qint4", "|",   "!!str", "<<",
    "? a",  "- ",  "#",    "a: b", "[a, b]", "{a: 1}", "int16", "\t",    "null",  "'a"};

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::string mutate(std::string_view text) {
    std::vector<std::string> lines = lines_of(text);
    const std::size_t at = pick(lines.size());
    const std::size_t other = pick(lines.size());
    switch (pick(8)) {
      case 0:
        lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), lines[other]);
        break;
      case 1:
        if (lines.size() > 1) lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 2:
        std::swap(lines[at], lines[other]);
        break;
      case 3:
        lines[at].insert(0, 2, ' ');
        break;
      case 4:
        if (lines[at].starts_with("  ")) lines[at].erase(0, 2);
        break;
      case 5:
        replace_word(lines[at], kWords[pick(kWords.size())]);
        break;
      case 6:
        replace_word(lines[at], word_of(lines[other]));
        break;
      default:
        lines[at] += " " + std::string(kWords[pick(kWords.size())]);
    }
    std::string mutated;
    for (const std::string& line : lines) mutated += line + '\n';
    return mutated;
  }

 private:
  std::size_t pick(std::size_t count) { return random_() % count; }

  static std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      lines.emplace_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (lines.empty()) lines.emplace_back();
    return lines;
  }

  /// Where a word of the line begins and ends: what lies between blanks, brackets and commas.
  std::pair<std::size_t, std::size_t> any_word(const std::string& line) {
    constexpr std::string_view kBreaks = " ,{}[]";
    if (line.empty()) return {0, 0};
    const std::size_t middle = pick(line.size());
    const std::size_t before = line.find_last_of(kBreaks, middle);
    const std::size_t begin = before == std::string::npos ? 0 : std::min(before + 1, middle);
    return {begin, std::min(line.find_first_of(kBreaks, middle + 1), line.size())};
  }

  std::string word_of(const std::string& line) {
    const auto [begin, end] = any_word(line);
    return line.substr(begin, end - begin);
  }

  void replace_word(std::string& line, const std::string_view word) {
    const auto [begin, end] = any_word(line);
    line.replace(begin, end - begin, word);
  }

  std::minstd_rand random_;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  if (seed % 3 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::string text(reinterpret_cast<const char*>(data), size);
  for (unsigned i = 0; i <= seed / 3 % 4; ++i) text = Mutator(seed + i).mutate(text);
  if (text.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(text.begin(), text.end(), data);
  return text.size();
}
