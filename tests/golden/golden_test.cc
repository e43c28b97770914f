#include <catch2/catch.hpp>
#include <cstdlib>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>

#include "case_file.h"
#include "config/composites.h"
#include "config/config.h"
#include "config/fusion.h"
#include "config/op_classes.h"
#include "driver/prepare.h"
#include "driver/rewrite_model.h"
#include "driver/rules.h"
#include "ir/dump.h"
#include "ir/verify.h"
#include "model_text.h"
#include "opset/raise_opset.h"
#include "passes/dump_plan.h"
#include "passes/fill_scales.h"
#include "passes/kept_batch_norms.h"
#include "passes/lower_fixed_point.h"
#include "passes/lower_qdq.h"
#include "passes/modernise.h"
#include "passes/pipeline.h"
#include "support/temporary_folder.h"

namespace qprep::golden {
namespace {

/// What a case runs and with which limits: the words of its section "args".
struct Arguments {
  std::vector<std::string> steps;
  Limits limits;
  std::vector<std::string> replace;

  explicit Arguments(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (!words[i].starts_with("--")) {
        steps.push_back(words[i]);
      } else if (words[i] == "--folded-bytes" && i + 1 < words.size()) {
        limits.folded_bytes = std::stoul(words[++i]);
      } else if (words[i] == "--folding-bytes" && i + 1 < words.size()) {
        limits.folding_bytes = std::stoul(words[++i]);
      } else if (words[i] == "--replace" && i + 1 < words.size()) {
        replace.push_back(words[++i]);
      } else {
        throw std::runtime_error("args: unknown option '" + words[i] + "'");
      }
    }
  }
};

std::string configs(const char* file) { return std::string(QPREP_SOURCE_DIR) + "/configs/" + file; }

/// The working folder, as long as this lives.
class WorkingFolder {
 public:
  explicit WorkingFolder(const std::filesystem::path& folder) : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(folder);
  }
  ~WorkingFolder() { std::filesystem::current_path(before_); }
  WorkingFolder(const WorkingFolder&) = delete;
  WorkingFolder& operator=(const WorkingFolder&) = delete;

 private:
  std::filesystem::path before_;
};

/// One run of a case: the model goes from step to step, and what the last one left is printed.
class Run {
 public:
  explicit Run(const CaseFile& file) : arguments_(file.words("args")), file_(file) {}

  /// Result: the dump, the plan if a pass decided anything, and the diagnostics.
  std::string text() {
    std::set<std::string> in_failure;
    try {
      if (arguments_.steps == std::vector<std::string>{"config-check"}) {
        check_config();
      } else if (arguments_.steps == std::vector<std::string>{"prepare"}) {
        prepare_files();
      } else {
        OnnxFile file = model_from_text(file_.text("model"), file_.text("fill"), diagnostics_);
        steps(file);
        text_ = dump(file.model) + plan_text_;
        for (const KeptNode& kept : file.model.kept) {
          text_ += fmt::format("kept {} '{}': {}\n", kept.op, kept.label, to_text(kept));
        }
      }
    } catch (const Fatal& fatal) {
      failed_ = true;
      for (const Diagnostic& diagnostic : fatal.diagnostics()) in_failure.insert(to_text(diagnostic));
      for (const Diagnostic& diagnostic : fatal.diagnostics()) text_ += to_text(diagnostic) + '\n';
    }
    for (const Diagnostic& diagnostic : diagnostics_.all()) {
      if (const std::string line = to_text(diagnostic); !in_failure.contains(line)) text_ += line + '\n';
    }
    failed_ = failed_ || diagnostics_.count(Severity::kError) > 0;
    return text_;
  }

  bool failed() const { return failed_; }

 private:
  void write_sections(const std::filesystem::path& folder) const {
    for (const std::string& name : file_.sections()) test::write_text(folder / name, file_.text(name));
  }

  /// Reads the section "qprep.yaml" as a file, beside files of the names of all other sections.
  void check_config() {
    const test::TemporaryFolder folder;
    write_sections(folder.path());
    const WorkingFolder here(folder.path());  // so that messages name the files and not their folder
    const Config config = read_config("qprep.yaml");
    for (const Diagnostic& each : config.remarks) diagnostics_.add(each);
    for (const Diagnostic& each : config.not_yet) diagnostics_.warning(each.code, each.message, each.where);
  }

