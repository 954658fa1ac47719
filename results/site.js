// Tables that sort by any column; a page is whole without it.
"use strict";
const units = { ms: 1e-3, s: 1, min: 60, h: 3600, k: 1e3, M: 1e6, G: 1e9 };
const key = (text) => {
  if (text === "\u2013" || text === "") return [2, 0]; // what is missing comes last
  const plain = text.replace("\u2212", "-").replace(/,(?=\d{3}\b)/g, "");
  if (/^-?never$/.test(plain)) return [0, plain === "never" ? Infinity : -Infinity];
  const number = plain.match(/^[<>~\u2248]?\s*([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)\s?([a-zA-Z]*)/);
  return number ? [0, number[1] * (units[number[2]] ?? 1)] : [1, 0];
};
const compare = (a, b, down = false) => {
  const [one, two] = [key(a), key(b)];
  if (one[0] === 2 || two[0] === 2) return one[0] - two[0];
  const words = () => a.localeCompare(b, "en", { numeric: true });
  const found = one[0] - two[0] || (one[1] === two[1] ? words() : one[1] - two[1]);
  return down ? -found : found;
};

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const text = (row) => row.cells[at].textContent.trim();
      table.tBodies[0].append(
        ...[...table.tBodies[0].rows].sort((a, b) => compare(text(a), text(b), down)));
    });
  });
}
// A choice of dataset; the pages are whole without it.
const main = document.getElementById("main");
const sets = main.dataset.sets.split(";").filter(Boolean).map((one) => one.split("="));
const parts = [...document.querySelectorAll("[data-on]")];
if (sets.length > 1 && parts.length) {
  const show = (name) => {
    for (const part of parts) part.hidden = name !== "" && part.dataset.on !== name;
    try { sessionStorage.setItem("bnexp-set", name); } catch { /* from the disk, perhaps none */ }
  };
  let kept = "";
  try { kept = sessionStorage.getItem("bnexp-set") || ""; } catch { /* none */ }
  if (!sets.some(([name]) => name === kept)) kept = "";
  const field = document.createElement("fieldset");
  const legend = document.createElement("legend");
  legend.textContent = "Show";
  field.append(legend);
  for (const [name, title] of [["", "all datasets"], ...sets]) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "set", value: name, checked: name === kept });
    input.addEventListener("change", () => show(name));
    label.append(input, " " + title);
    field.append(label);
  }
  main.querySelector("h1").after(field);
  show(kept);
}
