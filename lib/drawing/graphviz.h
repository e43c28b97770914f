#pragma once

#include <string>
#include <vector>

namespace qprep {

/// Where Graphviz' library may be.
struct GraphvizPlaces {
  std::string variable;  // a file, or a folder that holds it; if given, nothing else is tried: QPREP_GRAPHVIZ
  std::vector<std::string> names;  // else these, as the dynamic linker finds them

  static GraphvizPlaces of_process();
};

/// What drawing came to.
struct Drawing {
  std::string svg;
  std::string why_not;  // a clause; empty: `svg` is whole
};

/// Lays out a graph in Graphviz' language, in this process, with whatever time that takes. The library is
/// loaded when this is called and never linked. Of its plug-ins only those for layout and SVG are loaded, so
/// that widths of texts come from its own tables and not from fonts that the machine has.
Drawing draw_here(const std::string& dot, const GraphvizPlaces& places);

}  // namespace qprep
