"""The files that samples are made of: .npz, ONNX tensors, bare numbers, lists; and what is refused.

    python tests/cli/sample_files_test.py QPREP
"""

from __future__ import annotations

import unittest

import numpy as np
from onnx import TensorProto, numpy_helper

from samples_test import Samples


class Files(Samples):
    """Two inputs, x of float32[1,2,3] and t of int64[n]."""

    def setUp(self) -> None:
        super().setUp()
        self.model({"x": [1, 2, 3], "t": ["n"]}, types={"t": TensorProto.INT64})
        self.config("calibration: {data: s}")
        (self.folder / "s").mkdir()
        random = np.random.default_rng(5)
        self.x = [random.normal(0, 1, (1, 2, 3)).astype(np.float32) for _ in range(4)]
        self.t = [np.arange(i + 1) for i in range(4)]

    def write(self, name: str, data: bytes) -> None:
        file = self.folder / "s" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def proto(self, name: str, array: np.ndarray, tensor: str = "") -> None:
        self.write(name, numpy_helper.from_array(array, tensor).SerializeToString())

    def fed(self) -> dict[str, object]:
        answer = self.show("--save", "fed")
        self.assertTrue(answer["ok"], self.said(answer))
        for i, sample in enumerate(answer["samples"]):
            saved = sample.replace("/", "_").replace("#", "_")
            saved += "" if saved.endswith(".npy") else ".npy"
            np.testing.assert_array_equal(self.saved(f"x/{saved}"), self.x[i])
            np.testing.assert_array_equal(self.saved(f"t/{saved}"), self.t[i])
        return answer

    def refused(self) -> str:
        answer = self.show()
        self.assertFalse(answer["ok"])
        return self.said(answer)

    def test_archives(self) -> None:
        np.savez(self.folder / "s/0.npz", x=self.x[0], t=self.t[0])
        np.savez_compressed(self.folder / "s/1.npz", t=self.t[1], x=self.x[1])
        np.savez(self.folder / "s/2.npz", x=np.asfortranarray(self.x[2]), t=self.t[2], label=np.arange(3))
        answer = self.fed()
        self.assertEqual(answer["samples"], ["0.npz", "1.npz", "2.npz"])
        self.assertIn("s/2.npz: its array 'label' is left out: the model has no such input", self.said(answer))

    def test_archives_beside_other_files(self) -> None:
        self.npy("x/0.npy", self.x[0])
        np.savez(self.folder / "s/x/1.npz", self.x[1])
        self.proto("x/2.pb", self.x[2])
        self.write("x/3.bin", self.x[3].tobytes())
        for i in range(3):
            self.npy(f"t/{i}.npy", self.t[i])
        self.write("t/3.raw", self.t[3].tobytes())
        self.assertEqual(self.fed()["samples"], ["0", "1", "2", "3"])

    def test_a_large_archive_is_checked_by_its_first_bytes(self) -> None:
        self.model({"x": [1, 3, 300, 300]})
        wanted = np.random.default_rng(2).integers(0, 9, (1, 3, 300, 300)).astype(np.float32)
        np.savez_compressed(self.folder / "s/0.npz", x=wanted)
        self.show("--save", "fed")
        np.testing.assert_array_equal(self.saved("x/0.npz.npy"), wanted)

    def test_data_sets(self) -> None:
        for i in range(2):
            self.proto(f"test_data_set_{i}/input_0.pb", self.x[i])
            self.proto(f"test_data_set_{i}/input_1.pb", self.t[i])
            self.proto(f"test_data_set_{i}/output_0.pb", self.x[i])
        # By their own names, whatever the numbers say.
        self.proto("test_data_set_2/input_0.pb", self.t[2], "t")
        self.proto("test_data_set_2/input_1.pb", self.x[2], "x")
        self.npy("test_data_set_3/x.npy", self.x[3])
        self.npy("test_data_set_3/t.npy", self.t[3])
        answer = self.fed()
        self.assertEqual(answer["samples"], [f"test_data_set_{i}" for i in range(4)])

    def test_tensors_without_raw_data(self) -> None:
        self.model({"x": [2], "t": ["n"]}, types={"x": TensorProto.FLOAT16, "t": TensorProto.INT64})
        tensor = TensorProto(data_type=TensorProto.FLOAT16, dims=[2], int32_data=[0x3C00, 0xC000])
        self.write("d/input_0.pb", tensor.SerializeToString())
        self.write("d/input_1.pb", TensorProto(data_type=TensorProto.INT64, dims=[3], int64_data=[7, 8, 9]).SerializeToString())
        self.show("--save", "fed")
        np.testing.assert_array_equal(self.saved("x/d.npy"), [1, -2])
        np.testing.assert_array_equal(self.saved("t/d.npy"), [7, 8, 9])

    def test_lists(self) -> None:
        np.savez(self.folder / "s/b.npz", x=self.x[1], t=self.t[1])
        np.savez(self.folder / "s/a.npz", x=self.x[0], t=self.t[0])
        self.proto("c/input_0.pb", self.x[2])
        self.proto("c/input_1.pb", self.t[2])
        (self.folder / "s/list.txt").write_text("# first\n\nb.npz\r\na.npz  \nc\n")
        self.config("calibration: {data: s/list.txt}")
        self.assertEqual(self.fed()["samples"], ["a.npz", "b.npz", "c"])
        self.config("calibration: {data: [s/b.npz, s/a.npz]}")
        self.assertEqual(self.fed()["samples"], ["s/a.npz", "s/b.npz"])
        calibrated = self.run_qprep("prepare", "m.onnx", "-c", "c.yaml", "-o", "out")
        self.assertEqual(calibrated.returncode, 0, calibrated.stderr)
        shown = self.run_qprep("config", "show", "c.yaml").stdout
        self.assertIn(f"- {self.folder.resolve()}/s/b.npz", shown)

    def test_a_file_that_a_list_has_in_two_spellings(self) -> None:
        for name in ("a", "b"):
            np.savez(self.folder / f"s/{name}.npz", x=self.x[0], t=self.t[0])
        self.proto("c/input_0.pb", self.x[2])
        self.proto("c/input_1.pb", self.t[2])
        again = f"{self.folder.resolve()}/s/b.npz"
        (self.folder / "s/list.txt").write_text(f"a.npz\nb.npz\n./a.npz\nc\nc/../a.npz\n{again}\nc/\n")
        self.config("calibration: {data: s/list.txt}")
        said = self.run_qprep("samples", "show", "m.onnx", "-c", "c.yaml").stderr
        for line, name, first in ((3, "./a.npz", (1, "a.npz")), (5, "c/../a.npz", (1, "a.npz")), (6, again, (2, "b.npz")),
                                  (7, "c/", (4, "c"))):
            message = f"s/list.txt:{line}:1: warning: the sample '{name}' is '{first[1]}' of line {first[0]} again: it counts twice"
            self.assertEqual(said.count(message), 1, said)
        self.assertEqual(said.count("counts twice"), 4)
        self.assertEqual(self.show()["count"], 7)
        text = "calibration: {data: [s/a.npz, ./s/a.npz, s/b.npz]}"
        self.config(text)
        said = self.run_qprep("prepare", "m.onnx", "-c", "c.yaml", "-o", "out").stderr
        self.assertEqual(said.count("counts twice"), 1)
        self.assertIn(f"c.yaml:1:{text.index('./s') + 1}: warning: the sample './s/a.npz' is 's/a.npz' of line 1 again", said)

    def checked(self) -> str:
        done = self.run_qprep("config", "check", "c.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_config_check_looks_whether_samples_are_there(self) -> None:
        np.savez(self.folder / "s/photo_a.npz", x=self.x[0], t=self.t[0])
        (self.folder / "s/list.txt").write_text("# first\nphoto_a.npz\nfoto_a.npz\nnone.npz\n")
        self.config("calibration: {data: s/list.txt}")
        said = self.checked()
        self.assertIn("s/list.txt:3:1: warning: the sample 'foto_a.npz' is not there (did you mean 'photo_a.npz'?) [file-access]", said)
        self.assertIn("s/list.txt:4:1: warning: the sample 'none.npz' is not there [file-access]", said)
        self.assertEqual(said.count("warning"), 2)
        self.assertIn("'foto_a.npz' does not exist (s/foto_a.npz) (did you mean 'photo_a.npz'?)", self.refused())
        (self.folder / "s/list.txt").write_text("photo_a.npz\n")
        self.assertEqual(self.checked(), "")
        (self.folder / "s/list.txt").write_text("".join(f"{i}.npz\n" for i in range(30)))
        said = self.checked()
        self.assertEqual(said.count("is not there"), 8)
        self.assertIn("22 more files are like this", said)
        text = "calibration: {data: [s/photo_a.npz, s/photo_b.npz]}"
        self.config(text)
        self.assertIn(f"c.yaml:1:{text.rindex('s/') + 1}: warning: the sample 's/photo_b.npz' is not there (did you mean 'photo_a.npz'?)",
                      self.checked())
        (self.folder / "samples").mkdir()
        self.config("calibration: {data: sample}")
        self.assertIn("c.yaml:1:21: warning: the folder of samples 'sample' is not there (did you mean 'samples'?)", self.checked())
        (self.folder / "s/list.txt").write_text("\n")
        self.config("calibration: {data: s/list.txt}")
        done = self.run_qprep("config", "check", "c.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("s/list.txt: error: the list names no sample", done.stderr)

    def everywhere(self, message: str) -> None:
        """Whatever reads samples refuses with it, and config check warns of it."""
        for verb in (["samples", "show", "m.onnx"], ["prepare", "m.onnx", "-o", "out"], ["calibrate", "m.onnx", "-o", "x.qcal"]):
            done = self.run_qprep(*verb, "-c", "c.yaml")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(message.replace("WORD", "error"), done.stderr)
        self.assertIn(message.replace("WORD", "warning"), self.checked())

    def test_a_place_that_is_missing_is_told_at_the_line_that_names_it(self) -> None:
        self.npy("plain/0.npy", self.x[0])
        self.config("calibration:\n  data: plane")
        self.everywhere("c.yaml:2:9: WORD: the folder of samples 'plane' is not there [file-access]")
        self.config("calibration:\n  data: s/plan")
        self.everywhere("c.yaml:2:9: WORD: the folder of samples 's/plan' is not there (did you mean 'plain'?) [file-access]")
        (self.folder / "s/list.txt").write_text("plain\n")
        self.config("calibration: {data: s/lits.txt}")
        self.everywhere("c.yaml:1:21: WORD: the list of samples 's/lits.txt' is not there (did you mean 'list.txt'?) [file-access]")
        self.config("calibration: {data: s/plain/0.npy}")
        self.everywhere("c.yaml:1:21: WORD: the folder of samples 's/plain/0.npy' is a file; what names samples is a folder, a .txt list of "
                        "files, or a list here: 'data: [s/plain/0.npy]' [file-access]")

    def test_lists_that_are_wrong(self) -> None:
        self.npy("x.npy", self.x[0])
        np.savez(self.folder / "s/a.npz", x=self.x[0], t=self.t[0])
        (self.folder / "s/list.txt").write_text("x.npy\nnone.npz\na.npz\na.npz\nlist.txt\n")
        self.config("calibration: {data: s/list.txt}")
        said = self.refused()
        self.assertIn("s/x.npy: a sample of this model has several tensors ('x', 't'), so it is an .npz file or a folder", said)
        shown = self.run_qprep("samples", "show", "m.onnx", "-c", "c.yaml").stderr
        self.assertIn("s/list.txt:2:1: error: the sample 'none.npz' does not exist (", shown)
        self.assertIn("s/list.txt:4:1: error: the sample 'a.npz' is named twice", shown)
        self.assertIn("s/list.txt: samples are .npy", said)
        self.config("calibration: {data: [s/a.npz, s/none.npz]}")
        self.assertIn("c.yaml: the sample 's/none.npz' does not exist", self.refused())
        self.config("calibration: {data: s/list.txt}")
        (self.folder / "s/list.txt").write_text("\n# nothing\n")
        self.assertIn("s/list.txt: the list names no sample", self.refused())
        self.config("calibration: {data: none.txt}")
        self.assertIn("none.txt", self.refused())
        checked = self.run_qprep("config", "check", "c.yaml").stderr
        self.assertIn("none.txt' is not there", checked)

    def test_bare_numbers(self) -> None:
        self.model({"x": [1, "h", "w"]})
        for i in range(2):
            self.write(f"{i}.bin", (self.x[i] * 10).astype(np.int8).tobytes())
        self.assertIn("more than one size is open; write them into the configuration (calibration.inputs, 'raw')", self.refused())
        self.config("calibration: {data: s, inputs: {x: {raw: {shape: [1, 2, 3]}}}}")
        self.assertIn("s/0.bin: the file has 6 bytes, and the shape [1,2,3] that 'raw' says (c.yaml:1:42) takes 24 as float32; the model's "
                      "input 'x' is float32[1,h,w]", self.refused())
        self.config("calibration: {data: s, inputs: {x: {raw: {dtype: int8, shape: [1, 2, 3]}}}}")
        self.assertIn("s/0.bin: it holds int8, and the model's input 'x' takes float32; its type and shape are what 'raw' says (c.yaml:1:42)", self.refused())
        self.config("calibration: {data: s, inputs: {x: {raw: {dtype: int8, shape: [2147483648, 2147483648, 2147483648]}}}}")
        self.assertIn("takes more than any file has as int8", self.refused())
        self.config("calibration: {data: s, inputs: {x: {raw: {dtype: int8, shape: [2, 3]}}}}")
        self.assertIn("s/0.bin: it holds int8", self.refused())
        self.config("calibration: {data: s, inputs: {x: {raw: {shape: [1, 2, 3]}}}}")
        for i in range(2):
            self.write(f"{i}.bin", self.x[i].tobytes())
        self.show("--save", "fed")
        np.testing.assert_array_equal(self.saved("x/1.bin.npy"), self.x[1])

    def test_bare_pixels(self) -> None:
        self.model({"x": [1, 3, 4, 5]})
        pixels = np.random.default_rng(1).integers(0, 256, (4, 5, 3), np.uint8)
        self.write("0.raw", pixels.tobytes())
        self.config("calibration: {data: s, inputs: {x: {raw: {dtype: uint8, shape: [4, 5, 3]}}}}")
        self.assertIn("says (c.yaml:1:42); bytes become numbers where calibration.inputs says how: 'x: {mean: ..., scale: ...}', or 'dtype: "
                      "float32' for 0 to 255 as they are", self.refused())
        self.config("calibration: {data: s, inputs: {x: {raw: {dtype: uint8, shape: [4, 5, 3]}, dtype: float32}}}")
        self.show("--save", "fed")
        np.testing.assert_array_equal(self.saved("x/0.raw.npy")[0].transpose(1, 2, 0), pixels)
        self.config("calibration: {data: s, inputs: {x: {raw: {dtype: uint8, shape: [4, 5, 3]}, mean: [1, 2, 3], std: 4}}}")
        self.show("--save", "fed")
        np.testing.assert_allclose(self.saved("x/0.raw.npy")[0].transpose(1, 2, 0), (pixels - np.float32([1, 2, 3])) / 4)
        self.config("calibration: {data: s, inputs: {x: {raw: {dtype: uint8, shape: [4, 5, 3]}, colour: bgr}}}")
        self.show("--save", "fed")
        np.testing.assert_array_equal(self.saved("x/0.raw.npy")[0].transpose(1, 2, 0), pixels[..., ::-1])
        self.config("calibration: {data: s, inputs: {x: {raw: {dtype: uint8, shape: [5, 4, 3]}, colour: bgr}}}")
        self.assertRegex(self.refused(), r"s/0.raw: as a picture for the model's input 'x' it is 5x4.*; its type and shape are what 'raw' says \(c.yaml:1:42\)")

    def test_damaged_archives(self) -> None:
        np.savez(self.folder / "good.npz", x=self.x[0], t=self.t[0])
        np.savez_compressed(self.folder / "small.npz", x=self.x[0], t=self.t[0])
        for name in ("good.npz", "small.npz"):
            data = (self.folder / name).read_bytes()
            for cut in (0, 3, 30, len(data) // 2, len(data) - 1):
                self.write("0.npz", data[:cut])
                self.assertIn("s/0.npz: it is no .npz file: ", self.refused(), cut)
            for at in range(0, len(data), 23):
                spoiled = bytearray(data)
                spoiled[at] ^= 0x55
                self.write("0.npz", bytes(spoiled))
                result = self.run_qprep("samples", "show", "m.onnx", "-c", "c.yaml", "-q")
                self.assertIn(result.returncode, (0, 1), at)
                self.assertNotIn("mistake in qprep", result.stderr, at)

    def test_damaged_numbers_are_seen(self) -> None:
        np.savez(self.folder / "s/0.npz", x=self.x[0], t=self.t[0])
        data = bytearray((self.folder / "s/0.npz").read_bytes())
        data[data.index(self.x[0].tobytes())] ^= 1
        self.write("0.npz", bytes(data))
        self.assertIn("'x' has another checksum", self.refused())

    def test_refusals(self) -> None:
        np.savez(self.folder / "s/0.npz", x=self.x[0])
        self.assertIn("s/0.npz: it holds no tensor for the model's input 't'", self.refused())
        np.savez(self.folder / "s/0.npz", x=self.x[0].astype(np.float64), t=self.t[0])
        self.assertIn("s/0.npz: it holds float64, and the model's input 'x' takes float32", self.refused())
        (self.folder / "s/0.npz").unlink()
        self.proto("d/input_0.pb", self.x[0])
        self.assertIn("s/d: it holds no tensor for the model's input 't'", self.refused())
        self.write("d/input_1.pb", b"\xff\xff nothing")
        self.assertIn("s/d/input_1.pb: it is no ONNX tensor (TensorProto)", self.refused())
        self.proto("d/input_1.pb", np.array(["a"], object))
        self.assertIn("s/d/input_1.pb: it holds strings", self.refused())
        self.proto("d/input_1.pb", self.t[0], "x")
        self.assertIn("it is a second file for the model's input 'x'", self.refused())
        self.write("d/input_1.pb", TensorProto(data_type=TensorProto.INT64, dims=[3], int64_data=[7]).SerializeToString())
        self.assertIn("s/d/input_1.pb: this tensor: it has 8 bytes of data", self.refused())


if __name__ == "__main__":
    unittest.main()
