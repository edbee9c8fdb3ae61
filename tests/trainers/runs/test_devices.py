"""The names of devices, and which of them a run was trained on."""

import json

from trainers.runs import devices


def test_accelerators_or_the_cpu(monkeypatch):
    monkeypatch.setattr(devices, "accelerators", lambda: [])
    assert devices.device().startswith("CPU (")
    monkeypatch.setattr(devices, "accelerators", lambda: ["A", "A"])
    assert devices.device() == "A, A"


def test_a_run_names_all_devices_that_trained_it_and_no_later_one(main, tmp_path, monkeypatch):
    def trained(minutes=None):
        assert main(workdir=f"{tmp_path}/work", minutes=minutes) is None
        path = tmp_path / "work" / "result.json"
        return json.loads(path.read_text())["device"] if path.exists() else None

    for name in "AAB":
        monkeypatch.setattr(devices, "device", lambda name=name: name)
        assert trained(minutes=0.0 if name == "A" else None) == (None if name == "A" else "A, then B")
    monkeypatch.setattr(devices, "device", lambda: "C")
    assert trained() == "A, then B"
