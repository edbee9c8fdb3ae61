"""The figures of a command as text and as JSON."""

import json

from trainers.cli.output import figures


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
