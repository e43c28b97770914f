"""A target's file of one's own: operators outside ONNX's domain, sequences of them, and what is wrong with words.

    python tests/cli/own_targets_test.py QPREP
"""

import json
import subprocess
import unittest
from pathlib import Path

from told_test import QPREP, Case, model, weights

# Operators of somebody's own between layers.
OWN = """
<ir_version: 8, opset_import: ["" : 13, "com.acme" : 1, "com.microsoft" : 1]>
own (float[1,4,6,6] x) => (float[1,4,6,6] y) <float[1,4,6,6] b, float[1,4,6,6] d> {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [swoosh] b = com.acme.Swoosh (a)
    [conv2] c = Conv <pads = [1,1,1,1]> (b, w1)
    [quick] d = com.microsoft.QuickGelu (c)
    [conv3] y = Conv <pads = [1,1,1,1]> (d, w1)
}
"""




class OwnTargets(Case):
    def write(self, text: str) -> None:
        (self.folder / "own.yaml").write_text(text)

    def checked(self, target: str, config: str = "march: own.yaml\n") -> dict:
        self.write(target)
        made = model(OWN, weights(w1=(4, 4, 3, 3)))
        return json.loads(self.run_qprep("check", made, config, "--json"))["models"][0]

    def mistakes(self, target: str) -> list[str]:
        self.write(target)
        result = subprocess.run([QPREP, "targets", "check", "own.yaml"], cwd=self.folder, capture_output=True, text=True,
                                check=False)
        self.assertEqual(result.returncode, 1 if result.stderr else 0, result.stdout + result.stderr)
        return result.stderr.splitlines()

    def devices(self, target: str) -> dict[str, str]:
        self.write(target)
        text = self.run_qprep("check", model(OWN, weights(w1=(4, 4, 3, 3))), "march: own.yaml\n")
        return {line.split()[0]: line.split()[1] for line in text.splitlines() if line.count("  ") > 2}

    def test_a_row_puts_an_operator_of_ones_own_on_the_bpu(self) -> None:
        self.assertEqual(self.devices("base: bayes\n")["swoosh"], "CPU")
        for row in ("bpu", "{like: Abs}", "{runs: bpu, precision: [int8, int16]}"):
            self.assertEqual(self.devices(f"base: bayes\noperators: {{com.acme::Swoosh: {row}}}\n")["swoosh"], "BPU", row)
        self.assertEqual(self.devices("base: bayes\noperators: {com.acme::Swoosh: cpu}\n")["swoosh"], "CPU")

    def test_a_sequence_may_end_with_it(self) -> None:
        fuse = 'fuse: {operators: {Sw: {any_of: [com.acme::Swoosh, com.microsoft::QuickGelu]}}, tails: [{name: swoosh, pattern: "{ y = Sw(h) }"}]}'
        rows = "operators: {com.acme::Swoosh: {like: Abs}, com.microsoft::QuickGelu: {like: Abs}}"
        self.write(f"base: bayes\n{rows}\n{fuse}\n")
        text = self.run_qprep("check", model(OWN, weights(w1=(4, 4, 3, 3))), "march: own.yaml\n")
        self.assertIn("2 fused sequences (2 conv-swoosh)\n", text)

    def test_the_example_of_the_page_takes_a_slope(self) -> None:
        page = (Path(__file__).parents[2] / "docs/targets.md").read_text()
        self.write(page.split("```yaml\n")[1].split("```")[0])
        made = model(OWN.replace("com.acme.Swoosh (a)", "PRelu (a, slope)"), weights(w1=(4, 4, 3, 3), slope=(4, 1, 1)))
        self.assertIn("1 fused sequence (1 conv-prelu)\n", self.run_qprep("check", made, "march: own.yaml\n"))

    def test_a_row_of_the_file_has_the_file_as_its_place_alone(self) -> None:
        self.write("base: bayes\noperators: {PRelu: {like: LeakyRelu}}\n")
        text = subprocess.run([QPREP, "targets", "show", "own.yaml", "PRelu"], cwd=self.folder, capture_output=True,
                              text=True, check=True).stdout
        self.assertIn("\n  own.yaml:2:13\n", text)

    def test_every_word_that_means_nothing_is_a_mistake(self) -> None:
        for rest, said in (
            ("operators: {PRelo: bpu}", "2:13: error: nothing is known of an operator 'PRelo' (did you mean 'PRelu'?)"),
            ("operators: {com.microsoft::Gelo: bpu}", "2:13: error: nothing is known of an operator 'com.microsoft::Gelo' (did you mean 'com.microsoft::Gelu'?)"),
            ("operators: {com.microsft::Gelu: bpu}", "2:13: error: nothing is known of an operator 'com.microsft::Gelu' (did you mean the domain 'com.microsoft'?)"),
            ("same_scale: [Concta]", "2:14: error: nothing is known of an operator 'Concta' in 'same_scale' (did you mean 'Concat'?)"),
            ("quantise: {own_scale: [MaxPol]}", "2:24: error: nothing is known of an operator 'MaxPol' in 'quantise.own_scale' (did you mean 'MaxPool'?)"),
            ("quantise: {operators: {Rel: {signed: false}}}", "2:24: error: nothing is known of an operator 'Rel' in 'quantise.operators' (did you mean 'Relu'?)"),
            ('operators: {Conv: {limits: "attribute.kernl_shape <= 3"}}', "2:39: error: Conv has no attribute 'kernl_shape' (did you mean 'kernel_shape'?)"),
            ('fuse: {tails: [{name: relu, pattern: "{ y = Act(h) }"}]}', "2:23: error: 'fuse.tails': there is one with the name 'relu' already, and reports would not tell them apart"),
        ):
            found = self.mistakes(f"base: bayes\n{rest}\n")
            self.assertEqual(len(found), 1, found)
            self.assertTrue(found[0].startswith(f"own.yaml:{said}"), found[0])

    def test_one_mistake_does_not_hide_the_other(self) -> None:
        found = self.mistakes("base: bayes\noperators: {PRelo: bpu, Conv: bpuu}\n")
        self.assertEqual(len(found), 2, found)

    def test_operators_of_ones_own_are_no_mistakes(self) -> None:
        self.assertEqual(self.mistakes("base: bayes\noperators: {com.acme::Swoosh: bpu}\nsame_scale: [com.acme::Swoosh]\n"), [])

    def test_a_run_warns_of_such_a_word(self) -> None:
        said = [each["message"] for each in self.checked("base: bayes\noperators: {PRelo: bpu}\n")["diagnostics"]]
        self.assertIn("nothing is known of an operator 'PRelo' (did you mean 'PRelu'?)", said)

    def test_a_pattern_says_where_its_words_come_from(self) -> None:
        found = self.mistakes('base: bayes\nfuse: {tails: [{name: x, pattern: "{ y = PRelu(h) }"}]}\n')
        self.assertIn("add PRelu: {any_of: [PRelu]} there", found[0])

    def test_profiles_name_no_better_target(self) -> None:
        self.assertEqual(self.checked("base: tensorrt\n")["better_targets"], [])

    def test_a_size_is_given_once(self) -> None:
        made = model(OWN, weights(w1=(4, 4, 3, 3)))
        self.write("base: bayes\n")
        said = self.run_qprep("check", made, "march: own.yaml\n", "--dim", "N=1", "--dim", "N=2", status=1)
        self.assertIn("'N' has two sizes, 1 and 2", said)
        said = self.run_qprep("check", made, "march: own.yaml\nhybrid: {module_type: [Sigmod]}\n", status=1)
        self.assertEqual(said.count("Sigmod"), 1, said)


if __name__ == "__main__":
    unittest.main()
