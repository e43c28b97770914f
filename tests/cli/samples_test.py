"""qprep samples show: what the model would be fed, against NumPy; and what is said of samples that are odd.

    python tests/cli/samples_test.py QPREP
"""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# 8x8 pixels without subsampling, the upper half (200, 40, 90), the lower (20, 160, 230).
JPEG = """
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkK
Cgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgr/wAARCAAIAAgDAREAAhEB
AxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS
0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKz
tLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgEC
BAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpj
ZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6
/9oADAMBAAIRAxEAPwDzf/hRX/U1/wDkl/8AZ1+5f8QP/wCph/5S/wDugf8AFRb/AKpj/wAvf/vQ/9k=
"""
QPREP = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None


def model_of(shapes: dict[str, list[int | str]], types: dict[str, int] | None = None) -> onnx.ModelProto:
    """Inputs of these shapes, each times two."""
    two = numpy_helper.from_array(np.array(2, np.float32), "two")
    kind = lambda name: (types or {}).get(name, TensorProto.FLOAT)
    nodes, inputs, outputs = [], [], []
    for name, shape in shapes.items():
        inputs.append(helper.make_tensor_value_info(name, kind(name), shape))
        nodes.append(helper.make_node("Cast", [name], [f"{name}_f"], f"{name}_cast", to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [f"{name}_f", "two"], [f"{name}_out"], f"{name}_mul"))
        outputs.append(helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, shape))
    graph = helper.make_graph(nodes, "g", inputs, outputs, [two])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Samples(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="qprep_samples_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def model(self, shapes: dict[str, list[int | str]], **more: object) -> None:
        onnx.save(model_of(shapes, **more), self.folder / "m.onnx")

    def config(self, text: str) -> None:
        (self.folder / "c.yaml").write_text(text)

    def run_qprep(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([QPREP, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True, timeout=120)

    def show(self, *arguments: object) -> dict[str, object]:
        result = self.run_qprep("samples", "show", "m.onnx", "-c", "c.yaml", "--json", *arguments)
        answer = json.loads(result.stdout)
        self.assertEqual(result.returncode == 0, answer["ok"], result.stderr)
        return answer

    def said(self, answer: dict[str, object]) -> str:
        return "\n".join(f"{d.get('file', '')}: {d['message']}" for d in answer["diagnostics"])

    def npy(self, name: str, array: np.ndarray) -> None:
        file = self.folder / "s" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, array)

    def saved(self, name: str) -> np.ndarray:
        return np.load(self.folder / "fed" / name)


class Shown(Samples):
    def test_what_is_fed(self) -> None:
        self.model({"x": [1, 3, 4, "w"], "t": ["n"]}, types={"t": TensorProto.INT64})
        self.config("calibration: {data: s}")
        random = np.random.default_rng(1)
        images = [random.normal(0, 1, (1, 3, 4, 4 + i % 2)).astype(np.float32) for i in range(20)]
        for i, image in enumerate(images):
            self.npy(f"x/{i:02}.npy", image)
            self.npy(f"t/{i:02}.npy", np.arange(i + 1))
        answer = self.show("--save", "fed")
        self.assertEqual(answer["diagnostics"], [])
        self.assertEqual(answer["count"], 20)
        self.assertEqual(answer["samples"][:2], ["00.npy", "01.npy"])
        x, t = answer["inputs"]
        self.assertEqual([x["name"], x["dtype"], x["layout"]], ["x", "float32", "NCHW"])
        self.assertEqual(x["shapes"], [[1, 3, 4, 4], [1, 3, 4, 5]])
        self.assertEqual(x["range"]["min"], min(i.min() for i in images))
        self.assertEqual(len(x["channels"]), 3)
        mean = np.concatenate([i[:, 1].ravel() for i in images]).astype(np.float64).mean()
        self.assertAlmostEqual(x["channels"][1]["mean"], mean, places=9)
        self.assertEqual([t["dtype"], t["range"]["max"], t["layout"]], ["int64", 19, ""])
        np.testing.assert_array_equal(self.saved("x/07.npy"), images[7])
        text = self.run_qprep("samples", "show", "m.onnx", "-c", "c.yaml").stdout
        self.assertIn("m.onnx: 20 samples from s\n", text)
        self.assertIn("[1,3,4,4] [1,3,4,5]", text)
        self.assertIn("fed as it stands in the files", text)

    def test_odd_samples_are_said_by_prepare_and_calibrate_too(self) -> None:
        self.model({"x": [1, 3, 4, 4]})
        self.config("calibration: {data: s}")
        for i in range(2):
            self.npy(f"{i}.npy", np.full((1, 3, 4, 4), 0.5, np.float32))
        for verb in (["samples", "show"], ["prepare"], ["calibrate", "-o", "x.qcal"]):
            result = self.run_qprep(verb[0], *verb[1:2] * (verb[0] == "samples"), "m.onnx", "-c", "c.yaml",
                                    *(verb[1:] if verb[0] == "calibrate" else []))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("all 2 samples are the same, byte for byte", result.stderr)
            self.assertIn("2 samples may not show what ranges", result.stderr)
        self.npy("2.npy", np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4))
        self.assertIn("2.npy: 1 of 3 samples of input 'x' hold pixels (0 to 47)", self.said(self.show()))

    def test_refusals(self) -> None:
        self.model({"x": [1, 3, 4, 4]})
        self.config("activations: {dtype: qint8}")
        self.assertIn("'calibration.data' is their folder", self.said(self.show()))
        self.config("calibration: {data: s}")
        self.assertIn("c.yaml: the folder of samples 's' is not there", self.said(self.show()))
        self.npy("0.npy", np.zeros((1, 3, 4, 5), np.float32))
        self.assertIn("s/0.npy: its shape is [1,3,4,5], and the model's input 'x' takes [1,3,4,4]", self.said(self.show()))


def png_bytes(pixels: np.ndarray, colour: int, bits: int = 8, interlace: int = 0) -> bytes:
    """A PNG file of rows of filter 0. `colour`: 0 gray, 2 RGB, 4 gray with alpha, 6 RGBA."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + row.astype(">u2" if bits == 16 else np.uint8).tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], bits, colour, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def bmp_bytes(pixels: np.ndarray, top_down: bool = False) -> bytes:
    """24 bits, or 32 where the pixels have four channels."""
    height, width, channels = pixels.shape
    rows = pixels[..., [2, 1, 0, 3][:channels]]
    rows = rows if top_down else rows[::-1]
    data = b"".join(row.tobytes() + b"\0" * (-width * channels % 4) for row in rows)
    info = struct.pack("<IiiHHIIiiII", 40, width, -height if top_down else height, 1, 8 * channels, 0, 0, 0, 0, 0, 0)
    return struct.pack("<2sIHHI", b"BM", 54 + len(data), 0, 0, 54) + info + data


def weights(size: int, target: int, kind: str, antialias: bool) -> np.ndarray:
    """float64[target, size]: what each pixel of the result is made of, along one axis. docs/samples.md, "Resizing"."""
    scale = size / target
    cubic = lambda x, a: np.where(
        np.abs(x) < 1, (a + 2) * np.abs(x) ** 3 - (a + 3) * x**2 + 1,
        np.where(np.abs(x) < 2, a * (np.abs(x) ** 3 - 5 * x**2 + 8 * np.abs(x) - 4), 0))
    result = np.zeros((target, size))
    for at in range(target):
        centre = (at + 0.5) * scale
        if kind == "nearest":
            result[at, (2 * at + 1) * size // (2 * target)] = 1
        elif kind == "area":
            edges = np.arange(size + 1)
            covered = np.minimum(edges[1:], (at + 1) * scale) - np.maximum(edges[:-1], at * scale)
            result[at] = np.maximum(covered, 0) / scale
        elif antialias:
            width = max(scale, 1)
            x = (np.arange(size) + 0.5 - centre) / width
            reach = 2 if kind == "bicubic" else 1
            row = cubic(x, -0.5) if kind == "bicubic" else np.maximum(0, 1 - np.abs(x))
            row[np.abs(x) >= reach] = 0
            result[at] = np.round(row / row.sum() * 2**22) / 2**22  # as Pillow
        else:
            for i in range(int(np.floor(centre)) - 3, int(np.floor(centre)) + 4):
                x = np.array(i + 0.5 - centre)
                weight = cubic(x, -0.75) if kind == "bicubic" else max(0, 1 - abs(float(x)))
                result[at, min(max(i, 0), size - 1)] += float(weight)
    return result


def resized(pixels: np.ndarray, height: int, width: int, kind: str, antialias: bool) -> np.ndarray:
    rounded = lambda x: np.clip(np.floor(x + 0.5), 0, 255)
    filters = antialias and kind in ("bilinear", "bicubic")
    across = np.einsum("tx,yxc->ytc", weights(pixels.shape[1], width, kind, antialias), pixels.astype(np.float64))
    across = rounded(across) if filters else across
    return rounded(np.einsum("ty,yxc->txc", weights(pixels.shape[0], height, kind, antialias), across))


def picture(height: int, width: int, seed: int = 3) -> np.ndarray:
    """Noise upon a slope: uint8[H,W,3]."""
    random = np.random.default_rng(seed)
    slope = np.linspace(0, 160, height * width * 3).reshape(height, width, 3)
    return np.clip(slope + random.normal(40, 40, (height, width, 3)), 0, 255).astype(np.uint8)


class Pictures(Samples):
    def picture(self, name: str, data: bytes) -> None:
        (self.folder / "s").mkdir(exist_ok=True)
        (self.folder / "s" / name).write_bytes(data)

    def fed(self, recipe: str, shape: list[int | str], name: str = "0.png", **more: object) -> np.ndarray:
        self.model({"x": shape}, **more)
        self.config(f"calibration:\n  data: s\n  inputs:\n    x: {recipe}\n")
        answer = self.show("--save", "fed")
        self.assertTrue(answer["ok"], self.said(answer))
        return self.saved(f"x/{name}.npy")

    def refusal(self, recipe: str, shape: list[int | str], **more: object) -> str:
        self.model({"x": shape}, **more)
        self.config(f"calibration:\n  data: s\n  inputs:\n    x: {recipe}\n")
        answer = self.show()
        self.assertFalse(answer["ok"])
        return self.said(answer)

    def test_formats_hold_the_same(self) -> None:
        rgb = picture(7, 5)
        wanted = rgb.transpose(2, 0, 1)[None].astype(np.float32)
        rgba = np.concatenate([rgb, picture(7, 5, 8)[..., :1]], 2)
        self.picture("rgb.png", png_bytes(rgb, 2))
        self.picture("rgba.PNG", png_bytes(rgba, 6))
        self.picture("wide.png", png_bytes(rgb.astype(np.uint16) * 256 + 77, 2, bits=16))
        self.picture("down.bmp", bmp_bytes(rgb))
        self.picture("top.bmp", bmp_bytes(rgb, top_down=True))
        self.picture("alpha.bmp", bmp_bytes(rgba))
        np.save(self.folder / "s/hwc.npy", rgb)
        np.save(self.folder / "s/chw.npy", rgb.transpose(2, 0, 1))
        np.save(self.folder / "s/nhwc.npy", rgb[None])
        np.save(self.folder / "s/as_it_is.npy", wanted)
        self.fed("{colour: rgb}", [1, 3, 7, 5], "rgb.png")
        names = sorted(p.name for p in (self.folder / "fed/x").iterdir())
        self.assertEqual(len(names), 10)
        for name in names:
            np.testing.assert_array_equal(self.saved(f"x/{name}"), wanted, name)

    def test_gray(self) -> None:
        gray = picture(6, 6)[..., :1]
        self.picture("0.png", png_bytes(gray, 0))
        np.testing.assert_array_equal(self.fed("{}", [1, 1, 6, 6])[0, 0], gray[..., 0])
        np.testing.assert_array_equal(self.fed("{}", ["n", 3, "h", "w"])[0, 2], gray[..., 0])
        rgb = picture(6, 6, 5)
        self.picture("0.png", png_bytes(rgb, 2))
        luma = np.floor(rgb @ np.array([0.299, 0.587, 0.114]) + 0.5)
        self.assertLessEqual(np.abs(self.fed("{colour: gray}", [1, 6, 6, 1])[0, ..., 0] - luma).max(), 1)

    def test_resizing_is_as_defined(self) -> None:
        rgb = picture(37, 53)
        self.picture("0.png", png_bytes(rgb, 2))
        for height, width in [(16, 16), (9, 53), (80, 31), (37, 106)]:
            for kind in ("nearest", "bilinear", "bicubic", "area"):
                for antialias in (True, False) if kind.startswith("bi") else (True,):
                    more = f", antialias: {str(antialias).lower()}" if kind.startswith("bi") else ""
                    fed = self.fed(f"{{resize: [{height}, {width}], interpolation: {kind}{more}}}", [1, 3, height, width])
                    wanted = resized(rgb, height, width, kind, antialias)
                    off = np.abs(fed[0].transpose(1, 2, 0) - wanted)
                    self.assertLessEqual(off.max(), 1, (height, width, kind, antialias))
                    most = 0 if kind.startswith("bi") and antialias else 0.002
                    self.assertLessEqual((off > 0).mean(), most, (height, width, kind, antialias))

    def test_short_side_and_crop(self) -> None:
        rgb = picture(37, 53)
        self.picture("0.png", png_bytes(rgb, 2))
        fed = self.fed("{resize: {short_side: 20}, crop: [16, 18]}", [1, 3, 16, 18])
        wanted = resized(rgb, 20, 20 * 53 // 37, "bilinear", True)[2:18, 5:23]
        np.testing.assert_array_equal(fed[0].transpose(1, 2, 0), wanted)

    def test_letterbox(self) -> None:
        rgb = picture(30, 53)
        self.picture("0.png", png_bytes(rgb, 2))
        fed = self.fed("{resize: {letterbox: [32, 32]}, interpolation: nearest}", [1, 3, 32, 32])[0].transpose(1, 2, 0)
        np.testing.assert_array_equal(fed[7:25], resized(rgb, 18, 32, "nearest", False))
        self.assertEqual(set(fed[:7].ravel()) | set(fed[25:].ravel()), {114.0})
        fed = self.fed("{resize: {letterbox: [32, 32], fill: 0}}", [1, 3, 32, 32])
        self.assertEqual(set(fed[0, :, :7].ravel()), {0.0})

    def test_colours_layouts_and_numbers(self) -> None:
        rgb = picture(6, 8)
        self.picture("0.png", png_bytes(rgb, 2))
        mean, std = np.array([10.5, 20, 30]), np.array([2, 4, 0.5])
        fed = self.fed("{colour: bgr, mean: [10.5, 20, 30], std: [2, 4, 0.5]}", [1, 6, 8, 3])
        np.testing.assert_allclose(fed[0], (rgb[..., ::-1] - mean) / std, rtol=1e-6)
        fed = self.fed("{layout: NHWC, scale: 0.25}", ["n", "h", "w", "c"])
        np.testing.assert_array_equal(fed[0], rgb * np.float32(0.25))
        types = {"x": TensorProto.UINT8}
        np.testing.assert_array_equal(self.fed("{colour: bgr}", [1, 6, 8, 3], types=types)[0], rgb[..., ::-1])
        types = {"x": TensorProto.INT8}
        fed = self.fed("{mean: 128}", [3, 6, 8], types=types)
        self.assertEqual(fed.dtype, np.int8)
        np.testing.assert_array_equal(fed, rgb.transpose(2, 0, 1).astype(np.int16) - 128)

    def test_yuv(self) -> None:
        rgb = picture(6, 8).astype(np.float64)
        self.picture("0.png", png_bytes(rgb, 2))
        r, g, b = rgb.transpose(2, 0, 1)
        y = 0.299 * r + 0.587 * g + 0.114 * b
        chroma = [(b - y) / 1.772, (r - y) / 1.402]
        fed = self.fed("{colour: yuv444}", [1, 3, 6, 8])[0]
        wanted = np.clip(np.floor(np.stack([y, 128 + chroma[0], 128 + chroma[1]]) + 0.5), 0, 255)
        np.testing.assert_array_equal(fed, wanted)
        # Back as docs/config_hb_mapper.md has it.
        np.testing.assert_allclose(fed[0] + 1.402 * (fed[2] - 128), r, atol=1.5)
        fed = self.fed("{colour: nv12}", [1, 3, 6, 8])[0]
        np.testing.assert_array_equal(fed[0], wanted[0])
        for c in (0, 1):
            shared = chroma[c].reshape(3, 2, 4, 2).mean((1, 3)).repeat(2, 0).repeat(2, 1)
            np.testing.assert_array_equal(fed[c + 1], np.clip(np.floor(128 + shared + 0.5), 0, 255))

    def test_refusals_name_the_file_and_what_was_expected(self) -> None:
        rgb = picture(6, 8)
        self.picture("0.png", png_bytes(rgb, 2))
        self.assertIn("s/0.png: as a picture for the model's input 'x' it is 6x8, and the model takes 7x8; say how with "
                      "'resize'", self.refusal("{colour: rgb}", [1, 3, 7, 8]))
        self.assertIn("it is 6x8, prepared 4x4, and the model takes 7x8", self.refusal("{resize: [4, 4]}", [1, 3, 7, 8]))
        self.assertIn("too small to crop 8x8 from it", self.refusal("{crop: [8, 8]}", [1, 3, 8, 8]))
        self.assertIn("nv12 needs even sizes", self.refusal("{resize: [5, 8], colour: nv12}", [1, 3, 5, 8]))
        for recipe, shape, said in [
            ("{colour: gray}", [1, 3, 6, 8], "gray pictures have 1 channel, and the model takes float32[1,3,6,8]"),
            ("{mean: [1, 2, 3]}", [1, 1, 6, 8], "'mean' has 3 numbers, and gray pictures have 1 channel"),
            ("{layout: NHWC}", [1, 3, 6, 8], "which is 8 channels in NHWC"),
            ("{dtype: uint8}", [1, 3, 6, 8], "its 'dtype' is uint8, and the model takes float32[1,3,6,8]"),
            ("{crop: [6, 6]}", [1, 48], "a picture has three axes"),
            ("{crop: [6, 6]}", [4, 3, 6, 8], "the model takes 4 at once"),
        ]:
            said_now = self.refusal(recipe, shape)
            self.assertIn(said, said_now)
            self.assertIn("c.yaml: no picture can become", said_now)
        self.assertIn("pictures become float32, uint8 or int8",
                      self.refusal("{colour: rgb}", [1, 3, 6, 8], types={"x": TensorProto.INT64}))
        self.model({"x": [1, 3, 6, 8]})
        self.config("calibration: {data: s, inputs: {y: {mean: 1}}}")
        self.assertIn("c.yaml: the model has no input 'y'", self.said(self.show()))

    def test_damaged_pictures(self) -> None:
        rgb = picture(40, 40)
        good = {"0.png": png_bytes(rgb, 2), "0.bmp": bmp_bytes(rgb), "0.jpg": base64.b64decode(JPEG)}
        for name, data in good.items():
            side = 8 if name == "0.jpg" else 40
            for cut in (0, 1, 20, len(data) // 2, len(data) - 30):
                for old in (self.folder / "s").glob("*") if (self.folder / "s").exists() else []:
                    old.unlink()
                self.picture(name, data[:cut])
                said = self.refusal("{colour: rgb}", [1, 3, side, side])
                self.assertIn(f"s/{name}: it is no", said, cut)
            (self.folder / "s" / name).unlink()

    def test_jpeg(self) -> None:
        self.picture("0.jpg", base64.b64decode(JPEG))
        fed = self.fed("{colour: rgb}", [1, 3, 8, 8], "0.jpg")[0].transpose(1, 2, 0)
        wanted = np.zeros((8, 8, 3)) + [200, 40, 90]
        wanted[4:] = [20, 160, 230]
        self.assertLessEqual(np.abs(fed - wanted).max(), 6)

    def test_a_state_without_a_file_is_said_to_be_one(self) -> None:
        tensor = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4])
        add = helper.make_node("Add", ["x", "state"], ["stateN"], "add")
        graph = helper.make_graph([add], "g", [tensor("x"), tensor("state")], [tensor("stateN")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, self.folder / "m.onnx")
        self.npy("x/0.npy", np.ones((3, 4), np.float32))
        self.config("calibration: {data: s, state: {stateN: state}}")
        run = self.run_qprep("samples", "show", "m.onnx", "-c", "c.yaml")
        self.assertEqual(run.returncode, 0, run.stderr)
        shown = run.stdout
        self.assertIn("\nstate: zeros in the first step, then 'stateN'\n", shown)
        self.assertEqual(shown.count("fed as it stands"), 1)
        self.assertRegex(shown, r"\nstate +float32\[1,4\] +float32 +\[1,4\] +- +- +- +-\s")
        row = {each["name"]: each for each in self.show()["inputs"]}
        self.assertEqual((row["state"]["state"], row["state"]["range"]), ("stateN", None))
        self.assertEqual((row["x"]["state"], row["x"]["range"]["max"]), ("", 1))
        self.npy("state/0.npy", np.full((1, 4), 5, np.float32))
        self.assertEqual({each["name"]: each for each in self.show()["inputs"]}["state"]["range"]["max"], 5)
        shown = self.run_qprep("samples", "show", "m.onnx", "-c", "c.yaml").stdout
        self.assertIn("/state in the first step, then 'stateN'\n", shown)

    def test_promises(self) -> None:
        rgb = picture(6, 8)
        self.picture("0.png", png_bytes(rgb, 2))
        np.save(self.folder / "s/1.npy", rgb.transpose(2, 0, 1)[None].astype(np.float32))
        self.model({"x": [1, 3, 6, 8]})
        self.config("calibration: {data: s, inputs: {x: {mean: [123.7, 116.3, 103.5], std: [58.4, 57.1, 57.4]}}}")
        answer = self.show()
        self.assertIn("and mean and scale promise -2.118 to 2.639: these are pixels before mean and scale", self.said(answer))
        self.assertIn("s/1.npy", self.said(answer))
        self.assertIn("mean 123.7 116.3 103.5", answer["inputs"][0]["preprocessing"])
        np.save(self.folder / "s/1.npy", (rgb.transpose(2, 0, 1)[None] / 64 - 2).astype(np.float32))
        self.assertNotIn("promise", self.said(self.show()))
        np.save(self.folder / "s/1.npy", (rgb.transpose(2, 0, 1)[None] / 255).astype(np.float32))
        self.assertIn("these are pixels from 0 to 1 before mean and scale", self.said(self.show()))
        (self.folder / "s/0.png").unlink()
        self.assertEqual(self.show()["inputs"][0]["preprocessing"], "")
        shown = self.run_qprep("samples", "show", "m.onnx", "-c", "c.yaml").stdout
        self.assertIn("fed as it stands in the files: none is a picture", shown)

    def test_mean_and_scale_of_other_pixels(self) -> None:
        self.picture("0.png", png_bytes(picture(6, 8), 2))
        self.model({"x": [1, 3, 6, 8]})
        numbers = "mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]"
        self.config(f"calibration:\n  data: s\n  inputs:\n    x: {{{numbers}}}\n")
        here = "become -2.118 to 1136; numbers for pixels of 0 to 1 are here mean 123.675 116.28 103.53 and scale 0.0171248"
        for verb in (("samples", "show"), ("calibrate",), ("prepare",)):
            out = {"calibrate": ["-o", "a.qcal"], "prepare": ["-o", "o"]}.get(verb[0], [])
            said = self.run_qprep(*verb, "m.onnx", "-c", "c.yaml", *out).stderr
            self.assertRegex(said, r"c\.yaml:4:5: warning: input 'x': with mean 0\.485 0\.456 0\.406 and scale")
            self.assertIn(here, said)
            self.assertEqual(said.count(here), 1)
        # Of what is fed as it is, nothing is made by them.
        np.save(self.folder / "s/0.npy", np.zeros((1, 3, 6, 8), np.float32))
        (self.folder / "s/0.png").unlink()
        self.assertNotIn("with mean", self.said(self.show()))

    def test_statistics_remember_the_preprocessing(self) -> None:
        self.picture("0.png", png_bytes(picture(6, 8), 2))
        self.model({"x": [1, 3, 6, 8]})
        self.config("calibration: {data: s, inputs: {x: {scale: 0.5}}}")
        self.assertEqual(self.run_qprep("calibrate", "m.onnx", "-c", "c.yaml", "-o", "a.qcal").returncode, 0)
        shown = json.loads(self.run_qprep("stats", "show", "a.qcal", "--json").stdout)
        self.assertEqual(shown["preprocessing"], "x: pictures: scale 0.5")


if __name__ == "__main__":
    unittest.main()
