// Arms switched on and off, rows of a figure one at a time; the page is whole without it.
const within = (root, tag, props) => {
  const made = Object.assign(document.createElement(tag), props);
  root.append(made);
  return made;
};

for (const svg of document.querySelectorAll("figure > svg")) {
  const named = (key) => [...new Set([...svg.querySelectorAll(`[data-${key}]`)].map((one) => one.dataset[key]))];
  const of = (key, name) => [...svg.querySelectorAll(`[data-${key}]`)].filter((one) => one.dataset[key] === name);
  const controls = document.createElement("fieldset");
  within(controls, "legend", { textContent: "Show" });

  const arms = named("arm");
  if (arms.length > 1) {
    for (const arm of arms) {
      const label = within(controls, "label", {});
      const box = within(label, "input", { type: "checkbox", checked: true });
      label.append(` ${arm}`);
      box.addEventListener("change", () => {
        for (const part of of("arm", arm)) part.style.display = box.checked ? "" : "none";
      });
    }
  }

  const rows = named("row");
  if (rows.length > 1) {
    const boxes = rows.map((row) => of("row", row).map((part) => part.getBBox()));
    const top = boxes.map((row) => Math.min(...row.map((box) => box.y)));
    const bottom = boxes.map((row) => Math.max(...row.map((box) => box.y + box.height)));
    const whole = svg.viewBox.baseVal;
    const [x, y, width, height] = [whole.x, whole.y, whole.width, whole.height];
    const end = bottom[rows.length - 1];
    const below = [...svg.querySelectorAll("g > text, g > g > text")].filter(
      (text) => !text.closest("[data-row]") && text.getBBox().y >= end - 1);
    const label = within(controls, "label", { textContent: "Row " });
    const range = within(label, "input", { type: "range", min: 0, max: rows.length, step: 1, value: 0 });
    const said = within(label, "output", {});
    const show = () => {
      const at = Number(range.value) - 1;
      rows.forEach((row, place) => {
        for (const part of of("row", row)) {
          part.style.display = at < 0 || at === place ? "" : "none";
          part.setAttribute("transform", at < 0 ? "" : `translate(0 ${top[0] - top[at]})`);
        }
      });
      const gone = at < 0 ? 0 : end - (bottom[at] - top[at] + top[0]);
      for (const text of below) text.style.translate = `0 ${-gone}px`;
      svg.setAttribute("viewBox", `${x} ${y} ${width} ${height - gone}`);
      said.textContent = at < 0 ? "all" : rows[at];
      range.setAttribute("aria-valuetext", said.textContent);
    };
    range.addEventListener("input", show);
    show();
  }
  if (controls.children.length > 1) svg.parentElement.prepend(controls);
}