  /// The whole run, as `qprep prepare model.onnx -c qprep.yaml` does it. Result: the names of what it wrote.
  void prepare_files() {
    const test::TemporaryFolder folder;
    write_sections(folder.path());
    const WorkingFolder here(folder.path());
    Diagnostics of_the_text;
    write_onnx(model_from_text(file_.text("model"), file_.text("fill"), of_the_text), "model.onnx");
    PrepareOptions options;
    options.model = "model.onnx";
    options.config = "qprep.yaml";
    options.configs = configs("");
    for (const OutputFile& file : prepare(options, diagnostics_).files) {
      text_ += fmt::format("wrote {}\n", file.path.string());
    }
  }

  void steps(OnnxFile& file) {
    Model& model = file.model;
    static const OpClasses op_classes = read_op_classes(configs("op_classes.yaml"));
    static const FusionRules fusion = read_fusion_rules(configs("fusion.yaml"));
    static const Composites composites = read_composites(configs("composites.yaml"));
    const Config config =
        file_.has("qprep.yaml") ? parse_config(file_.text("qprep.yaml"), "qprep.yaml") : Config();
    const FusionRules rules = fusion.with(config.fusing.patterns);
    Env env{.diagnostics = diagnostics_,
            .op_classes = &op_classes,
            .limits = arguments_.limits,
            .fusion = &rules,
            .composites = &composites,
            .replace = arguments_.replace};
    env.settings = settings(config);
    env.fusing = &config.fusing;
    std::optional<Rules> of_march;
    if (!config.march.where.file.empty()) {
      of_march = Rules::read(configs(""), config);
      const Env named = of_march->env_for(config, diagnostics_);
      env.settings = named.settings;
      env.op_classes = named.op_classes;
      env.fusion = named.fusion;
      env.march = named.march;
    }
    Plan plan;
    for (const std::string& word : arguments_.steps) {
      const std::size_t colon = word.find(':');
      const std::string step = word.substr(0, colon);
      if (const Pass* pass = find_pass(step)) {
        run_passes(model, plan, {pass, 1}, env);
        if (kind_of(*pass) == PassKind::kDecide) plan_text_ = dump_plan(model, plan);
      } else if (step == "rewrite-model") {
        rewrite_model(file, plan, env);
      } else if (step == "raise-opset" && colon != std::string::npos) {
        raise_opset(model, std::stoll(word.substr(colon + 1)), diagnostics_);
      } else if (step == "put-in-batch-norms") {
        put_in_batch_norms(model);
      } else if (step == "fill-scales") {
        fill_scales(model, ranges(), diagnostics_);
      } else if (step == "modernise") {
        const std::int64_t newest =
            colon == std::string::npos ? kNewestOpset : std::stoll(word.substr(colon + 1));
        modernise(model, env, {newest, fmt::format("{} is the newest allowed", newest)});
      } else if (step == "lower-qdq") {
        lower_qdq(model, diagnostics_);
      } else if (step == "lower-fixed-point") {
        lower_fixed_point(model, *env.op_classes, diagnostics_);
      } else {
        throw std::runtime_error("args: unknown step '" + word + "'");
      }
      const std::vector<std::string> problems = verify(model);
      if (!problems.empty()) throw std::runtime_error("after " + word + ": " + problems.front());
    }
  }

  /// What the section "ranges" says that samples gave: tensor, min and max, and how many NaN.
  Ranges ranges() const {
    Ranges all;
    const std::vector<std::string> words = file_.words("ranges");
    for (std::size_t i = 0; i + 3 < words.size(); i += 4) {
      Range range;
      range.min = std::strtof(words[i + 1].c_str(), nullptr);
      range.max = std::strtof(words[i + 2].c_str(), nullptr);
      range.nan = std::stoll(words[i + 3]);
      range.finite = 1;
      all.emplace(words[i], range);
    }
    return all;
  }

  Arguments arguments_;
  const CaseFile& file_;
  Diagnostics diagnostics_;
  std::string text_, plan_text_;
  bool failed_ = false;
};

TEST_CASE("golden files") {
  const bool update = std::getenv("QPREP_UPDATE") != nullptr;
  const std::vector<std::filesystem::path> cases = all_cases();
  REQUIRE_FALSE(cases.empty());
  for (const std::filesystem::path& path : cases) {
    const CaseFile file(path);
    INFO(file.name());
    Run run(file);
    std::string text;
    try {
      text = run.text();
    } catch (const std::exception& error) {
      FAIL_CHECK(error.what());
      continue;
    }
    CHECK(run.failed() == file.expects_failure());
    if (update && text != file.text("expect")) {
      file.rewrite_expectation(text);
    } else {
      CHECK(text == file.text("expect"));
    }
  }
}

}  // namespace
}  // namespace qprep::golden
