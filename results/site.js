// Tables that sort, and a choice of dataset; the pages are whole without it.
"use strict";
const text = (row, at) => row.cells[at].textContent.trim();
const order = (a, b) => a.localeCompare(b, "en", { numeric: true });

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => (down ? -1 : 1) * order(text(a, at), text(b, at)));
      table.tBodies[0].append(...rows);
    });
  });
}

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
