"""The page shows and escapes what the files say, and errors name the damaged file."""

import html.parser
import itertools
import json
import re
import shutil
import urllib.parse
import xml.etree.ElementTree

import pytest

from trainers.page.contents import of_run, of_table, of_zoo
from trainers.page.render import data_uri, render
from trainers.pictures.files import svg
from trainers.pictures.style import Picture, new_figure
from trainers.results.store import read_results
from trainers.results.tables import cells
from zoo import recipes
from zoo.pretrained.card import write_card


class Elements(html.parser.HTMLParser):
    """Every element of a page with its attributes, and the text outside scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.open = [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.open = tag

    def handle_data(self, data):
        self.text += data if self.open not in ("script", "style") else ""

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def zoo_page(folders):
    names = ("results", "analysis", "saved_models", "pictures", "step_times")
    return render(of_zoo(*(getattr(folders, name) for name in names)))


def test_tables_show_the_cells_of_the_results(folders):
    page = Elements(zoo_page(folders))
    results = read_results(folders.results)
    for cell in cells(results["synthetic_mlp-vat"], results["synthetic_mlp-baseline"])[1:]:
        assert cell in page.text
    program = "python -m trainers.reproduce --results=runs/results"
    names = "synthetic_mlp-baseline,synthetic_mlp-dropout,synthetic_mlp-vat"
    assert f"KERAS_BACKEND=jax {program} --recipes={names} --seeds=2" in page.text
    assert f"KERAS_BACKEND=jax {program} --recipes=mnist_ladder-100_full --seeds=1" in page.text
    assert {"recipe-synthetic_mlp-vat", "model-mnist_mlp-vat"} <= {card.get("id") for card in page.all("details")}


def test_commands_of_changed_rows_reproduce_these_rows(folders):
    """A table with a changed row has no common command, and an unknown recipe has no command."""
    short, unknown = (folders.results / f"{name}.json" for name in ("mnist_ladder-100_full", "synthetic_mlp-own"))
    short.write_text(short.read_text().replace('"epochs": 150', '"epochs": 7'))
    content = json.loads((folders.results / "synthetic_mlp-vat.json").read_text())
    unknown.write_text(json.dumps({**content, "recipe": {**content["recipe"], "name": "synthetic_mlp-own"}}))
    text = Elements(zoo_page(folders)).text
    assert "python -m trainers.train --recipe=mnist_ladder-100_full --seed=0 --override=epochs=7 --noexport" in text
    assert "trainers.reproduce --results=runs/results --table=" not in text
    assert "--recipes=synthetic_mlp-own" not in text and "--recipe=synthetic_mlp-own" not in text


def test_models_show_card_and_analysis(folders):
    text = Elements(zoo_page(folders)).text
    for figure in (
        "test error 0.62 %",
        "1,234,567",
        "12.50 ± 0.5",
        "3.25 ± 0.12",
        "mnist: fgsm_linf 0.1 on 7 examples.",
    ):
        assert figure in text, figure


def test_a_model_shows_no_analysis_of_another_model_with_its_name(folders):
    command = "python -m trainers.analyze --model=mnist_mlp-vat"
    assert command in Elements(zoo_page(folders)).text
    path = folders.analysis / "mnist_mlp-vat.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "sha256": "of another"}))
    assert command not in Elements(zoo_page(folders)).text


def test_text_of_files_is_escaped(folders):
    text = zoo_page(folders)
    page = Elements(text)
    assert folders.hostile not in text and folders.hostile in page.text
    assert len(page.all("script")) == 1
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_the_page_fetches_nothing_and_every_picture_has_alt_text(folders):
    picture = Picture(new_figure(1)[0], "A title", "What it shows & means")
    (folders.pictures / "drawn.svg").write_text(svg(picture, "python -m trainers.draw --names=drawn"))
    page = Elements(zoo_page(folders))
    images = page.all("img")
    assert len(images) > 4 and all(image["alt"] and image["src"].startswith("data:") for image in images)
    assert "What it shows & means" in {image["alt"] for image in images}
    assert "python -m trainers.draw --names=drawn" in page.text
    links = [attributes["href"] for _, attributes in page.elements if "href" in attributes]
    assert all(link.startswith(("#", "data:")) for link in links)
    anchors = {attributes.get("id") for _, attributes in page.elements}
    assert {link[1:] for link in links if link.startswith("#")} <= anchors


def test_the_page_begins_with_the_methods_and_their_cards(folders):
    """One row per method, with a link to its published model, or else to its runs."""
    text = zoo_page(folders)
    page = Elements(text)
    table = text.partition('<table id="table-methods"')[2].partition("</table>")[0]
    links = [link["href"] for link in Elements(table).all("a")]
    assert links == [
        "#recipe-synthetic_mlp-baseline",
        "#recipe-synthetic_mlp-dropout",
        "#recipe-synthetic_mlp-vat",
        "#recipe-mnist_ladder-100_full",
    ]
    assert text.index("table-methods") < text.index('id="tables"')
    published = recipes.get("synthetic_mlp-vat").published_error
    assert f"0.62 ± 0.18 better than published published {published}, 2 seeds" in " ".join(page.text.split())
    assert "10.00 × " not in text and "2.5 ×" in page.text


def test_the_picture_of_the_methods_is_at_the_top(folders):
    for name in ("methods", "own"):
        (folders.pictures / f"{name}.svg").write_text(svg(Picture(new_figure(1)[0], f"The {name}", "Alt.")))
    header, _, rest = zoo_page(folders).partition("</header>")
    assert "The methods" in header and "The methods" not in rest
    assert "The own" in rest.partition("More pictures")[2]  # a picture that no section names


def test_tables_are_folded_with_a_caption_and_scopes(folders):
    page = Elements(zoo_page(folders))
    tables = page.all("table")
    assert len(page.all("caption")) == len(tables) > 5
    assert all(head["scope"] in ("col", "row") for head in page.all("th"))
    folded = [each for each in page.all("details") if each.get("id", "").startswith("table-")]
    assert len(folded) == 2 and not any("open" in each for each in folded)
    shown = Elements(render(of_table("synthetic", folders.results)))
    assert [each["id"] for each in shown.all("details") if "open" in each] == ["table-synthetic"]


def test_headings_descend_in_steps_of_one(folders):
    levels = [int(tag[1]) for tag, _ in Elements(zoo_page(folders)).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


def test_addresses_of_pictures_hold_the_same_picture():
    figure, axes = new_figure(1)
    axes[0, 0].set_title('it\'s "quoted" & 100 % <b>#1</b>')
    text = svg(Picture(figure, "t", "a"))
    uri = str(data_uri(text))
    assert '"' not in uri and "#" not in uri and "&" not in uri
    kind, _, data = uri.partition(",")
    read, given = (canonical(each) for each in (urllib.parse.unquote(data), text))
    assert kind == "data:image/svg+xml" and read == given
    assert len(uri) < 1.2 * len(text)


def canonical(text):
    """Tags, attributes and texts of an XML document."""
    root = xml.etree.ElementTree.fromstring(text)
    return [(each.tag, each.attrib, (each.text or "").strip()) for each in root.iter()]


def test_pages_of_empty_folders_say_how_to_fill_them(tmp_path):
    text = Elements(render(of_zoo(tmp_path, *[tmp_path / "none"] * 4))).text
    assert "No results yet" in text and "No models yet" in text and "No pictures yet" in text


def test_a_model_without_a_card_is_named(folders):
    (folders.saved_models / "nameless").mkdir()
    assert "nameless has no card" in Elements(zoo_page(folders)).text


@pytest.mark.parametrize(
    "file, content",
    [
        ("results/synthetic_mlp-vat.json", "{"),
        ("results/synthetic_mlp-vat.json", "[1]"),
        ("results/synthetic_mlp-vat.json", '{"recipe": {"name": "a"}, "seeds": {}}'),
        ("analysis/mnist_mlp-vat.json", '{"model": "mnist_mlp-vat", "errors": [], "measures": {}}'),
        ("analysis/mnist_mlp-vat.json", '{"model": "a", "errors": {"sign": {"error": 1}}, "measures": {}}'),
        ("saved_models/mnist_mlp-vat/card.json", "{}"),
        ("pictures/drawn.svg", "<svg"),
    ],
)
def test_a_damaged_or_foreign_file_is_named(folders, file, content):
    (folders.results.parent / file).write_text(content)
    with pytest.raises(ValueError, match=file.rsplit("/", 1)[1]):
        zoo_page(folders)


def test_a_seed_without_a_test_error_is_named(folders):
    path = folders.results / "synthetic_mlp-vat.json"
    content = json.loads(path.read_text())
    del content["seeds"]["1"]["errors"]["test"]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="synthetic_mlp-vat.json has no seed, or lacks the test error"):
        zoo_page(folders)


def test_a_card_with_fields_missing_is_named(folders):
    write_card(folders.saved_models / "mnist_mlp-vat", {"name": "mnist_mlp-vat", "errors": {}})
    with pytest.raises(ValueError, match="card.json is damaged: 'num_parameters'"):
        zoo_page(folders)


def test_a_table_page_shows_its_recipes_only(folders):
    text = Elements(render(of_table("synthetic", folders.results))).text
    assert "synthetic_mlp-vat" in text and "mnist" not in text
    shutil.rmtree(folders.results)
    with pytest.raises(ValueError, match="holds no results of the table 'synthetic'"):
        of_table("synthetic", folders.results)


def test_run_shows_its_figures(tmp_path):
    recipe = recipes.get("synthetic_mlp-vat").override({"epochs": 3})
    (tmp_path / "run.json").write_text(json.dumps({"recipe": recipe.settings(), "seed": 4}))
    with pytest.raises(FileNotFoundError, match="no finished run"):
        of_run(tmp_path)
    result = {"recipe": recipe.name, "seed": 4, "errors": {"test": 0.375}, "seconds_per_epoch": 0.5, "epochs": 3}
    (tmp_path / "result.json").write_text(json.dumps({**result, "device": "CPU", "backend": "jax"}))
    text = Elements(render(of_run(tmp_path))).text
    assert "0.38" in text and "0.76" in text
    assert "KERAS_BACKEND=jax python -m trainers.train --recipe=synthetic_mlp-vat --seed=4 --override=epochs=3" in text
