"""scripts/shards: statistics of parts of the samples, under GNU parallel and under Slurm on one node, are those of one run.

    python tests/cli/shards_test.py QPREP

Where GNU parallel or Slurm (slurmctld, slurmd, munged) is absent, its test is skipped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

QPREP = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts/shards"
SAMPLES, SHARDS = 23, 5
SLURM = ("munged", "slurmctld", "slurmd", "sbatch")


def path_of(program: str) -> str | None:
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Slurm on this machine alone, with files in the folder only. Result: the environment of its commands."""
    name, user = socket.gethostname().split(".")[0], subprocess.check_output(["id", "-un"], text=True).strip()
    key, munge = folder / "munge.key", folder / "munge.socket"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    configuration = folder / "slurm.conf"
    configuration.write_text(
        f"""ClusterName=one
SlurmctldHost={name}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={munge}
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MpiDefault=none
SchedulerParameters=sched_interval=1,bf_interval=1,defer
NodeName={name} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=all Nodes={name} Default=YES MaxTime=INFINITE State=UP
"""
    )
    for each in ("state", "spool"):
        (folder / each).mkdir()
    environment = {**os.environ, "SLURM_CONF": str(configuration)}
    munged = [path_of("munged"), "--foreground", "--force", f"--key-file={key}", f"--socket={munge}",
              f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed"]
    running = [subprocess.Popen(munged, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
    try:
        time.sleep(1)
        for daemon in ([path_of("slurmctld"), "-D"], [path_of("slurmd"), "-D", "-N", name]):
            running.append(
                subprocess.Popen(daemon, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
        for _ in range(60):
            state = subprocess.run(["sinfo", "-h", "-o", "%t"], env=environment, capture_output=True, text=True).stdout
            if state.strip() in ("idle", "mix", "alloc"):
                break
            time.sleep(0.5)
        else:
            logs = "\n".join(each.read_text()[-2000:] for each in folder.glob("*.log"))
            raise unittest.SkipTest(f"Slurm does not start here: {logs}")
        yield environment
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait()


class Shards(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="qprep_shards_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        weight = numpy_helper.from_array(np.ones((4, 3, 1, 1), np.float32), "w")
        tensor = lambda name, channels: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, 8, 8])
        nodes = [helper.make_node("Conv", ["x", "w"], ["h"], "conv"), helper.make_node("Relu", ["h"], ["y"], "relu")]
        graph = helper.make_graph(nodes, "g", [tensor("x", 3)], [tensor("y", 4)], [weight])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), self.folder / "m.onnx")
        (self.folder / "samples").mkdir()
        random = np.random.default_rng(2)
        for i in range(SAMPLES):
            np.save(self.folder / f"samples/{i:02d}.npy", random.normal(0, 1 + i, (1, 3, 8, 8)).astype(np.float32))
        (self.folder / "c.yaml").write_text("calibration: {data: samples}\n")
        self.run_in_folder([QPREP, "calibrate", "m.onnx", "-c", "c.yaml", "-o", "whole.qcal", "-q"])

    def run_in_folder(self, command: list[object], environment: dict[str, str] | None = None, status: int = 0) -> str:
        environment = {**(environment or os.environ), "QPREP": str(QPREP)}
        done = subprocess.run(list(map(str, command)), cwd=self.folder, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr

    def check_merged(self) -> None:
        self.assertEqual((self.folder / "all.qcal").read_bytes(), (self.folder / "whole.qcal").read_bytes())
        self.assertFalse((self.folder / "all.qcal.parts").exists())

    def test_shards_that_are_missing(self) -> None:
        for i in (1, 3):
            self.run_in_folder([QPREP, "calibrate", "m.onnx", "-c", "c.yaml", "-q", "--shard", f"{i}/3", "-o", f"{i}.qcal"])
        said = self.run_in_folder([QPREP, "prepare", "m.onnx", "-c", "c.yaml", "--stats", "3.qcal", "-o", "out"])
        self.assertIn("3.qcal: warning: these are statistics of shard 3 of 3 only", said)
        self.run_in_folder([QPREP, "stats", "merge", "1.qcal", "3.qcal", "-o", "two.qcal"])
        said = self.run_in_folder([QPREP, "prepare", "m.onnx", "-c", "c.yaml", "--stats", "two.qcal", "-o", "out"])
        self.assertIn("shards 1 and 3 of 3 only", said)
        self.assertNotIn("only", self.run_in_folder([QPREP, "prepare", "m.onnx", "-c", "c.yaml", "--stats", "whole.qcal", "-o", "out"]))

    def test_a_shard_that_is_none(self) -> None:
        for shard, why in (("4/3", "there are only 3"), ("0/3", "from 1"), ("2", "I/N"), ("a/b", "I/N")):
            said = self.run_in_folder([QPREP, "calibrate", "m.onnx", "-c", "c.yaml", "--shard", shard, "-o", "s.qcal"], status=2)
            self.assertIn(why, said)

    @unittest.skipUnless(path_of("parallel"), "GNU parallel is not installed")
    def test_parallel(self) -> None:
        script = SCRIPTS / "parallel.sh"
        self.run_in_folder([script, "m.onnx", "c.yaml", "all.qcal", SHARDS])
        self.check_merged()
        missing = subprocess.run([script, "m.onnx", "c.yaml", "none.qcal", "2"], cwd=self.folder, capture_output=True,
                                 text=True, env={**os.environ, "QPREP": "no-such-qprep"})
        self.assertEqual(missing.returncode, 2)
        self.assertIn("there is no program no-such-qprep; set QPREP to the path of qprep", missing.stderr)
        self.assertFalse((self.folder / "none.qcal.parts").exists())
        # A shard that fails fails the whole, and nothing is written.
        (self.folder / "all.qcal").unlink()
        (self.folder / "samples/07.npy").write_bytes(b"spoiled")
        self.run_in_folder([script, "m.onnx", "c.yaml", "all.qcal", SHARDS], status=1)
        self.assertFalse((self.folder / "all.qcal").exists())
        self.run_in_folder([script, "m.onnx"], status=2)

    @unittest.skipUnless(all(map(path_of, SLURM)), "Slurm is not installed")
    def test_slurm(self) -> None:
        daemons = self.folder / "daemons"
        daemons.mkdir()
        with cluster(daemons) as environment:
            self.run_in_folder([SCRIPTS / "slurm.sh", "m.onnx", "c.yaml", "all.qcal", SHARDS], environment)
            self.check_merged()
            (self.folder / "samples/07.npy").write_bytes(b"spoiled")
            (self.folder / "all.qcal").unlink()
            self.run_in_folder([SCRIPTS / "slurm.sh", "m.onnx", "c.yaml", "all.qcal", SHARDS], environment, status=1)
            self.assertFalse((self.folder / "all.qcal").exists())


if __name__ == "__main__":
    unittest.main()
