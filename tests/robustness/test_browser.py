"""The page in a browser: nothing fails, nothing is fetched, tables sort, cards open, a telephone shows it whole."""

import importlib.util
import json
import pathlib
import shutil

import pytest

from trainers.page.contents import of_zoo
from trainers.page.render import render

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
INSTALLED = CHROMIUM and DRIVER and importlib.util.find_spec("selenium")
pytestmark = pytest.mark.skipif(not INSTALLED, reason="needs chromium, chromedriver and selenium")


@pytest.fixture
def browser(folders, tmp_path):
    """A headless Chromium that shows the page about `folders`."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    path = tmp_path / "index.html"
    path.write_text(render(of_zoo(folders.results, folders.saved_models, folders.pictures)))
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        driver.get(path.as_uri())
        yield driver
    finally:
        driver.quit()


def first_column(browser, table):
    script = "return [...arguments[0].tBodies[0].rows].map(row => row.cells[0].textContent.trim())"
    return browser.execute_script(script, table)


def requests(browser):
    """The addresses that the page asked for."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith("data:")]


def test_page_in_a_browser(browser, tmp_path):
    from selenium.webdriver.common.by import By

    table = browser.find_element(By.CSS_SELECTOR, "#table-synthetic table")
    buttons = {button.text.split(" ")[0]: button for button in table.find_elements(By.TAG_NAME, "button")}
    buttons["ours"].click()
    lowest_first = ["synthetic_mlp-vat", "synthetic_mlp-baseline", "synthetic_mlp-dropout"]
    assert first_column(browser, table) == lowest_first  # as numbers: as text 11.00 would come before 9.25
    buttons["ours"].click()
    assert first_column(browser, table) == lowest_first[::-1]
    assert table.find_element(By.CSS_SELECTOR, "th[aria-sort]").get_attribute("aria-sort") == "descending"

    card = browser.find_element(By.ID, "recipe-synthetic_mlp-vat")
    assert card.get_attribute("open") is None
    table.find_element(By.LINK_TEXT, "synthetic_mlp-vat").click()
    assert card.get_attribute("open") is not None and "document.title" in card.text

    assert browser.title == "Regularized zoo"
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    assert requests(browser) == [pathlib.Path(tmp_path / "index.html").as_uri()]

    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    background = "return getComputedStyle(document.body).backgroundColor"
    assert browser.execute_script(background) == "rgb(255, 255, 255)"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    assert browser.execute_script(background) == "rgb(13, 17, 23)"

    browser.execute_script("for (const card of document.querySelectorAll('details')) card.open = true")
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    assert browser.execute_script("return document.documentElement.scrollWidth") == 360
