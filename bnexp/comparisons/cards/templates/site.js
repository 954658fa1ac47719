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
