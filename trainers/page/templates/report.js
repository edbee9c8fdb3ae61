"use strict";
// "1,234" and "0.76 ± 0.05" sort by their number, "–" last in either direction, everything else as text.
const number = (text) => parseFloat(text.replaceAll(",", "").replace("−", "-"));
const textOf = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
function compare(a, b, direction) {
  const missing = (a === "–") - (b === "–");
  if (missing) return missing;
  const difference = number(a) - number(b);
  return direction * (Number.isNaN(difference) ? a.localeCompare(b, "en", { numeric: true }) : difference);
}
function sortBy(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const direction = heads[column].ariaSort === "ascending" ? -1 : 1;
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort((a, b) => compare(textOf(a, column), textOf(b, column), direction)));
}
for (const table of document.querySelectorAll("table")) {
  [...table.tHead.rows[0].cells].forEach((head, column) =>
    head.firstElementChild.addEventListener("click", () => sortBy(table, column)));
}

// Every word of the filter must occur in a row or card.
function filterItems(input) {
  const target = document.getElementById(input.dataset.filter);
  const items = [...(target.tBodies?.[0].rows ?? target.children)];
  const words = input.value.toLowerCase().split(/\s+/);
  for (const item of items) {
    const shown = (target.tBodies ? item : item.firstElementChild).textContent.toLowerCase();
    item.hidden = !words.every((word) => shown.includes(word));
  }
  const left = items.filter((item) => !item.hidden).length;
  input.closest(".filter").querySelector("output").value = input.value ? `${left} of ${items.length}` : "";
}
for (const input of document.querySelectorAll("[data-filter]")) {
  input.closest(".filter").hidden = false;
  input.addEventListener("input", () => filterItems(input));
}

// Without a secure context browsers have no clipboard interface, only the old command.
async function copy(code) {
  if (navigator.clipboard) return navigator.clipboard.writeText(code.textContent);
  getSelection().selectAllChildren(code);
  if (!document.execCommand("copy")) throw new Error("The text is selected.");
}
for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const done = await copy(button.previousElementSibling).then(() => "Copied", () => "Not copied");
    button.textContent = document.getElementById("status").textContent = done;
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// The keyboard scrolls what is wider than the page.
const labels = ["tabindex", "role", "aria-label"];
const scrollable = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const values = ["0", "region", target.querySelector("caption").textContent];
    const isWide = target.scrollWidth > target.clientWidth;
    labels.forEach((name, i) => isWide ? target.setAttribute(name, values[i]) : target.removeAttribute(name));
  }
});
for (const region of document.querySelectorAll(".scroll")) scrollable.observe(region);

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let part = target; part; part = part.parentElement) {
    if (part.tagName === "DETAILS") part.open = true;
    part.hidden = false;
  }
  target.scrollIntoView();
}
addEventListener("hashchange", openTarget);
openTarget();
