"""A server on the loopback interface that speaks the few calls of the Hugging Face Hub that uploads and downloads need.

Its repositories are in memory. Metadata of an uploaded README.md is checked as far as the Hub documents it.
"""

import base64
import hashlib
import json
import re
import urllib.parse

import pytest
import yaml

from tests.support.model_server import running, send


class HubServer:
    """Holds `repositories`, `{name: [(commit, {file: content}), ...]}`, and `tags`, `{(name, tag): commit}`.

    Attributes:
        faults: `{end of a path: [function, ...]}`, as those of a `ModelServer`, for the contents of files.
        requests: `(method, path)` of every request.
        token: the token that uploads need, or None.
        full: whether commits are refused.
    """

    def __init__(self):
        self.repositories, self.tags, self.faults, self.requests, self.token = {}, {}, {}, [], None
        self.full = False

    def commit(self, name, files):
        """Adds a commit with further files; returns its hash."""
        commits = self.repositories.setdefault(name, [])
        merged = {**(commits[-1][1] if commits else {}), **files}
        commits.append((hashlib.sha1(repr((len(commits), sorted(merged.items()))).encode()).hexdigest(), merged))
        return commits[-1][0]

    def at(self, name, revision):
        """The commit that a revision names, or None."""
        commits = dict(self.repositories[name])
        commit = self.repositories[name][-1][0] if revision == "main" else self.tags.get((name, revision), revision)
        return (commit, commits[commit]) if commit in commits else None

    def answer(self, handler):
        path = urllib.parse.unquote(urllib.parse.urlsplit(handler.path).path)
        self.requests.append((handler.command, path))
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        for pattern, respond in ROUTES.items():
            if found := re.fullmatch(pattern, path):
                return respond(self, handler, body, *found.groups())
        return handler.send_error(404)


def send_json(handler, content, status=200):
    send(handler, json.dumps(content).encode(), status=status)


def refuse(handler, code, status=404):
    """Refuses in the Hub's own words, which are a header."""
    handler.own_headers = {"X-Error-Code": code, "X-Error-Message": code}
    send(handler, b"", status=status)


def create(hub, handler, body):
    if hub.token and handler.headers.get("Authorization") != f"Bearer {hub.token}":
        return send_json(handler, {"error": "Invalid credentials"}, 401)
    request = json.loads(body)
    name = f"{request['organization']}/{request['name']}"
    status = 409 if name in hub.repositories else 200
    if status == 200:
        hub.commit(name, {".gitattributes": b""})
    return send_json(handler, {"url": f"{hub.address}/{name}", "name": name}, status)


def delete(hub, handler, body):
    request = json.loads(body)
    del hub.repositories[f"{request['organization']}/{request['name']}"]
    return send(handler, b"")


def describe(hub, handler, body, name, revision):
    if name not in hub.repositories:
        return refuse(handler, "RepoNotFound", 401)  # the Hub does not tell whether it is private
    found = hub.at(name, revision or "main")
    if not found:
        return refuse(handler, "RevisionNotFound")
    sizes = "blobs=true" in handler.path.lower()  # else the Hub tells none
    siblings = [{"rfilename": file, **({"size": len(content)} if sizes else {})} for file, content in found[1].items()]
    return send_json(handler, {"id": name, "sha": found[0], "siblings": siblings, "tags": []})


def validate(hub, handler, body):
    errors = metadata_errors(json.loads(body)["content"])
    return send_json(
        handler, {"errors": [{"message": error} for error in errors], "warnings": []}, 400 if errors else 200
    )


def metadata_errors(text):
    """What is wrong with the metadata of a model card."""
    header = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if not header:
        return ["no metadata"]
    data = yaml.safe_load(header[1])
    lists = [key for key in ("tags", "datasets", "metrics") if not isinstance(data.get(key, []), list)]
    results = [result for model in data.get("model-index", []) for result in model["results"]]
    lacking = [result for result in results if not {"task", "dataset", "metrics"} <= result.keys()]
    values = [metric["value"] for result in results for metric in result["metrics"]]
    return lists + lacking + [value for value in values if not isinstance(value, float)]


def preupload(hub, handler, body, name, revision):
    files = [each["path"] for each in json.loads(body)["files"]]
    modes = [{"path": file, "uploadMode": "regular", "shouldIgnore": False} for file in files]
    return send_json(handler, {"files": modes})


def write(hub, handler, body, name, revision):
    if hub.full:
        return send_json(handler, {"error": "Storage is full.\nBuy more."}, 413)
    lines = [json.loads(line) for line in body.splitlines()]
    files = {
        line["value"]["path"]: base64.b64decode(line["value"]["content"]) for line in lines if line["key"] == "file"
    }
    commit = hub.commit(name, files)
    return send_json(handler, {"commitOid": commit, "commitUrl": f"{hub.address}/{name}/commit/{commit}"})


def resolve(hub, handler, body, name, revision, file):
    commit, files = hub.at(name, revision)
    if file not in files:
        return refuse(handler, "EntryNotFound")
    handler.own_headers = {"ETag": f'"{hashlib.sha1(files[file]).hexdigest()}"', "X-Repo-Commit": commit}
    for end, faults in hub.faults.items():
        if handler.command == "GET" and file.endswith(end) and faults:
            return faults.pop(0)(handler, files[file])
    start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    return send(handler, files[file][start:], status=206 if start else 200)


NAME = r"([\w.-]+/[\w.-]+)"
ROUTES = {
    "/api/repos/create": create,
    "/api/repos/delete": delete,
    "/api/validate-yaml": validate,
    rf"/api/models/{NAME}/preupload/([\w./-]+)": preupload,
    rf"/api/models/{NAME}/commit/([\w./-]+)": write,
    rf"/api/models/{NAME}(?:/revision/([\w./-]+))?": describe,
    rf"/{NAME}/resolve/([\w.-]+)/(.+)": resolve,
}


@pytest.fixture
def hub_server(monkeypatch):
    """A running `HubServer`, to which `HF_ENDPOINT` points."""
    with running(HubServer()) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server
