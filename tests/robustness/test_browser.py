"""The page in a browser: nothing fails or is fetched; tables fold, sort and filter; a telephone shows it whole."""

import importlib.util
import json
import pathlib
import shutil
import time

import pytest

from trainers.page.contents import of_zoo
from trainers.page.render import render

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
INSTALLED = CHROMIUM and DRIVER and importlib.util.find_spec("selenium")
pytestmark = pytest.mark.skipif(not INSTALLED, reason="needs chromium, chromedriver and selenium")


@pytest.fixture(scope="module")
def driver():
    """A headless Chromium."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield started
    started.quit()


@pytest.fixture
def browser(driver, folders, tmp_path):
    """The page about `folders` with nine models and ten rows about ladders, on a wide and light screen."""
    content = of_zoo(folders.results, folders.analysis, folders.saved_models, folders.pictures, folders.step_times)
    models = [{**content["models"][0], "name": f"own_{n}", "anchor": f"model-own_{n}"} for n in range(8)]
    tables = [{**table, "rows": table["rows"] * (5 if table["key"] == "ladder" else 1)} for table in content["tables"]]
    path = tmp_path / "index.html"
    path.write_text(render({**content, "tables": tables, "models": [*content["models"], *models]}))
    emulate(driver, 1400)
    for log in ("browser", "performance"):
        driver.get_log(log)  # reading empties it
    driver.get(path.as_uri())
    return driver


def first_column(browser, table):
    script = "return [...arguments[0].tBodies[0].rows].map(row => row.cells[0].textContent.trim())"
    return browser.execute_script(script, table)


def requests(browser):
    """The addresses that the page asked for."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith("data:")]


def shown(browser, selector):
    """The texts of the visible elements."""
    script = (
        "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility()).map(e => e.innerText)"
    )
    return browser.execute_script(script, selector)


def emulate(browser, width, scheme="light"):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def test_nothing_fails_and_nothing_is_fetched(browser, tmp_path):
    assert browser.title == "Regularized zoo"
    images = (
        "return [...document.images].map(i => { i.loading = 'eager'; return i.decode().then(() => i.naturalWidth) })"
    )
    widths = browser.execute_script(f"return Promise.all((() => {{ {images} }})())")
    assert len(widths) > 4 and all(width > 100 for width in widths)
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    assert requests(browser) == [pathlib.Path(tmp_path / "index.html").as_uri()]


def test_tables_unfold_and_sort(browser):
    fold = browser.find_element("id", "table-synthetic")
    table = fold.find_element("tag name", "table")
    assert not table.is_displayed()
    fold.find_element("tag name", "summary").click()
    assert table.is_displayed()
    buttons = {button.text.split(" ")[0]: button for button in table.find_elements("tag name", "button")}
    buttons["ours"].click()
    lowest_first = ["synthetic_mlp-vat", "synthetic_mlp-baseline", "synthetic_mlp-dropout"]
    assert first_column(browser, table) == lowest_first  # as numbers: as text 11.00 would come before 9.25
    buttons["ours"].click()
    assert first_column(browser, table) == lowest_first[::-1]
    assert table.find_element("css selector", "th[aria-sort]").get_attribute("aria-sort") == "descending"

    card = browser.find_element("id", "recipe-synthetic_mlp-vat")
    assert card.get_attribute("open") is None
    table.find_element("link text", "synthetic_mlp-vat").click()
    assert card.get_attribute("open") is not None and "document.title" in card.text


def test_a_link_opens_what_is_folded_or_filtered(browser):
    browser.execute_script("location.hash = '#rows-synthetic'")
    assert wait(lambda: browser.find_element("id", "rows-synthetic").is_displayed())
    browser.find_element("css selector", "[data-filter=model-cards]").send_keys("own")
    card = browser.find_element("id", "model-mnist_mlp-vat")
    assert not card.is_displayed()
    browser.execute_script("location.hash = '#model-mnist_mlp-vat'")
    assert wait(lambda: card.is_displayed() and card.get_attribute("open") is not None)


