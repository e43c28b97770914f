#include "drawing/graphviz.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>
#include <link.h>
#include <optional>
#include <stdexcept>

namespace qprep {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVariable = "QPREP_GRAPHVIZ";
constexpr const char* kFileName = "libgvc.so";

/// The file in the folder that begins with the name; of several the newest.
std::optional<fs::path> library_in(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  std::vector<fs::path> found;
  for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored)) {
    if (at->path().filename().string().starts_with(name)) found.push_back(at->path());
  }
  if (found.empty()) return std::nullopt;
  return *std::ranges::max_element(found);
}

[[noreturn]] void fail(const std::string& why) { throw std::runtime_error(why); }

void* open(const std::string& file) { return dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL); }

std::string loading_error() {
  const char* reason = dlerror();
  return reason ? reason : "dlopen failed";
}

void* open_graphviz(const GraphvizPlaces& places) {
  if (!places.variable.empty()) {
    std::error_code ignored;
    fs::path file = places.variable;
    if (fs::is_directory(file, ignored)) file = library_in(file, kFileName).value_or(file / kFileName);
    // dlopen takes a name without a slash for a library of the system.
    void* handle = open(fs::absolute(file, ignored).string());
    if (!handle) fail(fmt::format("{} names no library that loads: {}", kVariable, loading_error()));
    return handle;
  }
  for (const std::string& name : places.names) {
    if (void* handle = open(name)) return handle;
  }
  fail(
      fmt::format("Graphviz' library is not among the system's (Debian has it in libgvc6), and {} does not "
                  "name it",
                  kVariable));
}

fs::path folder_of(void* handle) {
  const link_map* mapped = nullptr;
  const bool known =
      dlinfo(handle, RTLD_DI_LINKMAP, &mapped) == 0 && mapped && mapped->l_name && *mapped->l_name;
  return known ? fs::path(mapped->l_name).parent_path() : fs::path();
}

/// A row of the table that gvContextPlugins takes.
struct Plugin {
  const char* name;
  void* address;
};

void* plugin(const fs::path& folder, const std::string& library, const char* symbol) {
  const auto file = library_in(folder / "graphviz", library);
  if (!file) fail(fmt::format("'{}' has no {}", (folder / "graphviz").string(), library));
  void* handle = open(file->string());
  if (!handle) fail(loading_error());
  void* address = dlsym(handle, symbol);
  if (!address) fail(fmt::format("'{}' has no {}", file->string(), symbol));
  return address;
}

/// The functions of Graphviz that are used. Its types are opaque here, so that one build runs with all of its
/// versions from 2.30 on.
class Graphviz {
 public:
  explicit Graphviz(const GraphvizPlaces& places) : handle_(open_graphviz(places)) {
    const fs::path folder = folder_of(handle_);
    plugins_[0] = {"gvplugin_dot_layout_LTX_library",
                   plugin(folder, "libgvplugin_dot_layout.so", "gvplugin_dot_layout_LTX_library")};
    plugins_[1] = {"gvplugin_core_LTX_library",
                   plugin(folder, "libgvplugin_core.so", "gvplugin_core_LTX_library")};
  }

  std::string svg(const std::string& dot) {
    function<int (*)(int (*)(char*))>("agseterrf")(keep_message);
    void* context = function<void* (*)(const Plugin*, int)>("gvContextPlugins")(plugins_, 0);
    if (!context) fail("Graphviz does not start");
    void* graph = function<void* (*)(const char*)>("agmemread")(dot.c_str());
    if (!graph) fail(what_it_said("Graphviz cannot read the graph"));
    if (function<int (*)(void*, void*, const char*)>("gvLayout")(context, graph, "dot") != 0)
      fail(what_it_said("Graphviz cannot lay out the graph"));
    char* text = nullptr;
    std::uint64_t length = 0;  // Graphviz writes 32 or 64 bits of it, by its version
    const auto render = function<int (*)(void*, void*, const char*, char**, std::uint64_t*)>("gvRenderData");
    if (render(context, graph, "svg", &text, &length) != 0 || !text || length == 0)
      fail(what_it_said("Graphviz cannot draw the graph"));
    std::string svg(text, length);
    function<void (*)(char*)>("gvFreeRenderData")(text);
    return svg;
  }

 private:
  template <typename F>
  F function(const char* name) const {
    void* address = dlsym(handle_, name);
    if (!address) fail(fmt::format("this library is not Graphviz: it has no function {}", name));
    return reinterpret_cast<F>(address);
  }

  static std::string& message() {
    static std::string text;
    return text;
  }
  static int keep_message(char* text) {
    if (message().size() < 200) message() += text;
    return 0;
  }
  static std::string what_it_said(const std::string& what) {
    std::string said = message();
    std::ranges::replace(said, '\n', ' ');
    return said.empty() ? what : fmt::format("{}: {}", what, said);
  }

  void* handle_;
  Plugin plugins_[3] = {};
};

/// Without what a version of Graphviz says of itself.
std::string without_comments(std::string svg) {
  for (std::size_t at = svg.find("<!--"); at != std::string::npos; at = svg.find("<!--", at)) {
    std::size_t end = svg.find("-->", at);
    if (end == std::string::npos) break;
    end += 3;
    while (end < svg.size() && svg[end] == '\n') ++end;
    svg.erase(at, end - at);
  }
  return svg;
}

/// Texts in nine tenths of their size: their widths are Arial's, and where a viewer has another font instead
/// that is up to a tenth wider.
std::string with_room(std::string svg) {
  static constexpr std::string_view kSize = "font-size=\"";
  for (std::size_t at = svg.find(kSize); at != std::string::npos; at = svg.find(kSize, at)) {
    at += kSize.size();
    double size = 0;
    const char* begin = svg.data() + at;
    const auto [end, error] = std::from_chars(begin, svg.data() + svg.size(), size);
    if (error != std::errc()) continue;
    svg.replace(at, static_cast<std::size_t>(end - begin), fmt::format("{:.2f}", size * 0.9));
  }
  return svg;
}

}  // namespace

GraphvizPlaces GraphvizPlaces::of_process() {
  GraphvizPlaces places;
  if (const char* variable = std::getenv(kVariable)) places.variable = variable;
  places.names = {"libgvc.so.6", "libgvc.so.7", "libgvc.so"};
  return places;
}

Drawing draw_here(const std::string& dot, const GraphvizPlaces& places) {
  try {
    return {with_room(without_comments(Graphviz(places).svg(dot))), {}};
  } catch (const std::runtime_error& error) {
    return {{}, error.what()};
  }
}

}  // namespace qprep
