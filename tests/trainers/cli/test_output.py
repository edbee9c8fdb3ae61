"""The figures of a command as text and as JSON."""

import json
import subprocess
import sys

from trainers.cli.output import figures, stdout_of_subprocesses

STARTS_A_PROCESS = """
import subprocess, sys
from trainers.cli.output import figures, stdout_of_subprocesses
with figures(as_json=sys.argv[1] == "json") as give:
    subprocess.run([sys.executable, "-c", "print('so far')"], stdout=stdout_of_subprocesses())
    give("done", {"error": 1.0})
"""


def test_text_and_everything_else_go_to_standard_output(capsys):
    with figures(as_json=False) as give:
        print("so far")
        give("error 1.00 %", {"error": 1.0})
    assert capsys.readouterr() == ("so far\nerror 1.00 %\n", "")


def test_json_has_standard_output_for_itself(capsys):
    with figures(as_json=True) as give:
        print("so far")
        give("error 1.00 %", {"error": 1.0, "name": None})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": 1.0, "name": None} and err == "so far\n"


def test_what_processes_print_comes_before_the_text_and_does_not_disturb_the_json():
    def run(way):
        return subprocess.run([sys.executable, "-c", STARTS_A_PROCESS, way], capture_output=True, text=True)

    text, as_json = run("text"), run("json")
    assert (text.stdout, text.stderr) == ("so far\ndone\n", "")
    assert json.loads(as_json.stdout) == {"error": 1.0} and as_json.stderr == "so far\n"


def test_processes_have_their_own_output_where_only_python_prints_elsewhere(capsys):
    assert stdout_of_subprocesses() is None
