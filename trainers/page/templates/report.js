"use strict";
// "1,234" and "0.76 ± 0.05" sort by their number, "–" last in either direction, everything else as text.
const number = (text) => parseFloat(text.replaceAll(",", "").replace("−", "-"));
function compare(a, b, direction) {
  const missing = (a === "–") - (b === "–");
  if (missing) return missing;
  const difference = number(a) - number(b);
  return direction * (Number.isNaN(difference) ? a.localeCompare(b, "en", { numeric: true }) : difference);
}
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
    const direction = head.ariaSort === "ascending" ? -1 : 1;
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
    const text = (row) => row.cells[column].textContent.trim();
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort((a, b) => compare(text(a), text(b), direction)));
  }));
}
function openCard() {
  const card = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (card && card.tagName === "DETAILS") {
    card.open = true;
    card.scrollIntoView();
  }
}
addEventListener("hashchange", openCard);
openCard();
