#include <catch2/catch.hpp>

#include "drawing/drawing_process.h"

using namespace qprep;

namespace {

GraphvizPlaces none() { return {"/nowhere/libgvc.so.6", {}}; }

}  // namespace

TEST_CASE("a graph is drawn, the same twice, in its process and here") {
  const std::string dot = "digraph { a [label=\"&amp;amp; <x> \\\\N é\", tooltip=\"why\"]; a -> b }";
  DrawingProcess first(dot, GraphvizPlaces::of_process()), second(dot, GraphvizPlaces::of_process());
  const Drawing drawing = first.finish();
  REQUIRE(drawing.why_not.empty());
  CHECK(drawing.svg == second.finish().svg);
  CHECK(drawing.svg == draw_here(dot, GraphvizPlaces::of_process()).svg);
  CHECK(drawing.svg.find("</svg>") != std::string::npos);
  CHECK(drawing.svg.find(">&amp;amp; &lt;x&gt; \\N é</text>") != std::string::npos);
  CHECK(drawing.svg.find("xlink:title=\"why\"") != std::string::npos);
  CHECK(drawing.svg.find("<!--") == std::string::npos);  // no version
}

TEST_CASE("without the library, or with another, there is a reason and no drawing") {
  Drawing drawing = DrawingProcess("digraph { a }", none()).finish();
  CHECK(drawing.svg.empty());
  CHECK(drawing.why_not.find("QPREP_GRAPHVIZ names no library that loads: ") == 0);
  drawing = draw_here("digraph { a }", {"", {"libnothing.so.1"}});
  CHECK(drawing.why_not.find("Graphviz' library is not among the system's (Debian has it in libgvc6)") == 0);
  drawing = draw_here("digraph { a }", {"/", {}});
  CHECK(drawing.why_not.find("QPREP_GRAPHVIZ names no library that loads: ") == 0);
  drawing = draw_here("digraph { a }", {"", {"libc.so.6"}});
  CHECK(drawing.why_not == "this library is not Graphviz: it has no function agseterrf");
}

TEST_CASE("what Graphviz cannot read is told in its words") {
  const Drawing drawing = DrawingProcess("digraph { a -> ", GraphvizPlaces::of_process()).finish();
  CHECK(drawing.svg.empty());
  CHECK(drawing.why_not.find("Graphviz cannot read the graph: ") == 0);
}

TEST_CASE("a layout that takes too long is broken off") {
  std::string dot = "digraph {";
  for (int i = 0; i < 3000; ++i) {
    for (int k = 1; k < 40; ++k)
      dot += " n" + std::to_string(i) + "->n" + std::to_string((i + k * k * k) % 3000);
  }
  DrawingProcess slow(dot + "}", GraphvizPlaces::of_process(), {.seconds_of_work = 1, .seconds = 60});
  CHECK(slow.finish().why_not == "Graphviz takes more than 1 s for the graph");
  DrawingProcess waited(dot + "}", GraphvizPlaces::of_process(), {.seconds_of_work = 60, .seconds = 1});
  CHECK(waited.finish().why_not == "Graphviz takes more than 1 s for the graph");
  const DrawingProcess never_asked(dot + "}", GraphvizPlaces::of_process());
}