def wait(condition):
    """Waits until something holds, at most ten seconds."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_rows_are_filtered_by_words(browser):
    fold = browser.find_element("id", "table-ladder")
    fold.find_element("tag name", "summary").click()
    fold.find_element("tag name", "input").send_keys("1000 FULL")
    assert shown(browser, "#rows-ladder tbody a") == ["mnist_ladder-1000_full"] * 5
    assert fold.find_element("tag name", "output").text == "5 of 10"


def test_cards_are_filtered_by_words(browser):
    field = browser.find_element("css selector", "[data-filter=model-cards]")
    count = browser.find_element("css selector", "#models output")
    cards = "#model-cards > details > summary > code"
    field.send_keys("OWN 7")
    assert shown(browser, cards) == ["own_7"] and count.text == "1 of 9"
    field.send_keys("x")
    assert shown(browser, cards) == [] and count.text == "0 of 9"
    field.send_keys(*["\b"] * 6)
    assert len(shown(browser, cards)) == 9 and count.text == ""


def test_commands_are_copied(browser):
    browser.execute_cdp_cmd(
        "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )
    card = browser.find_element("id", "model-mnist_mlp-vat")
    card.find_element("tag name", "summary").click()
    button = card.find_element("css selector", ".copy")
    button.click()
    assert wait(lambda: button.text == "Copied")
    assert browser.execute_script("return navigator.clipboard.readText()") == 'model = zoo.load("mnist_mlp-vat")'
    assert browser.find_element("id", "status").get_attribute("textContent") == "Copied"


def test_every_control_is_reached_by_the_keyboard_and_shows_it(browser):
    from selenium.webdriver.common.keys import Keys

    emulate(browser, 390)
    script = (
        "const e = document.activeElement, s = getComputedStyle(e); "
        "return [e.tagName, e.className, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2, "
        "!!(e.innerText || e.getAttribute('aria-label') || e.labels?.length)]"
    )
    walked = []
    for _ in range(60):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        walked.append(browser.execute_script(script))
    assert walked[0][:2] == ["A", "skip"]
    assert {"A", "BUTTON", "SUMMARY"} <= {tag for tag, *_ in walked}
    assert "scroll" in {name for _, name, *_ in walked}  # the table is wider than a telephone
    inside = [step for step in walked if step[0] != "BODY"]
    assert len(inside) > 30 and all(outlined and named for _, _, outlined, named in inside)


@pytest.mark.parametrize("scheme, background", [("light", "rgb(255, 255, 255)"), ("dark", "rgb(13, 17, 23)")])
def test_nothing_is_wider_than_the_screen_and_text_has_contrast(browser, scheme, background):
    """A contrast of at least 4.5 for every text on the page, and of 3 for the edges of controls."""
    for _ in ("folded", "open"):
        for width in (320, 390, 820, 1400):
            emulate(browser, width, scheme)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        browser.execute_script("for (const fold of document.querySelectorAll('details')) fold.open = true")
    emulate(browser, 390, scheme)
    narrowest = "return Math.min(...[...document.querySelectorAll(arguments[0])].map(e => e.clientWidth))"
    assert (
        browser.execute_script(narrowest, ".card dd") >= 150 and browser.execute_script(narrowest, "figure img") > 300
    )
    captions = (
        "return [...document.querySelectorAll('caption')].every(e => e.clientWidth <= e.closest('.scroll').clientWidth)"
    )
    assert browser.execute_script(captions)
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == background
    found = browser.execute_script(CONTRASTS)
    assert len(found) > 3 and min(found.values()) >= 4.5, found
    edge = browser.execute_script("return getComputedStyle(document.querySelector('.copy')).borderTopColor")
    assert browser.execute_script(f"{RATIO} return ratio(arguments[0], arguments[1])", edge, background) >= 3


RATIO = """
const luminance = (color) => color.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
  .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ratio = (a, b) => {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
};
"""
CONTRASTS = (
    RATIO
    + """
const backgroundOf = (e) => {
  for (; e; e = e.parentElement) {
    const color = getComputedStyle(e).backgroundColor;
    if (!color.startsWith("rgba(0, 0, 0, 0")) return color;
  }
};
const found = {}, texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const e = texts.currentNode.parentElement;
  if (!texts.currentNode.textContent.trim() || !e.checkVisibility() || e.matches(".unseen, script")) continue;
  const pair = `${getComputedStyle(e).color} on ${backgroundOf(e)}`;
  found[pair] = ratio(getComputedStyle(e).color, backgroundOf(e));
}
return found;
"""
)
