#include "driver/copy.h"

#include <memory>

#include "report/diagnostics_json.h"
#include "verbs.h"

namespace qprep {

void add_copy(CLI::App& app, Verbosity& verbosity, Verb& chosen) {
  struct Flags {
    std::string from, to;
    WriteOptions write;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb = app.add_subcommand("copy", "Read a model and write it again, nothing else");
  verb->add_option("FROM", flags->from, "The model to read")->required()->type_name("");
  verb->add_option("TO", flags->to, "The file to write; external data goes into TO.data beside it")
      ->required()
      ->type_name("");
  verb->add_flag("--durable", flags->write.durable, "Return only when the disk has the file (fsync)");
  verb->add_flag("--overwrite-input", flags->write.allow_overwrite_input, "Let TO be the same file as FROM");
  add_verbosity(*verb, verbosity, true);
  verb->footer(R"(Examples:
  qprep copy model.onnx copy.onnx
  qprep copy model.onnx copy.onnx --durable && rm model.onnx)");
  verb->callback([&chosen, flags] {
    chosen = [flags](Console& console, Diagnostics& diagnostics) {
      const Written written = copy_model(flags->from, flags->to, flags->write, diagnostics);
      console.say(diagnostics.all());
      if (!console.verbosity().json) return kDone;
      nlohmann::ordered_json result = {{"ok", true}, {"files", nlohmann::ordered_json::array()}};
      for (const auto& file : written.files) {
        result["files"].push_back({{"path", file.string()}, {"bytes", std::filesystem::file_size(file)}});
      }
      result["bytes"] = written.bytes;
      result["diagnostics"] = to_json(diagnostics.all());
      console.print_json(result);
      return kDone;
    };
  });
}

}  // namespace qprep
