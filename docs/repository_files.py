"""Names every file of the site by its path in the repository, and makes pages of notebooks (a hook of MkDocs).

Relative links between documents are then the same on the site and in the repository. Documents outside `docs/`, and the
files that they link to, become part of the site.
"""

import pathlib

from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter
from traitlets.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[1]
OUTSIDE = (
    "*.md",
    "LICENSE",
    "benchmarks/README.md",
    "benchmarks/measured/*.png",
    "results/README.md",
    "results/analysis/README.md",
    "saved_models/README.md",
    "zoo/regularizers/math/movement_fields.py",
)
# Pictures stay in the page, with the description that their cell has for readers who cannot see them.
NOTEBOOK = """\
{% extends "markdown/index.md.j2" %}
{% block data_png %}![{{ cell.metadata.alt }}](data:image/png;base64,{{ output.data["image/png"] }}){% endblock %}
{% block stream %}

```text
{{ output.text }}```
{% endblock %}
"""


class Notebook(File):
    """A notebook, which the site shows as a page of Markdown: MkDocs then checks its links as in any other page."""

    def is_documentation_page(self):
        return True

    @property
    def content_string(self):
        settings = {"CoalesceStreamsPreprocessor": True, "ExtractOutputPreprocessor": False}
        config = Config({name: {"enabled": enabled} for name, enabled in settings.items()})
        return MarkdownExporter(raw_template=NOTEBOOK, config=config).from_filename(self.abs_src_path)[0]


def paths(docs_files):
    """The paths of the site's files, from the root of the repository."""
    outside = (path.relative_to(ROOT).as_posix() for pattern in OUTSIDE for path in sorted(ROOT.glob(pattern)))
    return [*(f"docs/{file.src_uri}" for file in docs_files), *outside]


def on_files(files, config):
    """Replaces the files of `docs/`; those of the theme stay as they are."""
    docs_files = [file for file in files if file.src_dir == config.docs_dir]
    theme_files = [file for file in files if file.src_dir != config.docs_dir]
    here = [
        (Notebook if path.endswith(".ipynb") else File)(path, str(ROOT), config.site_dir, config.use_directory_urls)
        for path in paths(docs_files)
    ]
    return Files([*here, *theme_files])
